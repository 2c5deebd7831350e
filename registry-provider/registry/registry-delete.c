/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Withdrawing: a layer's values and path entries, and, once no layer names it, a key with all that is in it.
 * With a path entry goes all that the layer has below, seen or not. A layer that writes here names the key
 * and all above it, but one that was written elsewhere need not. */

#include <errno.h>
#include <string.h>

#include "registry-internal.h"

int registry_withdraw_value(struct registry *r, const struct guid *key, const char *name, const char *layer)
{
        struct touch *t = NULL;
        int e = touch_value(r, key, name, &t);
        if (e == 0)
                e = registry_op(r, &(struct store_op){ .code = STORE_DELETE_VALUE,
                                           .guid = *key,
                                           .name = name,
                                           .layer = layer,
                                           .time = r->time });
        if (e == 0 && t)
                t->is_write = true;
        return e;
}

int registry_withdraw_entry(
        struct registry *r, const struct guid *parent, const char *name, const char *layer)
{
        int e = touch_child(r, parent, name);
        return e < 0 ? e
                     : registry_op(r, &(struct store_op){ .code = STORE_DELETE_ENTRY,
                                              .guid = *parent,
                                              .name = name,
                                              .layer = layer });
}

/* What other layers name in a key that nobody names any more. As deep as a path is at most. */
static int drop_children(struct registry *r, const struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        size_t n;
        const struct store_path_entry *const *children = store_children(r->store, key, &n);
        int e = 0;

        for (size_t i = 0; e == 0 && i < n; i++)
                for (const struct store_path_entry *c = children[i]; e == 0 && c; c = c->next) {
                        if (c->hidden)
                                continue;
                        e = registry_withdraw_entry(r, key, c->name, c->layer);
                        if (e == 0)
                                e = registry_drop_unnamed(r, &c->target);
                }
        return e;
}

int registry_drop_unnamed(struct registry *r, const struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);

        if (!store_key(r->store, key) || store_key_is_referenced(r->store, key))
                return 0;
        int e = drop_children(r, key);
        return e < 0 ? e : registry_op(r, &(struct store_op){ .code = STORE_DROP_KEY, .guid = *key });
}

static int withdraw_values(struct registry *r, const struct guid *key, const char *layer)
{
        size_t n;
        const struct store_value_entry *const *values = store_values(r->store, key, false, &n);
        int e = 0;

        for (size_t i = 0; e == 0 && i < n; i++)
                if (value_in_layer(values[i], layer))
                        e = registry_withdraw_value(r, key, values[i]->name, layer);
        return e;
}

/* What the layer has in the key of that name, and below. As deep as a path is at most. */
static int withdraw_tree(struct registry *r, const struct guid *parent, const char *name, const char *layer)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        const struct store_path_entry *chain = store_lookup(r->store, parent, name, strlen(name));
        const struct store_path_entry *named = registry_named(chain, layer);
        size_t n = 0;
        int e = store_error(r->store, NULL);

        if (e < 0 || !named)
                return e;
        const struct guid key = named->target;
        const struct store_path_entry *const *children = store_children(r->store, &key, &n);
        for (size_t i = 0; e == 0 && i < n; i++) {
                named = registry_named(children[i], NULL);
                e = named ? registry_take_room(r, strlen(named->name)) : 0;
                if (e == 0 && named)
                        e = withdraw_tree(r, &key, named->name, layer);
        }
        if (e == 0)
                e = withdraw_values(r, &key, layer);
        if (e < 0 || !entry_in_layer(chain, layer))
                return e;
        e = registry_withdraw_entry(r, parent, name, layer);
        return e < 0 ? e : registry_drop_unnamed(r, &key);
}

static int check_empty(
        const struct registry *r, const struct path *path, const struct guid *key, struct diag *d)
{
        const struct store_path_entry *first = NULL, *child;
        size_t n_children, n = 0;
        const struct store_path_entry *const *children = store_children(r->store, key, &n_children);

        for (size_t i = 0; i < n_children; i++)
                if (resolve_child_chain(&r->layers, children[i], &child) == 0 && n++ == 0)
                        first = child;
        if (n == 0)
                return store_error(r->store, d);
        if (n == 1)
                return diag_set(d, ENOTEMPTY,
                        "%s: the key has the subkey '%s'; delete that first, or the key recursively",
                        path->text, first->name);
        return diag_set(d, ENOTEMPTY,
                "%s: the key has %zu subkeys, '%s' among them; delete those first, or the key recursively",
                path->text, n, first->name);
}

static int delete_in_layer(struct registry *r, const struct registry_write *w, const char *layer,
        bool recursive, struct diag *d)
{
        const struct path *path = w->path;
        const struct store_path_entry *mine = NULL;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);
        struct guid parent, key;

        int e = registry_find_named(r, path, path->n - 1, layer, &parent);
        if (e == 0)
                mine = entry_in_layer(store_lookup(r->store, &parent, name, len), layer);
        if (!mine || mine->hidden) {
                e = registry_find_key(r, path, &key, d);
                return e < 0 ? e
                             : diag_set(d, ENOENT,
                                       "%s: layer %s has no such key; it comes from another layer",
                                       path->text, layer);
        }
        if (w->expected.given && mine->sequence != w->expected.sequence)
                return diag_set(d, EAGAIN, "%s: the key has sequence %llu in layer %s, expected %llu",
                        path->text, (unsigned long long)mine->sequence, layer,
                        (unsigned long long)w->expected.sequence);
        e = recursive ? 0 : check_empty(r, path, &mine->target, d);
        if (e < 0)
                return e;
        r->layers_touched |= registry_is_layer_metadata(path, true);
        return withdraw_tree(r, &parent, name, layer);
}

int registry_delete_key(struct registry *r, const struct registry_write *w, bool recursive, struct diag *d)
{
        const char *layer = w->layer;
        struct savepoint sp;

        int e = registry_check_writable(r, &layer, d);
        if (e < 0)
                return e;
        if (w->path->n < 2)
                return diag_set(d, EINVAL, "%s: a hive cannot be deleted", w->path->text);
        e = savepoint_set(r, &sp);
        return e < 0 ? e : savepoint_close(r, &sp, delete_in_layer(r, w, layer, recursive, d), d);
}

static int no_value(
        const struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct store_value_entry *v;
        const char *name = path_word_of_value_name(w->name);
        struct guid key;

        int e = registry_find_key(r, w->path, &key, d);
        if (e < 0)
                return e;
        bool other = resolve_value(r->store, &r->layers, &key, w->name, strlen(w->name), &v) == 0;
        return diag_set(d, ENOENT, "%s: layer %s has no value '%s'%s%s", w->path->text, layer, name,
                other ? "; it comes from layer " : "", other ? v->layer : "");
}

static int delete_value(
        struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct store_value_entry *mine = NULL;
        struct guid key;

        if (registry_find_named(r, w->path, w->path->n, layer, &key) == 0)
                mine = value_in_layer(store_value(r->store, &key, w->name, strlen(w->name)), layer);
        if (!mine)
                return no_value(r, w, layer, d);
        int e = registry_check_expected(w, mine, layer, d);
        if (e < 0)
                return e;
        r->layers_touched |= registry_is_layer_metadata(w->path, false);
        return registry_withdraw_value(r, &key, w->name, layer);
}

int registry_delete(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct savepoint sp;

        int e = registry_check_writable(r, &layer, d);
        if (e == 0)
                e = savepoint_set(r, &sp);
        return e < 0 ? e : savepoint_close(r, &sp, delete_value(r, w, layer, d), d);
}
