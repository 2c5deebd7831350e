/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Effective changes: what each touched name meant before the transaction, compared with what it means after.
 */

#include <errno.h>
#include <string.h>

#include "registry-internal.h"

const char *registry_event_name(enum registry_event_kind kind)
{
        static const char *const names[] = {
                [EVENT_VALUE_SET] = "value-set",
                [EVENT_VALUE_DELETED] = "value-deleted",
                [EVENT_VALUE_UNCHANGED] = "value-unchanged",
                [EVENT_SUBKEY_CREATED] = "subkey-created",
                [EVENT_SUBKEY_DELETED] = "subkey-deleted",
                [EVENT_KEY_DELETED] = "key-deleted",
        };
        return names[kind];
}

static void event_done(struct registry_event *e)
{
        free(e->path);
        free(e->name);
        free(e->data);
        free(e->layer);
}

void registry_events_done(struct registry_events *e)
{
        for (size_t i = 0; i < e->n; i++)
                event_done(&e->list[i]);
        free(e->list);
        *e = (struct registry_events){ 0 };
}

static void touch_done(struct touch *t)
{
        free(t->path);
        free(t->name);
        free(t->data);
        free(t->layer);
}

void touches_clear(struct registry *r)
{
        for (size_t i = 0; i < r->n_touched; i++)
                touch_done(&r->touched[i]);
        r->n_touched = 0;
        hashmap_done(&r->touched_index);
}

struct touch_key {
        const struct registry *r;
        const struct guid *key;
        const char *name;
        bool is_child;
};

/* The index holds positions plus one, because the array moves as it grows. */
static bool touch_matches(const void *entry, const void *key)
{
        const struct touch_key *k = key;
        const struct touch *t = &k->r->touched[(uintptr_t)entry - 1];
        return t->is_child == k->is_child && guid_equal(&t->key, k->key) &&
               fold_equal(t->name, strlen(t->name), k->name, strlen(k->name));
}

static uint32_t touch_hash(const struct guid *key, const char *name)
{
        return fold_hash(name, strlen(name), hash_bytes(key->bytes, sizeof(key->bytes), hash_seed()));
}

/* The touch of this name, made if need be: *ret_new says that it still has to be filled in. */
static int touch_find(struct registry *r, const struct guid *key, const char *path, const char *name,
        bool is_child, struct touch **ret, bool *ret_new)
{
        uint32_t hash = touch_hash(key, name);
        const struct touch_key k = { .r = r, .key = key, .name = name, .is_child = is_child };
        uintptr_t at = (uintptr_t)hashmap_get(&r->touched_index, hash, touch_matches, &k);
        *ret_new = at == 0;
        if (at > 0) {
                *ret = &r->touched[at - 1];
                return 0;
        }
        if (r->n_touched == r->touched_size) {
                size_t size = r->touched_size ? r->touched_size * 2 : 8;
                struct touch *list = reallocarray(r->touched, size, sizeof(*list));
                if (!list)
                        return -ENOMEM;
                r->touched = list;
                r->touched_size = size;
        }
        struct touch t = { .key = *key, .is_child = is_child, .path = strdup(path), .name = strdup(name) };
        if (!t.path || !t.name ||
                hashmap_put(&r->touched_index, hash, (void *)(uintptr_t)(r->n_touched + 1)) < 0) {
                touch_done(&t);
                return -ENOMEM;
        }
        r->touched[r->n_touched] = t;
        *ret = &r->touched[r->n_touched++];
        return 0;
}

static int copy_bytes(const void *data, size_t size, char **ret)
{
        char *copy = malloc(size + 1);
        if (!copy)
                return -ENOMEM;
        if (size > 0)
                memcpy(copy, data, size);
        copy[size] = '\0';
        *ret = copy;
        return 0;
}

int touch_value(struct registry *r, const struct guid *key, const char *path, const char *name, bool write)
{
        struct touch *t;
        bool is_new;
        int e = touch_find(r, key, path, name, false, &t, &is_new);
        if (e < 0)
                return e;
        t->is_write |= write;
        if (!is_new)
                return 0;

        const struct store_value_entry *v;
        e = resolve_value(r->store, &r->layers, key, name, strlen(name), &v);
        if (e == -ENOENT || e == -EBADMSG)
                return 0;
        if (e < 0)
                return e;
        t->existed = true;
        t->type = v->type;
        t->size = v->size;
        t->layer = strdup(v->layer);
        return t->layer ? copy_bytes(v->data, v->size, &t->data) : -ENOMEM;
}

int touch_child(struct registry *r, const struct guid *parent, const char *path, const char *name)
{
        struct touch *t;
        bool is_new;
        int e = touch_find(r, parent, path, name, true, &t, &is_new);
        if (e < 0 || !is_new)
                return e;

        const struct store_path_entry *child;
        e = resolve_child(r->store, &r->layers, parent, name, strlen(name), &child);
        if (e == 0) {
                t->existed = true;
                t->child = child->target;
        }
        return e == -ENOENT || e == -EBADMSG ? 0 : e;
}

