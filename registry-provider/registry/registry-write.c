/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes: the way down a path in one layer, setting and making, withdrawing. */
#include "registry-internal.h"

#include <errno.h>
#include <string.h>

/* ---- The way down a path in one layer: finding it, and making what is missing ---- */

const struct hive_root *registry_hive(const struct registry *r, const char *name, size_t len)
{
        for (size_t i = 0; i < r->hives.n; i++)
                if (fold_equal(r->hives.list[i].name, strlen(r->hives.list[i].name), name, len))
                        return &r->hives.list[i];
        return NULL;
}

static const struct hive_root *find_hive(const struct registry *r, const struct path *path)
{
        size_t len;
        const char *name = path_component(path, 0, &len);
        return registry_hive(r, name, len);
}

int registry_find_named(
        const struct registry *r, const struct path *path, size_t n, const char *layer, struct guid *ret)
{
        const struct hive_root *hive = find_hive(r, path);
        if (!hive)
                return -ENOENT;
        struct guid key = hive->root;
        for (size_t i = 1; i < n; i++) {
                size_t len;
                const char *name = path_component(path, i, &len);
                const struct store_path_entry *named =
                        registry_named(store_lookup(r->store, &key, name, len), layer);
                if (!named)
                        return -ENOENT;
                key = named->target;
        }
        *ret = key;
        return 0;
}

