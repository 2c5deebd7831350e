/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "registry-internal.h"

/* What some layers hold in the store now. Each entry that their new contents have too is marked, and what is
 * not marked at the end is withdrawn. */
enum held_kind {
        HELD_VALUE,
        HELD_ENTRY,
        HELD_BLANKET,
};

struct held_layer {
        bool spare; /* nothing of it is withdrawn */
        bool gone;  /* no file stands behind it any more */
        bool used;  /* it held something when that was read */
        char name[];
};

struct held {
        enum held_kind kind;
        bool kept;
        unsigned depth; /* of the key; of path entries */
        const struct held_layer *layer;
        struct guid key;    /* of the value or blanket; the parent of a path entry */
        struct guid target; /* of a path entry */
        char name[];
};

struct holding {
        struct held **list;
        size_t n;
        struct hashmap index;
        struct hashmap layers;
};

void holding_done(struct holding *h);
/* Then everything that the added layers hold is read. */
_must_check_ int holding_add_layer(struct holding *h, const char *layer);
_must_check_ int holding_load(struct registry *r, struct holding *h);
/* Whether the layer, an added one, held anything. */
bool holding_is_used(const struct holding *h, const char *layer);
struct held_layer *holding_next_layer(const struct holding *h, uint32_t *cursor);
/* True if the layer had it, which is now confirmed. */
bool holding_keep(
        struct holding *h, enum held_kind kind, const char *layer, const struct guid *key, const char *name);
_must_check_ int holding_withdraw(struct registry *r, struct holding *h);

/* Sets or removes the layer's blanket tombstone. */
_must_check_ int registry_set_blanket(
        struct registry *r, const struct guid *key, const char *layer, bool set);
