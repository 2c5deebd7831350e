/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An open-addressing table of pointers that the caller owns. It stores each pointer with its 32-bit hash and
 * asks the caller to compare. Removal shifts back, so there are no tombstones and a lookup stays short. */

#include <stdbool.h>
#include <stdint.h>

#include "macro.h"

struct hashmap {
        struct hashmap_slot *slots;
        uint32_t mask; /* slots - 1; 0 when nothing is allocated */
        uint32_t used;
};

typedef bool (*hashmap_equal_t)(const void *entry, const void *key);

void hashmap_done(struct hashmap *m);

/* Makes room for `extra` more entries, so that the next `extra` hashmap_put() cannot fail. 0 or -ENOMEM. */
_must_check_ int hashmap_reserve(struct hashmap *m, uint32_t extra);

/* The entry with this hash for which equal(entry, key) holds, or NULL. */
void *hashmap_get(const struct hashmap *m, uint32_t hash, hashmap_equal_t equal, const void *key);

/* Adds an entry that must not be there yet. 0 or -ENOMEM. */
_must_check_ int hashmap_put(struct hashmap *m, uint32_t hash, void *entry);

/* Replaces `old` (found by identity) with `new_entry`, under the same hash. False if old is not there. */
bool hashmap_replace(struct hashmap *m, uint32_t hash, const void *old, void *new_entry);

/* Removes the entry (found by identity). False if it is not there. */
bool hashmap_remove(struct hashmap *m, uint32_t hash, const void *entry);

/* Walks all entries: start with *i = 0; NULL at the end. The table must not change meanwhile. */
void *hashmap_next(const struct hashmap *m, uint32_t *i);

/* A hash for bytes, seeded once per process so that names chosen by others cannot be made to collide. */
uint32_t hashmap_hash(const void *data, size_t n, uint32_t seed);
uint32_t hashmap_seed(void);