static int add_event(struct registry_events *events, enum registry_event_kind kind, const char *path,
        const char *name, const struct store_value_entry *v, bool is_write)
{
        /* Grows by doubling: capacity is the next power of two. */
        if ((events->n & (events->n - 1)) == 0) {
                struct registry_event *list =
                        reallocarray(events->list, events->n ? events->n * 2 : 1, sizeof(*list));
                if (!list)
                        return -ENOMEM;
                events->list = list;
        }
        struct registry_event e = { .kind = kind,
                .path = strdup(path),
                .name = strdup(name),
                .type = REG_TOMBSTONE,
                .is_write = is_write };
        int error = e.path && e.name ? 0 : -ENOMEM;
        if (error == 0 && v) {
                e.type = v->type;
                e.size = v->size;
                e.layer = strdup(v->layer);
                error = e.layer ? copy_bytes(v->data, v->size, &e.data) : -ENOMEM;
        }
        if (error < 0) {
                event_done(&e);
                return error;
        }
        events->list[events->n++] = e;
        return 0;
}

static int value_event(
        struct registry *r, const struct layers *now, const struct touch *t, struct registry_events *ret)
{
        const struct store_value_entry *v = NULL;
        int e = resolve_value(r->store, now, &t->key, t->name, strlen(t->name), &v);
        if (e == -ENOENT || e == -EBADMSG) {
                if (t->existed)
                        return add_event(ret, EVENT_VALUE_DELETED, t->path, t->name, NULL, t->is_write);
                return t->is_write ? add_event(ret, EVENT_VALUE_UNCHANGED, t->path, t->name, NULL, true) : 0;
        }
        if (e < 0)
                return e;
        const struct value before = { .type = t->type, .data = t->data, .size = t->size };
        const struct value after = { .type = v->type, .data = v->data, .size = v->size };
        if (!t->existed || !value_equal(&before, &after))
                return add_event(ret, EVENT_VALUE_SET, t->path, v->name, v, t->is_write);
        if (t->is_write || strcmp(t->layer, v->layer) != 0)
                return add_event(ret, EVENT_VALUE_UNCHANGED, t->path, v->name, v, t->is_write);
        return 0;
}

static int child_event(
        struct registry *r, const struct layers *now, const struct touch *t, struct registry_events *ret)
{
        const struct store_path_entry *child = NULL;
        int e = resolve_child(r->store, now, &t->key, t->name, strlen(t->name), &child);
        bool exists = e == 0;

        if (e < 0 && e != -ENOENT && e != -EBADMSG)
                return e;
        if (exists == t->existed && (!exists || guid_equal(&child->target, &t->child)))
                return 0;
        if (t->existed) {
                _cleanup_buf_ struct buf path = BUF_INIT;
                buf_printf(&path, "%s\\%s", t->path, t->name);
                if (path.error)
                        return path.error;
                e = add_event(ret, EVENT_KEY_DELETED, buf_str(&path), "", NULL, false);
                if (e == 0)
                        e = add_event(ret, EVENT_SUBKEY_DELETED, t->path, t->name, NULL, false);
                if (e < 0)
                        return e;
        }
        return exists ? add_event(ret, EVENT_SUBKEY_CREATED, t->path, child->name, NULL, false) : 0;
}

/* A layer that appeared, went, moved or was switched changes what its entries elsewhere mean. */
static bool layer_changed(const struct layers *a, const struct layers *b, const char *name)
{
        const struct layer *x = layers_find(a, name), *y = layers_find(b, name);
        if (!x || !y)
                return x != y;
        return x->precedence != y->precedence || x->enabled != y->enabled;
}

static int touch_key_of_changed_layers(struct registry *r, const struct layers *now, const struct guid *key)
{
        _cleanup_buf_ struct buf path = BUF_INIT;
        int e = registry_key_path(r, key, &path);
        if (e < 0)
                return e == -ENOENT ? 0 : e;

        const void *cursor = NULL;
        const struct store_value_entry *v;
        while (e == 0 && (v = store_next_value(r->store, key, &cursor)))
                for (const struct store_value_entry *x = v; e == 0 && x; x = x->next)
                        if (layer_changed(&r->layers, now, x->layer))
                                e = touch_value(r, key, buf_str(&path), x->name, false);
        bool blanket = false;
        for (const struct store_blanket *b = store_blankets(r->store, key); b; b = b->next)
                blanket |= layer_changed(&r->layers, now, b->layer);
        for (cursor = NULL; blanket && e == 0 && (v = store_next_value(r->store, key, &cursor));)
                e = touch_value(r, key, buf_str(&path), v->name, false);

        const struct store_path_entry *c;
        for (cursor = NULL; e == 0 && (c = store_next_child(r->store, key, &cursor));)
                for (const struct store_path_entry *x = c; e == 0 && x; x = x->next)
                        if (layer_changed(&r->layers, now, x->layer))
                                e = touch_child(r, key, buf_str(&path), x->name);
        return e;
}

int touches_to_events(struct registry *r, const struct layers *now, struct registry_events *ret)
{
        int e = 0;

        if (now != &r->layers) {
                uint32_t cursor = 0;
                const struct store_key *key;
                while (e == 0 && (key = store_next_key(r->store, &cursor)))
                        e = touch_key_of_changed_layers(r, now, &key->guid);
        }
        for (size_t i = 0; e == 0 && i < r->n_touched; i++)
                e = (r->touched[i].is_child ? child_event : value_event)(r, now, &r->touched[i], ret);
        return e;
}
