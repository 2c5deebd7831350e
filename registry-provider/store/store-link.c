/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects into the tables and lists and out again. Nothing here can fail. */

#include "store-internal.h"

#include <assert.h>

static void put_reserved(struct hashmap *map, uint32_t hash, void *entry)
{
        int r = hashmap_put(map, hash, entry);
        assert(r >= 0);
        (void)r;
}

static struct entry **list_of(const struct entry *e)
{
        return e->is_value ? &e->key->values : &e->key->children;
}

static void list_add(struct entry *e)
{
        struct entry **list = list_of(e);
        e->list_prev = NULL;
        e->list_next = *list;
        if (*list)
                (*list)->list_prev = e;
        *list = e;
}

static void list_remove(struct entry *e)
{
        if (e->list_prev)
                e->list_prev->list_next = e->list_next;
        else
                *list_of(e) = e->list_next;
        if (e->list_next)
                e->list_next->list_prev = e->list_prev;
        e->list_next = e->list_prev = NULL;
}

static void list_replace(struct entry *old, struct entry *e)
{
        e->list_next = old->list_next;
        e->list_prev = old->list_prev;
        if (e->list_prev)
                e->list_prev->list_next = e;
        else
                *list_of(e) = e;
        if (e->list_next)
                e->list_next->list_prev = e;
        old->list_next = old->list_prev = NULL;
}

static void count_entry(struct store *s, const struct entry *e, int n)
{
        if (e->is_value) {
                s->counts.values += (size_t)n;
                return;
        }
        s->counts.path_entries += (size_t)n;
        struct identity *target = ((const struct path_entry *)(const void *)e)->target;
        if (target) {
                target->named += (uint32_t)n;
                target->named_in = e->key;
                e->key->named_children += (uint32_t)n;
        }
}

static void entry_link(struct store *s, struct entry *e)
{
        struct hashmap *map = entry_map(s, e->is_value);
        struct entry *head = chain_of(s, e);

        if (!head) {
                e->next = NULL;
                put_reserved(map, e->hash, e);
                list_add(e);
        } else if (head->sequence < e->sequence) {
                e->next = head;
                hashmap_replace(map, e->hash, head, e);
                list_replace(head, e);
        } else {
                struct entry *before = head;
                while (before->next && before->next->sequence > e->sequence)
                        before = before->next;
                e->next = before->next;
                before->next = e;
        }
        count_entry(s, e, 1);
}

static void entry_unlink(struct store *s, struct entry *e)
{
        struct hashmap *map = entry_map(s, e->is_value);
        struct entry *head = chain_of(s, e);

        if (head != e) {
                while (head->next != e)
                        head = head->next;
                head->next = e->next;
        } else if (e->next) {
                hashmap_replace(map, e->hash, e, e->next);
                list_replace(e, e->next);
        } else {
                hashmap_remove(map, e->hash, e);
                list_remove(e);
        }
        e->next = NULL;
        count_entry(s, e, -1);
}

static void blanket_link(struct store *s, struct blanket *b)
{
        struct blanket **at = &b->key->blankets;
        while (*at && (*at)->sequence > b->sequence)
                at = &(*at)->next;
        b->next = *at;
        *at = b;
        s->counts.blankets++;
}

static void blanket_unlink(struct store *s, struct blanket *b)
{
        struct blanket **at = &b->key->blankets;
        while (*at != b)
                at = &(*at)->next;
        *at = b->next;
        s->counts.blankets--;
}

/* A key goes and comes back with all that hangs on it; only the heads are known outside. */
static void key_link(struct store *s, struct key *key)
{
        key->id->key = key;
        s->counts.keys++;
        for (struct entry *head = key->values; head; head = head->list_next) {
                put_reserved(&s->values, head->hash, head);
                for (struct entry *e = head; e; e = e->next)
                        count_entry(s, e, 1);
        }
        for (struct entry *head = key->children; head; head = head->list_next) {
                put_reserved(&s->children, head->hash, head);
                for (struct entry *e = head; e; e = e->next)
                        count_entry(s, e, 1);
        }
        for (struct blanket *b = key->blankets; b; b = b->next)
                s->counts.blankets++;
}

static void key_unlink(struct store *s, struct key *key)
{
        key->id->key = NULL;
        s->counts.keys--;
        for (struct entry *head = key->values; head; head = head->list_next) {
                hashmap_remove(&s->values, head->hash, head);
                for (struct entry *e = head; e; e = e->next)
                        count_entry(s, e, -1);
        }
        for (struct entry *head = key->children; head; head = head->list_next) {
                hashmap_remove(&s->children, head->hash, head);
                for (struct entry *e = head; e; e = e->next)
                        count_entry(s, e, -1);
        }
        for (struct blanket *b = key->blankets; b; b = b->next)
                s->counts.blankets--;
}

void object_link(struct store *s, enum object_kind kind, void *object)
{
        switch (kind) {
        case OBJECT_ENTRY:
                entry_link(s, object);
                break;
        case OBJECT_BLANKET:
                blanket_link(s, object);
                break;
        case OBJECT_KEY:
                key_link(s, object);
                break;
        }
}

void object_unlink(struct store *s, enum object_kind kind, void *object)
{
        switch (kind) {
        case OBJECT_ENTRY:
                entry_unlink(s, object);
                break;
        case OBJECT_BLANKET:
                blanket_unlink(s, object);
                break;
        case OBJECT_KEY:
                key_unlink(s, object);
                break;
        }
}
