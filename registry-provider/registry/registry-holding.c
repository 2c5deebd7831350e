/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-holding.h"

#include <errno.h>
#include <string.h>

void holding_done(struct holding *h)
{
        struct held_layer *layer;

        for (size_t i = 0; i < h->n; i++)
                free(h->list[i]);
        free(h->list);
        hashmap_done(&h->index);
        for (uint32_t i = 0; (layer = hashmap_next(&h->layers, &i));)
                free(layer);
        hashmap_done(&h->layers);
}

static uint32_t name_hash(const char *name)
{
        return fold_hash(name, strlen(name), hashmap_seed());
}

static bool layer_matches(const void *entry, const void *name)
{
        return layer_name_equal(((const struct held_layer *)entry)->name, name);
}

static struct held_layer *find_layer(const struct holding *h, const char *name)
{
        return hashmap_get(&h->layers, name_hash(name), layer_matches, name);
}

int holding_add_layer(struct holding *h, const char *name)
{
        if (find_layer(h, name))
                return 0;
        size_t size = strlen(name) + 1;
        struct held_layer *layer = malloc(sizeof(*layer) + size);
        if (!layer)
                return -ENOMEM;
        *layer = (struct held_layer){ 0 };
        memcpy(layer->name, name, size);
        int e = hashmap_put(&h->layers, name_hash(name), layer);
        if (e < 0)
                free(layer);
        return e;
}

struct held_layer *holding_next_layer(const struct holding *h, uint32_t *cursor)
{
        return hashmap_next(&h->layers, cursor);
}

bool holding_is_used(const struct holding *h, const char *layer)
{
        const struct held_layer *found = find_layer(h, layer);
        return found && found->used;
}

struct probe {
        enum held_kind kind;
        struct held_layer *layer;
        const struct guid *key;
        const char *name;
};

static bool held_matches(const void *entry, const void *key)
{
        const struct held *h = entry;
        const struct probe *p = key;
        return h->kind == p->kind && h->layer == p->layer && guid_equal(&h->key, p->key) &&
               fold_equal(h->name, strlen(h->name), p->name, strlen(p->name));
}

static uint32_t probe_hash(const struct probe *p)
{
        return fold_hash(p->name, strlen(p->name),
                hashmap_hash(p->key->bytes, sizeof(p->key->bytes), name_hash(p->layer->name)) +
                        (uint32_t)p->kind);
}

static int hold(struct holding *h, const struct probe *p, unsigned depth, const struct guid *target)
{
        if ((h->n & (h->n - 1)) == 0) {
                struct held **list = reallocarray(h->list, h->n ? h->n * 2 : 1, sizeof(*list));
                if (!list)
                        return -ENOMEM;
                h->list = list;
        }
        size_t size = strlen(p->name) + 1;
        struct held *held = malloc(sizeof(*held) + size);
        if (!held)
                return -ENOMEM;
        *held = (struct held){
                .kind = p->kind, .depth = depth, .layer = p->layer, .key = *p->key, .target = *target
        };
        memcpy(held->name, p->name, size);
        int e = hashmap_put(&h->index, probe_hash(p), held);
        if (e < 0) {
                free(held);
                return e;
        }
        h->list[h->n++] = held;
        p->layer->used = true;
        return 0;
}

static unsigned depth_of(const struct registry *r, const struct store_key *key)
{
        unsigned depth = 0;
        while (key && !guid_is_zero(&key->parent)) {
                key = store_key(r->store, &key->parent);
                depth++;
        }
        return depth;
}

static int load_layer(struct registry *r, struct holding *h, struct held_layer *layer)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        static const enum held_kind kinds[] = {
                [STORE_ENTRY] = HELD_ENTRY, [STORE_VALUE] = HELD_VALUE, [STORE_BLANKET] = HELD_BLANKET
        };
        size_t n;
        const struct store_held *held = store_layer(r->store, layer->name, &n);
        struct guid key = { 0 };
        unsigned depth = 0;
        int e = store_error(r->store, NULL);

        for (size_t i = 0; e == 0 && i < n; i++) {
                const struct probe p = { kinds[held[i].kind], layer, &held[i].guid, held[i].name };
                if (held[i].kind == STORE_ENTRY && !guid_equal(&held[i].guid, &key)) {
                        key = held[i].guid;
                        depth = depth_of(r, store_key(r->store, &key));
                }
                e = registry_take_room(r, sizeof(struct held));
                if (e == 0)
                        e = hold(h, &p, held[i].kind == STORE_ENTRY ? depth : 0, &held[i].target);
        }
        return e;
}

int holding_load(struct registry *r, struct holding *h)
{
        struct held_layer *layer;
        int e = 0;

        for (uint32_t i = 0; e == 0 && (layer = holding_next_layer(h, &i));)
                e = load_layer(r, h, layer);
        return e;
}

bool holding_keep(
        struct holding *h, enum held_kind kind, const char *layer, const struct guid *key, const char *name)
{
        const struct probe p = { kind, find_layer(h, layer), key, name };
        struct held *found = p.layer ? hashmap_get(&h->index, probe_hash(&p), held_matches, &p) : NULL;
        if (found)
                found->kept = true;
        return found != NULL;
}

int registry_set_blanket(struct registry *r, const struct guid *key, const char *layer, bool set)
{
        int e = touch_values(r, key);

        if (e < 0)
                return e;
        return registry_op(r, &(struct store_op){ .code = STORE_SET_BLANKET,
                                      .guid = *key,
                                      .layer = layer,
                                      .set = set,
                                      .sequence = set ? store_take_sequence(r->store) : 0 });
}

/* Values, then path entries from the deepest on: then what nobody names any more has no children left. */
static int compare(const void *a, const void *b)
{
        const struct held *x = *(struct held *const *)a, *y = *(struct held *const *)b;
        bool x_is_entry = x->kind == HELD_ENTRY, y_is_entry = y->kind == HELD_ENTRY;

        if (x_is_entry != y_is_entry)
                return x_is_entry ? 1 : -1;
        return x->depth != y->depth ? (x->depth > y->depth ? -1 : 1) : 0;
}

static int withdraw(struct registry *r, const struct held *held)
{
        const char *layer = held->layer->name;

        switch (held->kind) {
        case HELD_VALUE:
                return registry_withdraw_value(r, &held->key, held->name, layer);
        case HELD_BLANKET:
                return registry_set_blanket(r, &held->key, layer, false);
        default:
                return registry_withdraw_entry(r, &held->key, held->name, layer);
        }
}

int holding_withdraw(struct registry *r, struct holding *h)
{
        int e = 0;

        if (h->n > 1)
                qsort(h->list, h->n, sizeof(struct held *), compare);
        for (size_t i = 0; e == 0 && i < h->n; i++) {
                const struct held *held = h->list[i];
                if (held->layer->spare)
                        continue;
                if (!held->kept)
                        e = withdraw(r, held);
                /* An entry that was kept may hide now what it named. */
                if (e == 0 && !guid_is_zero(&held->target))
                        e = registry_drop_unnamed(r, &held->target);
        }
        return e;
}
