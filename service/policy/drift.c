/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include <string.h>

static void forget_old(struct drift *d, uint64_t now)
{
        unsigned gone = 0;

        while (gone < d->n && now - d->at[gone] >= DRIFT_WINDOW_USEC)
                gone++;
        d->n -= gone;
        memmove(d->at, d->at + gone, d->n * sizeof(d->at[0]));
}

enum drift_verdict drift_decide(struct drift *d, uint64_t now)
{
        if (now < d->paused_until)
                return DRIFT_PAUSED;
        forget_old(d, now);
        if (d->n < DRIFT_ROUNDS) {
                d->at[d->n++] = now;
                return DRIFT_PUT_BACK;
        }
        /* The rounds before the pause do not count after it. */
        *d = (struct drift){ .paused_until = now + DRIFT_PAUSE_USEC };
        return DRIFT_GIVE_UP;
}
