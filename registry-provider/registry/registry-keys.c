/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way down a path in one layer: finding it, and making what is missing. */

#include <errno.h>
#include <string.h>

#include "registry-holding.h"

const struct store_path_entry *registry_named(const struct store_path_entry *chain, const char *layer)
{
        const struct store_path_entry *mine = layer ? entry_in_layer(chain, layer) : NULL;

        if (mine && !mine->hidden)
                return mine;
        while (chain && chain->hidden)
                chain = chain->next;
        return chain;
}

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
        struct holding *held, struct guid *key, bool *made)
{
        const struct guid parent = *key;
        const struct store_path_entry *chain = store_lookup(r->store, &parent, name, strlen(name));
        const struct store_path_entry *mine = entry_in_layer(chain, layer);
        const struct store_path_entry *named = registry_named(chain, layer);

        if (held)
                (void)holding_keep(held, HELD_ENTRY, layer, &parent, name);
        if (mine && !mine->hidden) {
                *key = mine->target;
                if (held || !is_buried(r, chain, mine))
                        return 0;
        }
        int e = touch_child(r, &parent, name);
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
        bool is_volatile, struct holding *held, struct guid *ret, bool *ret_made, struct diag *d)
{
        const struct hive_root *hive = find_hive(r, path);
        if (!hive)
                return diag_set(d, ENOENT, "%s: there is no hive called %.*s", path->text, path->ends[0],
                        path->text);

        struct guid key = hive->root;
        bool made = false;
        for (size_t i = 1; i < n; i++) {
                char name[NAME_BYTES_MAX + 1];
                size_t len;
                const char *component = path_component(path, i, &len);
                *(char *)mempcpy(name, component, len) = '\0';
                int e = make_child(r, name, layer, is_volatile, held, &key, &made);
                if (e < 0)
                        return diag_set(d, -e, "%.*s: the key cannot be made: %s", path->ends[i], path->text,
                                strerror(-e));
        }
        *ret = key;
        *ret_made = made;
        return 0;
}
