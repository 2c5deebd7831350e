/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A store at an earlier moment: what look-ups find is what was there right after a row of the history. Only
 * what is asked for is brought back, a key at a time, in SQLite's temporary database: nothing is copied
 * whole, and the file is only read. See store_show(). */

#include "store-tables.h"

struct moment;

struct moment *moment_free(struct moment *m);

/* For the store's look-ups, which see today's rows and those brought back. All but moment_need() want a
 * store that shows a moment. */

/* Brings back what the key had; a zero GUID: what is about no key. An error is the database's. */
void moment_need(const struct store *s, const struct guid *key);
/* Whether today's row of the key is another one's than the moment's, or none's. */
bool moment_hides(const struct store *s, enum cache_kind kind, const struct guid *key, const char *folded,
        size_t len, int64_t layer);
/* Whether there was a key. */
bool moment_has_key(const struct store *s, const struct guid *key);
/* The last row that had happened. */
int64_t moment_row(const struct moment *m);
