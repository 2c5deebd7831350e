/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/names/fold.h"

int store_new(size_t value_max, struct store **ret)
{
        struct store *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->value_max = value_max;
        *ret = s;
        return 0;
}

struct store *store_free(struct store *s)
{
        struct identity *id;

        if (!s)
                return NULL;
        undo_done(s);
        /* One more user each keeps the table still while the keys are freed. */
        for (uint32_t i = 0; (id = hashmap_next(&s->identities, &i));)
                id->users++;
        for (uint32_t i = 0; (id = hashmap_next(&s->identities, &i));)
                if (id->key)
                        object_free(s, OBJECT_KEY, id->key);
        for (uint32_t i = 0; (id = hashmap_next(&s->identities, &i));)
                free(id);
        hashmap_done(&s->identities);
        hashmap_done(&s->layers);
        hashmap_done(&s->children);
        hashmap_done(&s->values);
        free(s);
        return NULL;
}

uint64_t store_take_sequence(struct store *s)
{
        return ++s->sequence;
}

uint64_t store_last_sequence(const struct store *s)
{
        return s->sequence;
}

void store_return_sequence(struct store *s, uint64_t last)
{
        s->sequence = last;
}

void store_raise_sequence(struct store *s, uint64_t at_least)
{
        if (s->sequence < at_least)
                s->sequence = at_least;
}

static bool identity_has_guid(const void *entry, const void *guid)
{
        return guid_equal(&((const struct identity *)entry)->guid, guid);
}

struct identity *identity_find(const struct store *s, const struct guid *guid)
{
        uint32_t hash = hash_bytes(guid->bytes, sizeof(guid->bytes), hash_seed());
        return hashmap_get(&s->identities, hash, identity_has_guid, guid);
}

struct key *key_find(const struct store *s, const struct guid *guid)
{
        const struct identity *id = identity_find(s, guid);
        return id ? id->key : NULL;
}

struct wanted {
        const struct key *key;
        const char *name;
        size_t len;
};

static bool entry_is_wanted(const void *entry, const void *key)
{
        const struct entry *e = entry;
        const struct wanted *w = key;
        return e->key == w->key && fold_equal(e->name, e->name_len, w->name, w->len);
}

struct entry *chain_find(
        const struct store *s, const struct key *key, bool is_value, const char *name, size_t len)
{
        const struct wanted w = { key, name, len };
        return hashmap_get(is_value ? &s->values : &s->children, fold_hash(name, len, key->id->hash),
                entry_is_wanted, &w);
}

struct entry *chain_of(const struct store *s, const struct entry *e)
{
        const struct wanted w = { e->key, e->name, e->name_len };
        return hashmap_get(e->is_value ? &s->values : &s->children, e->hash, entry_is_wanted, &w);
}

struct hashmap *entry_map(struct store *s, bool is_value)
{
        return is_value ? &s->values : &s->children;
}

const struct store_key *store_key(const struct store *s, const struct guid *guid)
{
        const struct key *key = key_find(s, guid);
        return key ? &key->view : NULL;
}

bool store_key_is_referenced(const struct store *s, const struct guid *guid)
{
        const struct identity *id = identity_find(s, guid);
        return id && id->named > 0;
}

const struct store_key *store_target(const struct store_path_entry *entry)
{
        const struct identity *id = ((const struct path_entry *)(const void *)entry)->target;
        return id && id->key ? &id->key->view : NULL;
}

const struct store_path_entry *store_lookup(
        const struct store *s, const struct guid *parent, const char *name, size_t len)
{
        const struct key *key = key_find(s, parent);
        const struct entry *head = key ? chain_find(s, key, false, name, len) : NULL;
        return head ? &head->path : NULL;
}

const struct store_value_entry *store_value(
        const struct store *s, const struct guid *guid, const char *name, size_t len)
{
        const struct key *key = key_find(s, guid);
        const struct entry *head = key ? chain_find(s, key, true, name, len) : NULL;
        return head ? &head->value : NULL;
}

const struct store_blanket *store_blankets(const struct store *s, const struct guid *guid)
{
        const struct key *key = key_find(s, guid);
        return key && key->blankets ? &key->blankets->view : NULL;
}

static const struct entry *next_head(
        const struct store *s, const struct guid *guid, bool is_value, const void **cursor)
{
        const struct entry *head = *cursor;
        if (head) {
                head = head->list_next;
        } else {
                const struct key *key = key_find(s, guid);
                if (key)
                        head = is_value ? key->values : key->children;
        }
        if (head)
                *cursor = head;
        return head;
}

const struct store_path_entry *store_next_child(
        const struct store *s, const struct guid *parent, const void **cursor)
{
        const struct entry *head = next_head(s, parent, false, cursor);
        return head ? &head->path : NULL;
}

const struct store_value_entry *store_next_value(
        const struct store *s, const struct guid *key, const void **cursor)
{
        const struct entry *head = next_head(s, key, true, cursor);
        return head ? &head->value : NULL;
}

const struct store_key *store_next_key(const struct store *s, uint32_t *cursor)
{
        const struct identity *id;
        while ((id = hashmap_next(&s->identities, cursor)))
                if (id->key)
                        return &id->key->view;
        return NULL;
}

struct store_counts store_counts(const struct store *s)
{
        return s->counts;
}
