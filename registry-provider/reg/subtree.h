/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the registry has at and below some keys, read from the provider at one moment: what is effective, or
 * what one layer has. A document as of exchange/difference.h, in its order. */

#include "../exchange/difference.h"
#include "session.h"

struct subtree {
        struct hive_key *keys;
        size_t n;
        struct hive_value *values; /* of all keys, one after the other */
        const char **from;         /* the layer of each value */
        size_t n_values, n_values_max;
        uint64_t sequence; /* of the registry when it was read */
        /* What all that is in. */
        sd_bus_message **pages;
        size_t n_pages;
};

void subtree_done(struct subtree *t);
/* Empties it; its memory is kept. */
void subtree_clear(struct subtree *t);
#define _cleanup_subtree_ _cleanup_(subtree_done)

struct subtree_query {
        const struct path *const *roots; /* none is below another one; in their order */
        size_t n_roots;
        const char *layer;             /* NULL: what is effective */
        const struct words_moment *at; /* NULL: now */
        bool follows;                  /* a root that is a link stands for another key */
};

/* A root that is not there has nothing; one that links lead to elsewhere is EXIT_CODE_INVALID, unless it
 * `follows`; a layer that is not there is EXIT_CODE_NOT_FOUND. `ret` is empty.
 * What changes while it is read is read again; EXIT_CODE_CONFLICT where that never ends. */
_must_check_ int subtree_read(struct session *s, const struct subtree_query *query, struct subtree *ret);

/* The same page by page, while the provider looks for the next one. */
struct subtree_reading {
        const struct subtree_query *query;
        size_t n_pages; /* so far; 0 after a page: something was changed, and it begins anew */

        size_t root;
        unsigned tries;
        bool is_asked, is_further; /* for a page of the root that is not its first */
        struct client_call call;
};
void subtree_reading_done(struct subtree_reading *r);
#define _cleanup_subtree_reading_ _cleanup_(subtree_reading_done)
bool subtree_is_read(const struct subtree_reading *r);
/* Adds the next page; where it begins anew, the tree is emptied. */
_must_check_ int subtree_next(struct session *s, struct subtree_reading *r, struct subtree *t);

/* The layer that the value of the key comes from. */
const char *subtree_from(const struct subtree *t, const struct hive_value *value);
