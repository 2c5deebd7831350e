/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Withdrawing keys: a layer's path entry, the layer's values in the key, and, once no layer names it, the
 * key. */

#include <errno.h>
#include <string.h>

#include "registry-internal.h"

/* Copies the names first: each operation ends the life of borrowed pointers. */
struct names {
        char **list;
        size_t n;
};

static void names_done(struct names *names)
{
        for (size_t i = 0; i < names->n; i++)
                free(names->list[i]);
        free(names->list);
}

static int names_add(struct names *names, const char *name)
{
        char **list = reallocarray(names->list, names->n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        names->list = list;
        list[names->n] = strdup(name);
        return list[names->n] ? (names->n++, 0) : -ENOMEM;
}

static bool same_layer(const char *a, const char *b)
{
        return fold_equal(a, strlen(a), b, strlen(b));
}

static int withdraw_values(struct registry *r, const struct guid *key, const char *path, const char *layer)
{
        _cleanup_(names_done) struct names names = { 0 };
        const struct store_value_entry *chain;
        const void *cursor = NULL;
        int e = 0;

        while (e == 0 && (chain = store_next_value(r->store, key, &cursor)))
                for (const struct store_value_entry *v = chain; e == 0 && v; v = v->next)
                        if (same_layer(v->layer, layer))
                                e = names_add(&names, v->name);
        for (size_t i = 0; e == 0 && i < names.n; i++)
                e = registry_withdraw_value(r, key, path, names.list[i], layer);
        return e;
}

/* Is the key still named by any layer's path entry? */
static bool is_named(
        const struct registry *r, const struct guid *parent, const char *name, const struct guid *key)
{
        const struct store_path_entry *entry = store_lookup(r->store, parent, name, strlen(name));
        for (; entry; entry = entry->next)
                if (!entry->hidden && guid_equal(&entry->target, key))
                        return true;
        return false;
}

static int withdraw_key(struct registry *r, const struct guid *parent, const char *parent_path,
        const char *name, const struct guid *key, const char *path, const char *layer)
{
        const struct store_key *k = store_key(r->store, key);
        bool is_volatile = k && k->is_volatile;

        int e = touch_child(r, parent, parent_path, name);
        if (e == 0)
                e = withdraw_values(r, key, path, layer);
        if (e == 0)
                e = registry_op(r,
                        &(struct store_op){
                                .code = STORE_DELETE_ENTRY, .guid = *parent, .name = name, .layer = layer },
                        is_volatile);
        if (e == 0 && !is_named(r, parent, name, key)) {
                e = registry_op(r, &(struct store_op){ .code = STORE_DROP_KEY, .guid = *key }, is_volatile);
                /* A hidden child of another layer keeps the key's record: it is out of reach all the same.
                 */
                if (e == -ENOTEMPTY)
                        e = 0;
        }
        return e;
}

static int delete_tree(struct registry *r, const struct guid *parent, const char *parent_path,
        const char *name, const char *layer, bool recursive, unsigned depth, struct diag *d)
{
        _cleanup_(names_done) struct names names = { 0 };
        _cleanup_free_ const struct store_path_entry **children = NULL;
        _cleanup_buf_ struct buf path = BUF_INIT;
        const struct store_path_entry *entry = store_lookup(r->store, parent, name, strlen(name));
        size_t n = 0;

        buf_printf(&path, "%s\\%s", parent_path, name);
        if (path.error)
                return path.error;
        while (entry && (entry->hidden || !same_layer(entry->layer, layer)))
                entry = entry->next;
        if (!entry)
                return diag_set(d, ENOENT, "%s: layer %s has no such key; it comes from another layer",
                        buf_str(&path), layer);
        struct guid key = entry->target;
        int e = resolve_children(r->store, &r->layers, &key, &children, &n);
        if (e < 0)
                return e;
        if (n > 0 && !recursive)
                return diag_set(d, ENOTEMPTY,
                        "%s: the key has %zu subkeys, '%s' among them; delete those first", buf_str(&path),
                        n, children[0]->name);
        if (depth == PATH_DEPTH_MAX)
                return diag_set(d, ELOOP, "%s: more than %u levels", buf_str(&path), PATH_DEPTH_MAX);
        for (size_t i = 0; e == 0 && i < n; i++)
                e = names_add(&names, children[i]->name);
        for (size_t i = 0; e == 0 && i < n; i++)
                e = delete_tree(r, &key, buf_str(&path), names.list[i], layer, true, depth + 1, d);
        return e < 0 ? e : withdraw_key(r, parent, parent_path, name, &key, buf_str(&path), layer);
}

int registry_delete_key(struct registry *r, const struct registry_write *w, bool recursive, struct diag *d)
{
        const char *layer = w->layer;
        struct guid key;

        int e = registry_check_writable(r, &layer, d);
        if (e == 0)
                e = registry_find_key(r, w->path, &key, d);
        if (e < 0)
                return e;
        if (w->path->n < 2)
                return diag_set(d, EINVAL, "%s: a hive cannot be deleted", w->path->text);

        _cleanup_free_ char *parent_path = strndup(w->path->text, w->path->ends[w->path->n - 2]);
        if (!parent_path)
                return -ENOMEM;
        _cleanup_path_ struct path parent = { 0 };
        struct guid parent_key;
        e = registry_path(r, parent_path, &parent, d);
        if (e == 0)
                e = registry_find_key(r, &parent, &parent_key, d);
        if (e < 0)
                return e;
        r->layers_touched |= registry_is_layer_metadata(w->path);
        return delete_tree(r, &parent_key, parent_path, w->path->text + w->path->ends[w->path->n - 2] + 1,
                layer, recursive, 0, d);
}
