/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A key and all below it, key by key, parents before children and names in their (folded) order: what is
 * effective, or what one layer has. It can be ended behind any key and begun again there; nothing is kept in
 * between. */

#include "registry.h"

enum {
        WALK_NAMED = 1,    /* the key is there: seen, or named by the layer */
        WALK_HIDDEN = 2,   /* the layer hides the key */
        WALK_BLANKET = 4,  /* the layer masks all values of the key */
        WALK_VOLATILE = 8, /* a key that is named lives in memory only */
        WALK_LINK = 16     /* a key that is named is a link, which is not followed */
};

struct walk_key {
        const char *path; /* as the names are spelled where they come from */
        unsigned flags;   /* WALK_…; 0: passed on the way, the layer says nothing of the key itself */
        const struct store_value_entry *const *values; /* by folded name; a layer's with its tombstones */
        size_t n_values;
};

struct walk;

/* `path`: as registry_follow() has it. `layer`: NULL: what is effective; else that layer's own entries,
 * whether it counts or not. `after`: the path of a key below (or the key itself), behind which it begins;
 * NULL: with the key. 0 or a registry's error: REGISTRY_NOT_FOUND where there is no such layer, or (of what
 * is effective) no such key. */
_must_check_ int walk_open(struct registry *r, const struct path *path, const char *layer,
        const struct path *after, struct walk **ret, struct diag *d);
struct walk *walk_close(struct walk *t);
DEFINE_CLEANUP(struct walk *, walk_close, walk_closep);
#define _cleanup_walk_ _cleanup_(walk_closep)

/* The next key, good until the next call; the values have their sizes, but not all have
 * their data. 1; 0 at the end; or a
 * negative errno. Nothing may be changed in between. */
_must_check_ int walk_next(struct walk *t, struct walk_key *ret);
/* Fills in the data of the key that came last. 0 or a negative errno. */
_must_check_ int walk_read(struct walk *t, struct walk_key *key);
