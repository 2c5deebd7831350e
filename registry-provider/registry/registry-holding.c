/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-holding.h"

#include <errno.h>
#include <string.h>

void holding_done(struct holding *h)
{
        for (size_t i = 0; i < h->n; i++)
                free(h->list[i].name);
        free(h->list);
        hashmap_done(&h->index);
}

static bool held_equal(const void *entry, const void *key)
{
        const struct held *a = entry, *b = key;
        return a->kind == b->kind && guid_equal(&a->key, &b->key) &&
               fold_equal(a->name, strlen(a->name), b->name, strlen(b->name));
}

static uint32_t held_hash(const struct held *h)
{
        return fold_hash(h->name, strlen(h->name),
                hash_bytes(h->key.bytes, sizeof(h->key.bytes), hash_seed() + (uint32_t)h->kind));
}

static int hold(struct holding *h, enum held_kind kind, const struct guid *key, const char *name)
{
        if ((h->n & (h->n - 1)) == 0) {
                struct held *list = reallocarray(h->list, h->n ? h->n * 2 : 1, sizeof(*list));
                if (!list)
                        return -ENOMEM;
                h->list = list;
        }
        struct held held = { .kind = kind, .key = *key, .name = strdup(name) };
        if (!held.name)
                return -ENOMEM;
        h->list[h->n++] = held;
        return 0;
}

bool layer_name_equal(const char *a, const char *b)
{
        return fold_equal(a, strlen(a), b, strlen(b));
}

static int hold_key(struct registry *r, const struct guid *key, const char *layer, struct holding *h)
{
        const struct store_value_entry *v;
        const struct store_path_entry *c;
        const void *cursor = NULL;
        int e = 0;

        while (e == 0 && (v = store_next_value(r->store, key, &cursor)))
                for (const struct store_value_entry *x = v; e == 0 && x; x = x->next)
                        if (layer_name_equal(x->layer, layer))
                                e = hold(h, HELD_VALUE, key, x->name);
        for (cursor = NULL; e == 0 && (c = store_next_child(r->store, key, &cursor));)
                for (const struct store_path_entry *x = c; e == 0 && x; x = x->next)
                        if (layer_name_equal(x->layer, layer))
                                e = hold(h, HELD_ENTRY, key, x->name);
        for (const struct store_blanket *b = store_blankets(r->store, key); e == 0 && b; b = b->next)
                if (layer_name_equal(b->layer, layer))
                        e = hold(h, HELD_BLANKET, key, "");
        return e;
}

int holding_load(struct registry *r, const char *layer, struct holding *h)
{
        const struct store_key *key;
        uint32_t cursor = 0;
        int e = 0;

        while (e == 0 && (key = store_next_key(r->store, &cursor)))
                e = hold_key(r, &key->guid, layer, h);
        /* The list moves while it grows: index it when it is whole. */
        for (size_t i = 0; e == 0 && i < h->n; i++)
                e = hashmap_put(&h->index, held_hash(&h->list[i]), &h->list[i]);
        return e;
}

bool holding_keep(struct holding *h, enum held_kind kind, const struct guid *key, const char *name)
{
        const struct held probe = { .kind = kind, .key = *key, .name = (char *)name };
        struct held *found = hashmap_get(&h->index, held_hash(&probe), held_equal, &probe);
        if (found)
                found->kept = true;
        return found != NULL;
}
