/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What makes one document of registry contents another one. Pure.
 *
 * A document is a list of keys in difference_sort()'s order. A key above one that is there is there, whether
 * it is listed or not, and where it goes unlisted, what is below shows it; what is marked as deleted is
 * not there. */

#include "../hive/hive.h"

/* A parent comes before what is below it, names in their folded order, as the registry lists them. */
int difference_compare_paths(const struct path *a, const struct path *b);
/* Keys, and the values in each, in place. */
void difference_sort(struct hive_key *keys, size_t n);
/* The first of the keys that is at or behind the path; n: none. */
size_t difference_find(const struct hive_key *keys, size_t n, const struct path *path);

struct difference_document {
        const struct hive_key *keys;
        size_t n;
};

enum difference_kind {
        DIFFERENCE_KEY_ADDED,
        DIFFERENCE_KEY_REMOVED,
        DIFFERENCE_KEY_CHANGED, /* whether it is hidden, or its values are masked */
        DIFFERENCE_VALUE_ADDED,
        DIFFERENCE_VALUE_REMOVED,
        DIFFERENCE_VALUE_CHANGED, /* type or data */
        DIFFERENCE_KEY_SAME,      /* there on both sides; these two only if they are asked for */
        DIFFERENCE_VALUE_SAME,
};

struct difference {
        enum difference_kind kind;
        const struct hive_key *before, *after;               /* NULL: not listed there */
        const struct hive_value *before_value, *after_value; /* NULL: not there */
};

/* One of the two, NULL of a key; and the key, which is listed on one side at least. */
const struct hive_value *difference_value(const struct difference *d);
const struct hive_key *difference_key(const struct difference *d);

struct difference_walk {
        struct difference_document before, after;
        bool effective;               /* tombstones, hidden keys and blankets are nothing */
        bool all;                     /* what is the same, too */
        const char *name;             /* only values of this name; NULL: all, and keys */
        size_t i, j;                  /* the keys that come next */
        const struct hive_key *a, *b; /* whose values are compared; NULL: not there */
        size_t va, vb;
        bool in_key;
};

/* One after the other: a key, then its values. False at the end. */
bool difference_next(struct difference_walk *w, struct difference *ret);
