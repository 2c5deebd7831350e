/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "budget.h"

struct budget budget_new(uint64_t now)
{
        return (struct budget){ .left = BUDGET_MOST_USEC, .at = now };
}

/* What is less than a whole microsecond of the share stays in `at`. */
int64_t budget_left(struct budget *b, uint64_t now)
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

void budget_take(struct budget *b, uint64_t usec, uint64_t now)
{
        int64_t left = budget_left(b, now);

        b->left = usec >= (uint64_t)(left + BUDGET_DEBT_USEC) ? -BUDGET_DEBT_USEC : left - (int64_t)usec;
}