int registry_add_hive(struct registry *r, const char *name, size_t len)
{
        if (registry_hive(r, name, len))
                return 0;
        struct hive_root *list = reallocarray(r->hives.list, r->hives.n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        r->hives.list = list;
        struct hive_root hive = { .name = strndup(name, len) };
        int e = hive.name ? guid_new(&hive.root) : -ENOMEM;
        if (e == 0)
                e = registry_op(r, &(struct store_op){ .code = STORE_CREATE_KEY,
                                           .guid = hive.root,
                                           .name = hive.name,
                                           .time = r->time });
        if (e < 0)
                free(hive.name);
        else
                r->hives.list[r->hives.n++] = hive;
        return e;
}

static int new_key(
        struct registry *r, const struct guid *parent, const char *name, bool is_volatile, struct guid *ret)
{
        const struct store_key *up = store_key(r->store, parent);
        int e = guid_new(ret);
        return e < 0 ? e
                     : registry_op(r, &(struct store_op){ .code = STORE_CREATE_KEY,
                                              .guid = *ret,
                                              .target = *parent,
                                              .name = name,
                                              .is_volatile = is_volatile || (up && up->is_volatile),
                                              .time = r->time });
}

/* A layer of the same precedence hid the key later: naming it once more brings it back. */
static bool is_buried(
        const struct registry *r, const struct store_path_entry *chain, const struct store_path_entry *mine)
{
        const struct layer *layer = layers_find(&r->layers, mine->layer);
        for (; layer && chain; chain = chain->next) {
                const struct layer *other = chain->hidden ? layers_find(&r->layers, chain->layer) : NULL;
                if (other && other->enabled && other->precedence == layer->precedence &&
                        chain->sequence > mine->sequence)
                        return true;
        }
        return false;
}

/* One step of the way: `name` below *key, visible in the layer; *key becomes its GUID. */
static int make_child(struct registry *r, const char *name, const char *layer, bool is_volatile,
        struct registry_contents *held, struct guid *key, bool *made)
{
        const struct guid parent = *key;
        const struct store_path_entry *chain = store_lookup(r->store, &parent, name, strlen(name));
        const struct store_path_entry *mine = registry_entry_in_layer(chain, layer);
        const struct store_path_entry *named = registry_named(chain, layer);

        if (held)
                (void)registry_contents_keep(held, STORE_ENTRY, layer, &parent, name);
        if (mine && !mine->hidden) {
                *key = mine->target;
                if (held || !is_buried(r, chain, mine))
                        return 0;
        }
        int e = effects_note_child(&r->effects, &parent, name);
        if (e < 0)
                return e;
        if (named)
                *key = named->target;
        else
                e = new_key(r, &parent, name, is_volatile, key);
        if (e == 0)
                e = registry_op(r, &(struct store_op){ .code = STORE_CREATE_ENTRY,
                                           .guid = parent,
                                           .name = name,
                                           .layer = layer,
                                           .target = *key,
                                           .sequence = store_take_sequence(r->store) });
        *made = true;
        return e;
}

int registry_make_keys(struct registry *r, const struct path *path, size_t n, const char *layer,
        bool is_volatile, struct registry_contents *held, struct guid *ret, bool *ret_made, struct diag *d)
{
        const struct hive_root *hive = find_hive(r, path);
        if (!hive)
                return registry_fail(d, REGISTRY_NOT_FOUND, "%s: there is no hive called %.*s", path->text,
                        path->ends[0], path->text);

        struct guid key = hive->root;
        bool made = false;
        for (size_t i = 1; i < n; i++) {
                char name[NAME_BYTES_MAX + 1];
                size_t len;
                const char *component = path_component(path, i, &len);
                *(char *)mempcpy(name, component, len) = '\0';
                int e = make_child(r, name, layer, is_volatile, held, &key, &made);
                if (e < 0) {
                        (void)diag_set(d, 0, "%.*s: the key cannot be made: %s", path->ends[i], path->text,
                                registry_error_text(r, e));
                        return e;
                }
        }
        *ret = key;
        *ret_made = made;
        return 0;
}

/* ---- Setting and making ---- */

/* An entry of its own layer (a blanket) counts even while the layer is disabled. */
static bool is_rival(const struct registry *r, const struct layer *own, const char *layer)
{
        const struct layer *l = layers_find(&r->layers, layer);
        return l == own || (l && l->enabled && l->precedence == own->precedence);
}

/* Whether something of the same precedence is newer: written again, the entry would stand before it. */
static bool is_overtaken(const struct registry *r, const struct guid *key, const struct layer *own,
        const struct store_value_entry *mine)
{
        const struct store_value_entry *e = store_value(r->store, key, mine->name, strlen(mine->name));

        for (; e; e = e->next)
                if (!layers_name_equal(e->layer, mine->layer) && e->sequence >= mine->sequence &&
                        is_rival(r, own, e->layer))
                        return true;
        for (const struct store_blanket *b = store_blankets(r->store, key); b; b = b->next)
                if (b->sequence >= mine->sequence && is_rival(r, own, b->layer))
                        return true;
        return false;
}

/* The layer already says this, and to say it again would change nothing. */
static bool is_no_op(const struct registry *r, const struct guid *key, const struct store_value_entry *mine,
        const struct value *v)
{
        const struct layer *own = layers_find(&r->layers, mine->layer);
        const struct value have = { .type = mine->type, .data = mine->data, .size = mine->size };

        /* What counts is not known before the end of a transaction that changes layers. */
        if (!own || r->layers_touched || !value_equal(&have, v))
                return false;
        return !is_overtaken(r, key, own, mine);
}

int registry_check_expected(const struct registry_write *w, const struct store_value_entry *mine,
        const char *layer, struct diag *d)
{
        uint64_t sequence = mine ? mine->sequence : 0;
        if (!w->expected.given || sequence == w->expected.sequence)
                return 0;
        return registry_fail(d, REGISTRY_CONFLICT,
                "%s: value '%s' has sequence %llu in layer %s, expected %llu", w->path->text,
                path_word_of_value_name(w->name), (unsigned long long)sequence, layer,
                (unsigned long long)w->expected.sequence);
}

int registry_check_size(
        const struct registry *r, const struct path *path, const char *name, size_t size, struct diag *d)
{
        if (size <= r->value_max)
                return 0;
        return registry_fail(d, REGISTRY_TOO_LARGE, "%s: value '%s' has %zu bytes, at most %zu are kept",
                path->text, path_word_of_value_name(name), size, r->value_max);
}

int registry_value_failed(const struct path *path, const char *name, int error, struct diag *d)
{
        name = path_word_of_value_name(name);
        if (error == -EDQUOT)
                return registry_fail(d, REGISTRY_LIMIT,
                        "%s: %u layers have value '%s' already, which is the most", path->text,
                        STORE_VALUE_LAYERS_MAX, name);
        error = registry_code(error);
        (void)diag_set(d, 0, "%s: value '%s' cannot be stored: %s", path->text, name,
                registry_error_text(NULL, error));
        return error;
}

int registry_put(struct registry *r, const struct guid *key, const struct path *path, const char *name,
        const char *layer, const struct value *v, uint64_t *ret_sequence, struct diag *d)
{
        const struct store_value_entry *mine =
                registry_value_in_layer(store_value(r->store, key, name, strlen(name)), layer);
        struct effect *t = NULL;

        int e = effects_note_value(&r->effects, key, name, &t);
        if (e < 0)
                return e;
        uint64_t sequence = mine && is_no_op(r, key, mine, v) ? mine->sequence : 0;
        if (sequence == 0) {
                sequence = store_take_sequence(r->store);
                r->layers_touched |= layers_is_metadata(path, false);
                e = registry_op(r, &(struct store_op){ .code = STORE_SET_VALUE,
                                           .guid = *key,
                                           .name = name,
                                           .layer = layer,
                                           .type = v->type,
                                           .data = v->data,
                                           .size = v->size,
                                           .sequence = sequence,
                                           .time = r->time });
        }
        if (e == -EFBIG && registry_check_size(r, path, name, v->size, d) != 0)
                return REGISTRY_TOO_LARGE;
        if (e < 0)
                return registry_value_failed(path, name, e, d);
        if (t)
                t->is_write = true;
        *ret_sequence = sequence;
        return 0;
}

static int set_in_layer(struct registry *r, const struct registry_write *w, const char *layer,
        const struct value *v, uint64_t *ret_sequence, struct diag *d)
{
        struct guid key;
        bool made;

        int e = registry_make_keys(r, w->path, w->path->n, layer, w->is_volatile, NULL, &key, &made, d);
        if (e != 0)
                return e;
        e = registry_check_expected(w,
                registry_value_in_layer(store_value(r->store, &key, w->name, strlen(w->name)), layer), layer,
                d);
        return e != 0 ? e : registry_put(r, &key, w->path, w->name, layer, v, ret_sequence, d);
}

int registry_set(struct registry *r, const struct registry_write *w, const struct value *v,
        uint64_t *ret_sequence, struct diag *d)
{
        const char *layer = w->layer;
        struct registry_savepoint sp;

        int e = layers_check_writable(&r->layers, &layer, d);
        if (e == 0)
                e = layers_check_metadata(w->path, d);
        if (e != 0)
                return e;
        if (path_check_value_name(w->name, strlen(w->name), d) < 0) {
                diag_prefix(d, "%s", w->path->text);
                return REGISTRY_INVALID_NAME;
        }
        if (v->type == REG_TOMBSTONE && v->size > 0)
                return registry_fail(
                        d, REGISTRY_INVALID_VALUE, "%s: a tombstone has no data", w->path->text);
        if (v->type != REG_TOMBSTONE && !value_type_known(v->type))
                return registry_fail(d, REGISTRY_INVALID_VALUE,
                        "%s: no value has type code 0x%x, expected 0 to %u", w->path->text, v->type,
                        VALUE_TYPE_MAX);
        e = registry_savepoint_set(r, &sp);
        if (e < 0)
                return e;
        return registry_savepoint_close(r, &sp, set_in_layer(r, w, layer, v, ret_sequence, d), d);
}

/* Whether the layer names the key itself, and that shows. */
static bool is_there(const struct registry *r, const struct path *path, const char *layer)
{
        struct guid parent;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);

        if (path->n == 1)
                return true;
        if (registry_find_named(r, path, path->n - 1, layer, &parent) < 0)
                return false;
        const struct store_path_entry *mine =
                registry_entry_in_layer(store_lookup(r->store, &parent, name, len), layer);
        return mine && !mine->hidden && effects_key_is_visible(&r->effects, &mine->target);
}

