/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Work for a store, as numbers decide, and what must be so in its file whatever happened to it. */

#include <stdbool.h>
#include <stdint.h>

#include "../../../registry-provider/store/store.h"

#define WORK_VALUE_MAX (64u * 1024)
#define WORK_TRANSACTIONS_MAX 4u

/* One turn: transactions of any operations, some in one another, some rolled back, and around it previews.
 * The same seed does the same to the same contents. */
struct work_turn {
        uint64_t seed;
        unsigned n;
        int results[WORK_TRANSACTIONS_MAX]; /* -ECANCELED: rolled back of its own accord */
};

/* Must succeed where nothing can fail. */
_must_check_ int work_open(const char *file, struct store **ret);
/* The keys that turns are about; a turn of its own. */
_must_check_ int work_begin(struct store *s, struct diag *d);
/* What store_sync() said; the turn's transactions are in force or not accordingly. */
_must_check_ int work_turn(struct store *s, struct work_turn *turn, struct diag *d);
/* Does in a sound store what a turn has done. */
void work_repeat(struct store *s, const struct work_turn *turn);
/* Reads all that the turns are about. 0 or what store_error() says. */
int work_read(const struct store *s);

/* Of all that the file has and answers for; not of its notes, nor of when something was done. The store is
 * open. */
uint64_t work_digest(const char *file);
/* What a query says. */
uint64_t work_number(const char *file, const char *sql);
/* SQLite finds no fault, and the entries are those that the history says. */
void work_check(const char *file);
