/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes, as store operations. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "registry-internal.h"

static uint64_t now_ns(void)
{
        struct timespec ts;
        (void)clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static const struct store_path_entry *entry_in_layer(const struct store_path_entry *chain, const char *layer)
{
        for (; chain; chain = chain->next)
                if (fold_equal(chain->layer, strlen(chain->layer), layer, strlen(layer)))
                        return chain;
        return NULL;
}

static const struct store_value_entry *value_in_layer(
        const struct store_value_entry *chain, const char *layer)
{
        for (; chain; chain = chain->next)
                if (fold_equal(chain->layer, strlen(chain->layer), layer, strlen(layer)))
                        return chain;
        return NULL;
}

/* The key that a name stands for in whatever layer, so that layers that name the same key share it. */
static const struct store_path_entry *any_target(const struct store_path_entry *chain)
{
        for (; chain; chain = chain->next)
                if (!chain->hidden)
                        return chain;
        return NULL;
}

static int new_key(
        struct registry *r, const struct guid *parent, const char *name, bool is_volatile, struct guid *ret)
{
        const struct store_key *up = store_key(r->store, parent);
        int e = guid_new(ret);
        if (e < 0)
                return e;
        is_volatile |= up && up->is_volatile;
        return registry_op(r,
                &(struct store_op){ .code = STORE_CREATE_KEY,
                        .guid = *ret,
                        .target = *parent,
                        .name = name,
                        .is_volatile = is_volatile,
                        .time = now_ns() },
                is_volatile);
}

static bool key_is_volatile(const struct registry *r, const struct guid *key)
{
        const struct store_key *k = store_key(r->store, key);
        return k && k->is_volatile;
}

/* One step of the way: `name` below `parent`, visible in `layer`. `path` is the parent's. */
static int make_child(struct registry *r, const struct guid *parent, const char *path, const char *name,
        const char *layer, bool is_volatile, struct guid *ret, bool *ret_made)
{
        const struct store_path_entry *chain = store_lookup(r->store, parent, name, strlen(name));
        const struct store_path_entry *mine = entry_in_layer(chain, layer), *any = any_target(chain);

        if (mine && !mine->hidden) {
                *ret = mine->target;
                return 0;
        }
        int e = touch_child(r, parent, path, name);
        if (e < 0)
                return e;
        if (any)
                *ret = any->target;
        else
                e = new_key(r, parent, name, is_volatile, ret);
        if (e == 0)
                e = registry_op(r,
                        &(struct store_op){ .code = STORE_CREATE_ENTRY,
                                .guid = *parent,
                                .name = name,
                                .layer = layer,
                                .target = *ret,
                                .sequence = store_take_sequence(r->store) },
                        key_is_volatile(r, ret));
        *ret_made = true;
        return e;
}

int registry_make_keys(struct registry *r, const struct path *path, const char *layer, bool is_volatile,
        struct guid *ret, bool *ret_made, struct diag *d)
{
        size_t len;
        const char *name = path_component(path, 0, &len);
        const struct hive_root *hive = state_hive_find(&r->hives, name, len);
        if (!hive)
                return diag_set(d, ENOENT, "%s: there is no hive called %.*s", path->text, (int)len, name);

        struct guid key = hive->root;
        bool made = false;
        _cleanup_free_ char *prefix = strdup(path->text), *component = malloc(NAME_BYTES_MAX + 1);
        if (!prefix || !component)
                return -ENOMEM;
        for (size_t i = 1; i < path->n; i++) {
                name = path_component(path, i, &len);
                *(char *)mempcpy(component, name, len) = '\0';
                prefix[path->ends[i - 1]] = '\0';
                struct guid parent = key;
                int e = make_child(r, &parent, prefix, component, layer, is_volatile, &key, &made);
                if (e < 0)
                        return diag_set(d, -e, "%s: the key cannot be made: %s", path->text, strerror(-e));
                memcpy(prefix, path->text, path->len + 1);
        }
        *ret = key;
        *ret_made = made;
        return 0;
}

static void note_layers(struct registry *r, const struct path *path)
{
        r->layers_touched |= registry_is_layer_metadata(path);
}

/* The layer already says this, and it is what counts: nothing to write. */
static bool is_no_op(const struct registry *r, const struct guid *key, const struct store_value_entry *mine,
        const struct value *v)
{
        const struct store_value_entry *winner;
        if (!mine || mine->type != v->type || mine->size != v->size || v->type == REG_TOMBSTONE ||
                (v->size > 0 && memcmp(mine->data, v->data, v->size) != 0))
                return false;
        return resolve_value(r->store, &r->layers, key, mine->name, strlen(mine->name), &winner) == 0 &&
               winner == mine;
}

int registry_put(struct registry *r, const struct guid *key, const struct path *path, const char *name,
        const char *layer, const struct value *v, uint64_t expected, uint64_t *ret_sequence, struct diag *d)
{
        const struct store_value_entry *mine =
                value_in_layer(store_value(r->store, key, name, strlen(name)), layer);

        if (expected != 0 && (!mine || mine->sequence != expected))
                return diag_set(d, EAGAIN, "%s: value '%s' has sequence %llu in layer %s, expected %llu",
                        path->text, name, mine ? (unsigned long long)mine->sequence : 0ULL, layer,
                        (unsigned long long)expected);
        int e = touch_value(r, key, path->text, name, true);
        if (e < 0)
                return e;
        if (is_no_op(r, key, mine, v)) {
                *ret_sequence = mine->sequence;
                return 0;
        }
        uint64_t sequence = store_take_sequence(r->store);
        note_layers(r, path);
        e = registry_op(r,
                &(struct store_op){ .code = STORE_SET_VALUE,
                        .guid = *key,
                        .name = name,
                        .layer = layer,
                        .type = v->type,
                        .data = v->data,
                        .size = v->size,
                        .sequence = sequence,
                        .time = now_ns() },
                key_is_volatile(r, key));
        if (e == -EFBIG)
                return diag_set(d, EFBIG, "%s: value '%s' has %zu bytes, at most %zu are kept", path->text,
                        name, v->size, r->value_max);
        if (e < 0)
                return diag_set(
                        d, -e, "%s: value '%s' cannot be stored: %s", path->text, name, strerror(-e));
        *ret_sequence = sequence;
        return 0;
}

int registry_set(struct registry *r, const struct registry_write *w, const struct value *v,
        uint64_t *ret_sequence, struct diag *d)
{
        const char *layer = w->layer;
        struct guid key;
        bool made = false;

        int e = registry_check_writable(r, &layer, d);
        if (e < 0)
                return e;
        if (v->type == REG_TOMBSTONE && v->size > 0)
                return diag_set(d, EINVAL, "%s: a tombstone has no data", w->path->text);
        e = registry_make_keys(r, w->path, layer, w->is_volatile, &key, &made, d);
        if (e < 0)
                return e;
        return registry_put(r, &key, w->path, w->name, layer, v, w->expected, ret_sequence, d);
}

int registry_withdraw_value(
        struct registry *r, const struct guid *key, const char *path, const char *name, const char *layer)
{
        int e = touch_value(r, key, path, name, true);
        if (e < 0)
                return e;
        return registry_op(r,
                &(struct store_op){ .code = STORE_DELETE_VALUE,
                        .guid = *key,
                        .name = name,
                        .layer = layer,
                        .time = now_ns() },
                key_is_volatile(r, key));
}

int registry_delete(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct guid key;
        int e = registry_check_writable(r, &layer, d);
        if (e == 0)
                e = registry_find_key(r, w->path, &key, d);
        if (e < 0)
                return e;

        const struct store_value_entry *chain = store_value(r->store, &key, w->name, strlen(w->name));
        const struct store_value_entry *mine = value_in_layer(chain, layer);
        if (!mine)
                return diag_set(d, ENOENT, "%s: layer %s has no value '%s'%s%s", w->path->text,
                        layer, w->name[0] ? w->name : "@", chain ? "; it comes from layer " : "",
                        chain ? chain->layer : "");
        if (w->expected != 0 && mine->sequence != w->expected)
                return diag_set(d, EAGAIN, "%s: value '%s' has sequence %llu in layer %s, expected %llu",
                        w->path->text, w->name, (unsigned long long)mine->sequence, layer,
                        (unsigned long long)w->expected);
        note_layers(r, w->path);
        return registry_withdraw_value(r, &key, w->path->text, w->name, layer);
}

int registry_create_key(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct guid key;
        bool made = false;

        int e = registry_check_writable(r, &layer, d);
        if (e < 0)
                return e;
        e = registry_make_keys(r, w->path, layer, w->is_volatile, &key, &made, d);
        if (e < 0)
                return e;
        if (!made)
                return diag_set(d, EEXIST, "%s: the key is there already, in layer %s", w->path->text,
                        layer);
        note_layers(r, w->path);
        return 0;
}
