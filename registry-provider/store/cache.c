/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cache.h"

#include <stdlib.h>
#include <string.h>

/* More is read from the file each time. */
#define DATA_MAX 4096u

/* What is forgotten leaves its memory in the arena until that begins anew. */
struct cache_item {
        const void *found;
        struct guid guid;
        enum cache_kind kind;
        size_t len;
        char folded[];
};

static bool item_is(const void *entry, const void *key)
{
        const struct cache_item *item = entry;
        const struct cache_name *name = key;

        return item->kind == name->kind && item->len == name->len && guid_equal(&item->guid, name->guid) &&
               memcmp(item->folded, name->folded, name->len) == 0;
}

static uint32_t hash_of(const struct cache_name *name)
{
        return hashmap_hash(name->folded, name->len,
                hashmap_hash(name->guid, sizeof(*name->guid), hashmap_seed() + name->kind));
}

static struct cache_item *find(const struct cache *c, const struct cache_name *name, uint32_t hash)
{
        return hashmap_get(&c->items, hash, item_is, name);
}

static void *copy(const void *data, size_t size, struct arena *into)
{
        return data ? arena_copy(into, data, size) : NULL;
}

static const void *copy_key(const struct store_key *key, struct arena *into)
{
        struct store_key *k = copy(key, sizeof(*key), into);

        if (!k)
                return NULL;
        k->name = copy(key->name, strlen(key->name), into);
        k->sd = copy(key->sd, key->sd_size, into);
        return k->name && (k->sd || !key->sd) ? k : NULL;
}

static const void *copy_entries(const struct store_path_entry *from, struct arena *into)
{
        const struct store_path_entry *first = NULL, **end = &first;

        for (; from; from = from->next) {
                struct store_path_entry *e = copy(from, sizeof(*from), into);
                if (!e || !(e->name = copy(from->name, strlen(from->name), into)))
                        return NULL;
                *end = e;
                end = &e->next;
        }
        return first;
}

static const void *copy_values(const struct store_value_entry *from, struct arena *into)
{
        const struct store_value_entry *first = NULL, **end = &first;

        for (; from; from = from->next) {
                struct store_value_entry *e = copy(from, sizeof(*from), into);
                if (!e || !(e->name = copy(from->name, strlen(from->name), into)) ||
                        !(e->data = copy(from->data, from->size, into)))
                        return NULL;
                *end = e;
                end = &e->next;
        }
        return first;
}

static const void *copy_blankets(const struct store_blanket *from, struct arena *into)
{
        const struct store_blanket *first = NULL, **end = &first;

        for (; from; from = from->next) {
                struct store_blanket *b = copy(from, sizeof(*from), into);
                if (!b)
                        return NULL;
                *end = b;
                end = &b->next;
        }
        return first;
}

/* NULL: out of memory, or nothing is there. */
static const void *copy_found(enum cache_kind kind, const void *found, struct arena *into)
{
        if (!found)
                return NULL;
        switch (kind) {
        case CACHE_KEY:
                return copy_key(found, into);
        case CACHE_ENTRIES:
                return copy_entries(found, into);
        case CACHE_VALUES:
                return copy_values(found, into);
        case CACHE_BLANKETS:
                return copy_blankets(found, into);
        }
        return NULL;
}

static bool is_of_whole(const struct cache *c, const struct cache_name *name)
{
        return (name->kind == CACHE_VALUES || name->kind == CACHE_BLANKETS) &&
               guid_equal(&c->whole, name->guid);
}

bool cache_get(const struct cache *c, const struct cache_name *name, struct arena *into, const void **ret)
{
        const struct cache_item *item = find(c, name, hash_of(name));

        if (!item) {
                *ret = NULL;
                return is_of_whole(c, name);
        }
        *ret = copy_found(name->kind, item->found, into);
        return *ret || !item->found;
}

/* Whether a key comes with that name changes what such an entry says. */
static bool any_dangles(const struct store_path_entry *e)
{
        while (e && !e->dangling)
                e = e->next;
        return e != NULL;
}

static size_t bytes_of_values(const struct store_value_entry *e)
{
        size_t bytes = 0;

        for (; e; e = e->next)
                bytes += e->size;
        return bytes;
}

static bool is_kept(enum cache_kind kind, const void *found)
{
        switch (kind) {
        case CACHE_KEY:
                return !found || ((const struct store_key *)found)->sd_size <= DATA_MAX;
        case CACHE_ENTRIES:
                return !any_dangles(found);
        case CACHE_VALUES:
                return bytes_of_values(found) <= DATA_MAX;
        case CACHE_BLANKETS:
                return true;
        }
        return false;
}

static struct cache_item *new_item(struct cache *c, const struct cache_name *name, const void *found)
{
        if (c->max == 0 || !is_kept(name->kind, found))
                return NULL;
        if (c->arena.total >= c->max)
                cache_clear(c);
        struct cache_item *item = arena_take(&c->arena, sizeof(*item) + name->len);
        const void *copied = item ? copy_found(name->kind, found, &c->arena) : NULL;
        if (!item || (found && !copied))
                return NULL;
        *item = (struct cache_item){
                .found = copied, .guid = *name->guid, .kind = name->kind, .len = name->len
        };
        memcpy(item->folded, name->folded, name->len);
        return item;
}

void cache_put(struct cache *c, const struct cache_name *name, const void *found)
{
        struct cache_item *item = new_item(c, name, found);
        const uint32_t hash = hash_of(name);
        const struct cache_item *before = item ? find(c, name, hash) : NULL;

        if (!item || (!before && hashmap_put(&c->items, hash, item) < 0))
                cache_forget(c, name);
        else if (before)
                (void)hashmap_replace(&c->items, hash, before, item);
}

void cache_forget(struct cache *c, const struct cache_name *name)
{
        const uint32_t hash = hash_of(name);
        const struct cache_item *item = find(c, name, hash);

        if (item)
                (void)hashmap_remove(&c->items, hash, item);
        if (is_of_whole(c, name))
                c->whole = (struct guid){ 0 };
}

void cache_begin_key(struct cache *c, const struct guid *key)
{
        c->whole = *key;
}

void cache_clear(struct cache *c)
{
        c->whole = (struct guid){ 0 };
        if (c->arena.total == 0)
                return;
        hashmap_done(&c->items);
        arena_trim(&c->arena, 0);
}

void cache_done(struct cache *c)
{
        hashmap_done(&c->items);
        arena_done(&c->arena);
}
