/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What look-ups have found, and that they found nothing: copies, so that a look-up which comes again needs
 * no statement. Whoever changes a row forgets what it was read into. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../schema/base/arena.h"
#include "../../schema/base/hashmap.h"
#include "store.h"

/* What one transaction of 10,000 values looks at twice. */
#define CACHE_BYTES_DEFAULT (4u * 1024u * 1024u)
/* So many times that for a large one, as long as it takes. */
#define CACHE_LARGE_TIMES 16u

enum cache_kind {
        CACHE_KEY,      /* struct store_key, by its GUID */
        CACHE_ENTRIES,  /* a chain of path entries, by the parent and the folded name */
        CACHE_VALUES,   /* a chain of values, by the key and the folded name */
        CACHE_BLANKETS, /* a list of blankets, by the key */
};

/* What is looked up; `folded` is "" where there is no name. */
struct cache_name {
        enum cache_kind kind;
        const struct guid *guid;
        const char *folded;
        size_t len;
};

struct cache {
        struct arena arena;
        size_t max;        /* bytes; when they are used up it begins anew */
        struct guid whole; /* all values and blankets of this key are here; zero: of none */
        struct hashmap items;
};

/* True: known, *ret is a copy in `into`, or NULL where nothing is there. False: not known, or out of memory.
 */
bool cache_get(const struct cache *c, const struct cache_name *name, struct arena *into, const void **ret);
/* Layers' names must stay; all else is copied. What is too large, or finds no memory, is not kept. */
void cache_put(struct cache *c, const struct cache_name *name, const void *found);
void cache_forget(struct cache *c, const struct cache_name *name);
/* The key is new: until something of its values and blankets is forgotten, what is not here is not there. */
void cache_begin_key(struct cache *c, const struct guid *key);
void cache_clear(struct cache *c);
void cache_done(struct cache *c);