static int create_in_layer(
        struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        struct guid key;
        bool made = false;

        if (is_there(r, w->path, layer))
                return w->if_needed
                               ? 0
                               : registry_fail(d, REGISTRY_EXISTS,
                                         "%s: the key is there already, in layer %s", w->path->text, layer);
        int e = registry_make_keys(r, w->path, w->path->n, layer, w->is_volatile, NULL, &key, &made, d);
        if (e == 0 && made && w->expected.given && w->expected.sequence != 0)
                e = registry_fail(d, REGISTRY_CONFLICT,
                        "%s: there is no such key in layer %s, expected it with sequence %llu",
                        w->path->text, layer, (unsigned long long)w->expected.sequence);
        r->layers_touched |= layers_is_metadata(w->path, false);
        return e;
}

int registry_create_key(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct registry_savepoint sp;

        int e = layers_check_writable(&r->layers, &layer, d);
        if (e == 0)
                e = layers_check_metadata(w->path, d);
        if (e == 0)
                e = registry_savepoint_set(r, &sp);
        return e != 0 ? e : registry_savepoint_close(r, &sp, create_in_layer(r, w, layer, d), d);
}

/* ---- Withdrawing: a layer's values and path entries, and, once no layer names it, a key with all that is
 * in it. With a path entry goes all that the layer has below, seen or not. A layer that writes here names
 * the key and all above it, but one that was written elsewhere need not. ---- */

