/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A text that is looked for in the names of keys and values and in data, whatever the case, and where it was
 * found so far. Places are in the order of the tree: a key, its values, the keys in it. No bus. */

#include "../../schema/base/buf.h"
#include "../../schema/values/value.h"

/* More are not kept. */
#define SEARCH_PLACES_MAX 10000u

struct search_place {
        char *key;  /* its path, with the hive */
        char *name; /* of the value; NULL: the key itself */
};

struct search {
        struct buf text; /* folded; "": nothing is looked for */
        struct search_place *list;
        size_t n;
        struct buf scratch;
};

void search_done(struct search *s);
/* Forgets what was found. */
void search_begin(struct search *s, const char *text);
/* Adds the key, or the value, if the text is in it; `value` may be NULL. 0 or -ENOMEM. */
_must_check_ int search_try_key(struct search *s, const char *key);
_must_check_ int search_try_value(
        struct search *s, const char *key, const char *name, const struct value *value);

/* Before, at, or behind the other in the tree: less than 0, 0, or more. A name may be NULL. */
int search_compare(const char *key, const char *name, const char *other_key, const char *other_name);
/* The nearest place behind this one (`or_there`: or there), or before it; NULL: there is none yet. */
const struct search_place *search_behind(
        const struct search *s, const char *key, const char *name, bool or_there);
const struct search_place *search_before(const struct search *s, const char *key, const char *name);
/* The first of all, or the last. */
const struct search_place *search_end(const struct search *s, bool last);
