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
static inline struct budget budget_new(uint64_t now)
{
        return (struct budget){ .left = BUDGET_MOST_USEC, .at = now };
}

/* What is less than a whole microsecond of the share stays in `at`. */
static inline int64_t budget_left(struct budget *b, uint64_t now)
{
        uint64_t gained = now > b->at ? (now - b->at) / BUDGET_SHARE : 0;

        if (gained >= (uint64_t)(BUDGET_MOST_USEC - b->left)) {
                *b = budget_new(now > b->at ? now : b->at);
        } else {
                b->left += (int64_t)gained;
                b->at += gained * BUDGET_SHARE;
        }
        return b->left;
}

static inline void budget_take(struct budget *b, uint64_t usec, uint64_t now)
{
        int64_t left = budget_left(b, now);

        b->left = usec >= (uint64_t)(left + BUDGET_DEBT_USEC) ? -BUDGET_DEBT_USEC : left - (int64_t)usec;
}
