/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hashmap.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Packed: tables are most of what a big store takes beside its values. */
struct __attribute__((packed, aligned(4))) hashmap_slot {
        void *entry; /* NULL: free */
        uint32_t hash;
};

void hashmap_done(struct hashmap *m)
{
        free(m->slots);
        *m = (struct hashmap){ 0 };
}

static void insert(struct hashmap_slot *slots, uint32_t mask, uint32_t hash, void *entry)
{
        uint32_t i = hash & mask;
        while (slots[i].entry)
                i = (i + 1) & mask;
        slots[i] = (struct hashmap_slot){ .entry = entry, .hash = hash };
}

/* At most four fifths full. */
static bool has_room(const struct hashmap *m, uint64_t entries)
{
        return m->slots && entries * 5 <= ((uint64_t)m->mask + 1) * 4;
}

int hashmap_reserve(struct hashmap *m, uint32_t extra)
{
        uint64_t entries = (uint64_t)m->used + extra;
        if (has_room(m, entries))
                return 0;
        uint64_t size = m->slots ? ((uint64_t)m->mask + 1) * 2 : 8;
        while (entries * 5 > size * 4)
                size *= 2;
        if (size > UINT32_MAX)
                return -ENOMEM;
        struct hashmap_slot *slots = calloc(size, sizeof(*slots));
        if (!slots)
                return -ENOMEM;
        if (m->slots)
                for (uint32_t i = 0; i <= m->mask; i++)
                        if (m->slots[i].entry)
                                insert(slots, (uint32_t)(size - 1), m->slots[i].hash, m->slots[i].entry);
        free(m->slots);
        m->slots = slots;
        m->mask = (uint32_t)(size - 1);
        return 0;
}

void *hashmap_get(const struct hashmap *m, uint32_t hash, hashmap_equal_t equal, const void *key)
{
        if (!m->slots)
                return NULL;
        for (uint32_t i = hash & m->mask; m->slots[i].entry; i = (i + 1) & m->mask)
                if (m->slots[i].hash == hash && equal(m->slots[i].entry, key))
                        return m->slots[i].entry;
        return NULL;
}

int hashmap_put(struct hashmap *m, uint32_t hash, void *entry)
{
        int r = hashmap_reserve(m, 1);
        if (r < 0)
                return r;
        insert(m->slots, m->mask, hash, entry);
        m->used++;
        return 0;
}

static struct hashmap_slot *find(const struct hashmap *m, uint32_t hash, const void *entry)
{
        if (!m->slots)
                return NULL;
        for (uint32_t i = hash & m->mask; m->slots[i].entry; i = (i + 1) & m->mask)
                if (m->slots[i].entry == entry)
                        return &m->slots[i];
        return NULL;
}

bool hashmap_replace(struct hashmap *m, uint32_t hash, const void *old, void *new_entry)
{
        struct hashmap_slot *slot = find(m, hash, old);
        if (!slot)
                return false;
        slot->entry = new_entry;
        return true;
}

bool hashmap_remove(struct hashmap *m, uint32_t hash, const void *entry)
{
        struct hashmap_slot *slot = find(m, hash, entry);
        if (!slot)
                return false;
        m->used--;

        /* Shift back what would no longer be reached across the gap. */
        uint32_t gap = (uint32_t)(slot - m->slots);
        for (uint32_t i = (gap + 1) & m->mask; m->slots[i].entry; i = (i + 1) & m->mask) {
                uint32_t home = m->slots[i].hash & m->mask;
                if (((i - home) & m->mask) >= ((i - gap) & m->mask)) {
                        m->slots[gap] = m->slots[i];
                        gap = i;
                }
        }
        m->slots[gap] = (struct hashmap_slot){ 0 };
        return true;
}

void *hashmap_next(const struct hashmap *m, uint32_t *i)
{
        if (!m->slots)
                return NULL;
        while (*i <= m->mask) {
                void *entry = m->slots[(*i)++].entry;
                if (entry)
                        return entry;
        }
        return NULL;
}

uint32_t hashmap_seed(void)
{
        static uint32_t seed;
        if (seed == 0) {
                if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
                        seed = (uint32_t)time(NULL) ^ (uint32_t)getpid();
                seed |= 1;
        }
        return seed;
}

/* MurmurHash3's 32-bit mixing (public domain), a word at a time. */
static uint32_t mix(uint32_t h, uint32_t k)
{
        k *= UINT32_C(0xcc9e2d51);
        k = (k << 15) | (k >> 17);
        k *= UINT32_C(0x1b873593);
        h ^= k;
        h = (h << 13) | (h >> 19);
        return h * 5 + UINT32_C(0xe6546b64);
}

uint32_t hashmap_hash(const void *data, size_t n, uint32_t seed)
{
        const uint8_t *p = data;
        uint32_t h = seed, k;

        for (size_t left = n; left >= 4; left -= 4, p += 4) {
                memcpy(&k, p, 4);
                h = mix(h, k);
        }
        k = 0;
        if (n & 3)
                memcpy(&k, p, n & 3);
        h = mix(h, k) ^ (uint32_t)n;
        h ^= h >> 16;
        h *= UINT32_C(0x85ebca6b);
        h ^= h >> 13;
        h *= UINT32_C(0xc2b2ae35);
        return h ^ (h >> 16);
}
