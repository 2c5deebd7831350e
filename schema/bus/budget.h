/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much of a daemon's time one user takes: it fills up as time goes by, and what a user's calls took is
 * taken out of it. All in microseconds, by any clock that does not go back. Pure. */

#include <stdbool.h>
#include <stdint.h>

/* So much at once, and a tenth of the time for good. */
#define BUDGET_MOST_USEC INT64_C(10000)
#define BUDGET_SHARE 10
/* Whoever took much more is even again after so long. */
#define BUDGET_DEBT_USEC INT64_C(1000000)

struct budget {
        int64_t left;
        uint64_t at; /* when `left` was right */
};

/* Full. */
struct budget budget_new(uint64_t now);
int64_t budget_left(struct budget *b, uint64_t now);
void budget_take(struct budget *b, uint64_t usec, uint64_t now);
