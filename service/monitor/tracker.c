/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tracker.h"

struct tracker_change tracker_see(struct tracker *t, uint64_t mask, uint64_t now)
{
        t->early &= ~mask;
        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if ((t->early & TAINT_MASK(bit)) && now >= t->since[bit] + TRACKER_EARLY_USEC)
                        t->early &= ~TAINT_MASK(bit);
        mask |= t->early;

        uint64_t known = t->told | t->waiting;
        struct tracker_change change = { .appeared = mask & ~known, .cleared = known & ~mask };

        t->waiting |= change.appeared;
        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if (change.appeared & TAINT_MASK(bit))
                        t->since[bit] = now;
        return change;
}

void tracker_tell(struct tracker *t, unsigned bit)
{
        t->told |= TAINT_MASK(bit);
        t->waiting &= ~TAINT_MASK(bit);
}

void tracker_tell_early(struct tracker *t, unsigned bit, uint64_t now)
{
        tracker_tell(t, bit);
        t->early |= TAINT_MASK(bit);
        t->since[bit] = now;
}

void tracker_clear(struct tracker *t, unsigned bit)
{
        t->told &= ~TAINT_MASK(bit);
        t->waiting &= ~TAINT_MASK(bit);
        t->early &= ~TAINT_MASK(bit);
}

uint64_t tracker_waited(const struct tracker *t, unsigned bit, uint64_t now)
{
        return (t->waiting & TAINT_MASK(bit)) && now > t->since[bit] ? now - t->since[bit] : 0;
}

uint64_t tracker_oldest(const struct tracker *t)
{
        uint64_t oldest = UINT64_MAX;

        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if ((t->waiting & TAINT_MASK(bit)) && t->since[bit] < oldest)
                        oldest = t->since[bit];
        return oldest;
}
