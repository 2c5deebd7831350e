/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "walk.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/buf.h"

/* Names of subkeys that are looked up at once: a key may have a hundred thousand, and who walks a part will
 * not get far. */
#define NAMES_AT_ONCE 16u

/* A key on the way down, and those of its subkeys that come next. */
struct level {
        struct store_scope scope; /* of the names */
        struct guid key;
        const struct store_path_entry *const *names;
        size_t n, i;
        const char *after; /* the names begin behind this one; NULL: the last ones are there */
        size_t after_len;
        size_t path_len;
};

struct walk {
        struct registry *registry;
        const char *layer;
        struct path after; /* what the levels' `after` points into */
        struct buf path;
        struct level levels[PATH_DEPTH_MAX];
        size_t depth;
        struct store_scope scope; /* of the key that came last */
        bool in_key;              /* there is one */
        struct guid key;
        const struct store_value_entry **values;
        size_t n_values;
        unsigned root_flags;
        bool is_begun;
};

/* ---- What is there of one name, and of one key ---- */

/* What is below the key is looked for under its GUID; a key that nobody names has the zero one, and nothing.
 * 1; 0: nothing is there; or negative errno. */
static int look_at(const struct walk *t, const struct store_path_entry *chain, struct guid *ret_key,
        const char **ret_name, unsigned *ret_flags)
{
        const struct store_path_entry *entry = NULL;

        if (!t->layer) {
                int r = resolve_child_chain(registry_layers(t->registry), chain, &entry);
                if (r < 0)
                        return r == -ENOENT ? 0 : r;
                *ret_key = entry->target;
                *ret_name = entry->name;
                *ret_flags = WALK_NAMED | (entry->is_link ? WALK_LINK : 0);
                return 1;
        }
        const struct store_path_entry *mine = registry_entry_in_layer(chain, t->layer);
        const struct store_path_entry *named = registry_named(chain, t->layer);
        if (!mine && !named)
                return 0;
        *ret_key = named ? named->target : (struct guid){ 0 };
        *ret_name = mine ? mine->name : named->name;
        *ret_flags = !mine ? 0 : mine->hidden ? WALK_HIDDEN : WALK_NAMED | (mine->is_link ? WALK_LINK : 0);
        return 1;
}

static int values_of_layer(struct walk *t, size_t data_max)
{
        const struct store *store = registry_store(t->registry);
        size_t n;
        const struct store_value_entry *const *chains = store_values(store, &t->key, data_max, &n);

        int r = store_error(store, NULL);
        if (r < 0)
                return r;
        t->values = calloc(n + 1, sizeof(const struct store_value_entry *));
        if (!t->values)
                return -ENOMEM;
        t->n_values = 0;
        for (size_t i = 0; i < n; i++) {
                const struct store_value_entry *mine = registry_value_in_layer(chains[i], t->layer);
                if (mine)
                        t->values[t->n_values++] = mine;
        }
        return 0;
}

static int load_values(struct walk *t, size_t data_max)
{
        free(STEAL_PTR(t->values));
        if (t->layer)
                return values_of_layer(t, data_max);
        return resolve_values(registry_store(t->registry), registry_layers(t->registry), &t->key, data_max,
                &t->values, &t->n_values);
}

static unsigned blanket_flag(const struct walk *t)
{
        const struct store *s = registry_store(t->registry);

        return t->layer && registry_blanket_in_layer(store_blankets(s, &t->key), t->layer) ? WALK_BLANKET
                                                                                           : 0;
}

static unsigned volatile_flag(const struct walk *t, unsigned flags)
{
        bool is = (flags & WALK_NAMED) && store_is_volatile(registry_store(t->registry), &t->key);
        return is ? WALK_VOLATILE : 0;
}

/* ---- The way ---- */

static int push(struct walk *t, const struct guid *key)
{
        if (t->depth == PATH_DEPTH_MAX)
                return -EBADMSG;
        t->levels[t->depth++] = (struct level){
                .scope = registry_scope(t->registry), .key = *key, .after = "", .path_len = t->path.len
        };
        return 0;
}

static void pop(struct walk *t)
{
        store_scope_end(&t->levels[--t->depth].scope);
}

static int load_names(struct walk *t, struct level *l)
{
        const struct store *store = registry_store(t->registry);
        char after[NAME_BYTES_MAX + 1];
        size_t len = l->after_len;

        if (len > NAME_BYTES_MAX)
                return -EBADMSG;
        memcpy(after, l->after, len);
        store_scope_end(&l->scope);
        l->scope = registry_scope(t->registry);
        l->names = store_children_after(store, &l->key, after, len, NAMES_AT_ONCE, &l->n);
        l->i = 0;
        l->after = NULL;
        if (l->n == NAMES_AT_ONCE) {
                l->after = l->names[l->n - 1]->name;
                l->after_len = strlen(l->after);
        }
        return store_error(store, NULL);
}

static int append_name(struct walk *t, const struct level *l, const char *name)
{
        t->path.len = l->path_len;
        buf_putc(&t->path, '\\');
        buf_puts(&t->path, name);
        return t->path.error;
}