int registry_withdraw_value(struct registry *r, const struct guid *key, const char *name, const char *layer)
{
        struct effect *t = NULL;
        int e = effects_note_value(&r->effects, key, name, &t);
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
        int e = effects_note_child(&r->effects, parent, name);
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
        const bool masks = registry_blanket_in_layer(store_blankets(r->store, key), layer);
        size_t n;
        const struct store_value_entry *const *values = store_values(r->store, key, false, &n);
        int e = masks ? registry_set_blanket(r, key, layer, false) : 0;

        for (size_t i = 0; e == 0 && i < n; i++)
                if (registry_value_in_layer(values[i], layer))
                        e = registry_withdraw_value(r, key, values[i]->name, layer);
        return e;
}

/* What the layer has in the key of that name, and below. As deep as a path is at most. */
int registry_withdraw_tree(
        struct registry *r, const struct guid *parent, const char *name, const char *layer)
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
                e = named ? effects_take_room(&r->effects, strlen(named->name)) : 0;
                if (e == 0 && named)
                        e = registry_withdraw_tree(r, &key, named->name, layer);
                else if (e == 0 && registry_entry_in_layer(children[i], layer))
                        e = registry_withdraw_entry(r, &key, children[i]->name, layer);
        }
        if (e == 0)
                e = withdraw_values(r, &key, layer);
        if (e < 0 || !registry_entry_in_layer(chain, layer))
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
                return registry_fail(d, REGISTRY_NOT_EMPTY,
                        "%s: the key has the subkey '%s'; delete that first, or the key recursively",
                        path->text, first->name);
        return registry_fail(d, REGISTRY_NOT_EMPTY,
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
                mine = registry_entry_in_layer(store_lookup(r->store, &parent, name, len), layer);
        if ((!mine || mine->hidden) && w->if_needed)
                return 0;
        if (!mine || mine->hidden) {
                e = registry_find_key(r, path, &key, d);
                return e != 0 ? e
                              : registry_fail(d, REGISTRY_NOT_FOUND,
                                        "%s: layer %s has no such key; it comes from another layer",
                                        path->text, layer);
        }
        if (w->expected.given && mine->sequence != w->expected.sequence)
                return registry_fail(d, REGISTRY_CONFLICT,
                        "%s: the key has sequence %llu in layer %s, expected %llu", path->text,
                        (unsigned long long)mine->sequence, layer, (unsigned long long)w->expected.sequence);
        e = recursive ? 0 : check_empty(r, path, &mine->target, d);
        if (e != 0)
                return e;
        r->layers_touched |= layers_is_metadata(path, true);
        return registry_withdraw_tree(r, &parent, name, layer);
}

int registry_delete_key(struct registry *r, const struct registry_write *w, bool recursive, struct diag *d)
{
        const char *layer = w->layer;
        struct registry_savepoint sp;

        int e = layers_check_writable(&r->layers, &layer, d);
        if (e != 0)
                return e;
        if (w->path->n < 2)
                return registry_fail(
                        d, REGISTRY_INVALID_NAME, "%s: a hive cannot be deleted", w->path->text);
        e = registry_savepoint_set(r, &sp);
        return e < 0 ? e : registry_savepoint_close(r, &sp, delete_in_layer(r, w, layer, recursive, d), d);
}

static int no_value(
        const struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct store_value_entry *v;
        const char *name = path_word_of_value_name(w->name);
        struct guid key;

        int e = registry_find_key(r, w->path, &key, d);
        if (e != 0)
                return e;
        bool other = resolve_value(r->store, &r->layers, &key, w->name, strlen(w->name), &v) == 0;
        return registry_fail(d, REGISTRY_NOT_FOUND, "%s: layer %s has no value '%s'%s%s", w->path->text,
                layer, name, other ? "; it comes from layer " : "", other ? v->layer : "");
}

static int delete_value(
        struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct store_value_entry *mine = NULL;
        struct guid key;

        if (registry_find_named(r, w->path, w->path->n, layer, &key) == 0)
                mine = registry_value_in_layer(store_value(r->store, &key, w->name, strlen(w->name)), layer);
        if (!mine)
                return w->if_needed ? 0 : no_value(r, w, layer, d);
        int e = registry_check_expected(w, mine, layer, d);
        if (e != 0)
                return e;
        r->layers_touched |= layers_is_metadata(w->path, false);
        return registry_withdraw_value(r, &key, w->name, layer);
}

int registry_delete(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct registry_savepoint sp;

        int e = layers_check_writable(&r->layers, &layer, d);
        if (e == 0)
                e = registry_savepoint_set(r, &sp);
        return e != 0 ? e : registry_savepoint_close(r, &sp, delete_value(r, w, layer, d), d);
}