/* The names of each level behind the component that the path has there. */
static int seek(struct walk *t, size_t at)
{
        const struct store *store = registry_store(t->registry);

        for (; at < t->after.n; at++) {
                struct level *l = &t->levels[t->depth - 1];
                struct guid key;
                const char *name;
                unsigned flags;
                size_t len;
                const char *component = path_component(&t->after, at, &len);

                l->after = component;
                l->after_len = len;
                const struct store_path_entry *chain = store_lookup(store, &l->key, component, len);
                int r = store_error(store, NULL);
                if (r == 0)
                        r = look_at(t, chain, &key, &name, &flags);
                if (r <= 0)
                        return r;
                r = append_name(t, l, name);
                if (r == 0)
                        r = push(t, &key);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int deliver(struct walk *t, const struct guid *key, unsigned flags, struct walk_key *ret)
{
        t->scope = registry_scope(t->registry);
        t->in_key = true;
        t->key = *key;
        int r = load_values(t, RESOLVE_SMALL_DATA);
        flags |= blanket_flag(t) | volatile_flag(t, flags);
        if (r == 0)
                r = store_error(registry_store(t->registry), NULL);
        if (r < 0)
                return r;
        *ret = (struct walk_key){
                .path = buf_str(&t->path), .flags = flags, .values = t->values, .n_values = t->n_values
        };
        return 1;
}

/* 1: a name was there, and *ret_key is below it; 0: the level has no more; or negative errno. */
static int step(struct walk *t, struct level *l, struct guid *ret_key, unsigned *ret_flags)
{
        for (;;) {
                const char *name;
                if (l->i == l->n) {
                        int r = l->after ? load_names(t, l) : 0;
                        if (r < 0)
                                return r;
                        if (l->i == l->n)
                                return 0;
                }
                int r = look_at(t, l->names[l->i++], ret_key, &name, ret_flags);
                if (r > 0)
                        r = append_name(t, l, name);
                else if (r == 0)
                        continue;
                return r < 0 ? r : 1;
        }
}

int walk_next(struct walk *t, struct walk_key *ret)
{
        if (t->in_key)
                store_scope_end(&t->scope);
        t->in_key = false;
        if (!t->is_begun) {
                t->is_begun = true;
                return deliver(t, &t->levels[0].key, t->root_flags, ret);
        }
        while (t->depth > 0) {
                struct guid key;
                unsigned flags;
                int r = step(t, &t->levels[t->depth - 1], &key, &flags);
                if (r == 0) {
                        pop(t);
                        continue;
                }
                if (r > 0)
                        r = push(t, &key);
                return r < 0 ? r : deliver(t, &key, flags, ret);
        }
        return 0;
}

int walk_read(struct walk *t, struct walk_key *key)
{
        bool all = !resolve_lacks_data(t->values, t->n_values);
        int r = all ? 0 : load_values(t, SIZE_MAX);

        if (r == 0) {
                key->values = t->values;
                key->n_values = t->n_values;
        }
        return r;
}

/* ---- Life ---- */

static int check_layer(const struct registry *r, const char *layer, struct diag *d)
{
        if (!layer || layers_find(registry_layers(r), layer) ||
                store_layer_is_used(registry_store(r), layer))
                return 0;
        return registry_fail(d, REGISTRY_NOT_FOUND, "there is no layer called '%s'", layer);
}

static int start_in_hive(struct walk *t, const struct path *path, struct guid *ret)
{
        size_t len;
        const char *name = path_component(path, 0, &len);
        const struct hive_root *hive = hives_find(registry_hives(t->registry), name, len);

        if (!hive)
                return -ENOENT;
        buf_puts(&t->path, hive->name);
        *ret = hive->root;
        t->root_flags = WALK_NAMED;
        return t->path.error;
}

/* Down to the key itself, with the names as they are spelled. */
static int start(struct walk *t, const struct path *path)
{
        const struct store *store = registry_store(t->registry);
        struct guid key;

        int r = start_in_hive(t, path, &key);
        for (size_t i = 1; r == 0 && i < path->n; i++) {
                const struct level above = { .path_len = t->path.len };
                size_t len;
                const char *name, *component = path_component(path, i, &len);
                const struct store_path_entry *chain = store_lookup(store, &key, component, len);
                r = store_error(store, NULL);
                if (r == 0)
                        r = look_at(t, chain, &key, &name, &t->root_flags);
                if (r == 0)
                        return -ENOENT;
                r = r < 0 ? r : append_name(t, &above, name);
        }
        return r == 0 ? push(t, &key) : r;
}

int walk_open(struct registry *r, const struct path *path, const char *layer, const struct path *after,
        struct walk **ret, struct diag *d)
{
        int e = check_layer(r, layer, d);
        if (e != 0)
                return e;
        if (after && !path_is_below(after, path))
                return registry_fail(d, REGISTRY_INVALID_NAME, "%s: is not below %s, expected a key that is",
                        after->text, path->text);
        _cleanup_walk_ struct walk *t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->registry = r;
        t->layer = layer;
        e = start(t, path);
        /* A layer need not have anything there; else something says why it is not. */
        if (e == -ENOENT && !layer)
                return registry_find_key(r, path, &(struct guid){ 0 }, d);
        if (e == -ENOENT) {
                t->is_begun = true;
                e = 0;
        } else if (e == 0 && after) {
                t->is_begun = true;
                /* Its own copy: the caller's need not live as long. */
                e = registry_path(r, after->text, &t->after, d);
                if (e == 0)
                        e = seek(t, path->n);
        }
        if (e == 0)
                *ret = STEAL_PTR(t);
        return registry_code(e);
}

struct walk *walk_close(struct walk *t)
{
        if (!t)
                return NULL;
        if (t->in_key)
                store_scope_end(&t->scope);
        while (t->depth > 0)
                pop(t);
        free(t->values);
        buf_done(&t->path);
        path_done(&t->after);
        free(t);
        return NULL;
}
