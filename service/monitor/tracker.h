/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which bits of the mask were told of in this boot, and which wait for their cause. Pure. A bit goes from
 * unseen to waiting to told; a bit that clears goes back to unseen, so that it is told again when it is set
 * again. All 64 bits alike: what a bit means is no business of this. */

#include <stdbool.h>
#include <stdint.h>

#define TAINT_BITS 64u
#define TAINT_MASK(bit) (UINT64_C(1) << (bit))

struct tracker {
        uint64_t told;
        uint64_t waiting;
        uint64_t early;             /* told before the mask showed it */
        uint64_t since[TAINT_BITS]; /* when a waiting bit was first seen, an early one told: µs,
                                       CLOCK_MONOTONIC */
};

/* What is reported before the kernel sets the bit must show in the mask by then. */
#define TRACKER_EARLY_USEC UINT64_C(1000000)

struct tracker_change {
        uint64_t appeared; /* not told of and not waiting before */
        uint64_t cleared;  /* told of or waiting before: an alarm */
};

/* Takes in a mask that was read at `now`. Bits that appeared wait from now on. Cleared ones are the caller's
 * to tell, with tracker_clear() at the end; until then they stay what they were. */
struct tracker_change tracker_see(struct tracker *t, uint64_t mask, uint64_t now);

void tracker_tell(struct tracker *t, unsigned bit);
/* Told at the instant, by one who was there before the bit was set: that the mask does not show it yet is no
 * alarm. */
void tracker_tell_early(struct tracker *t, unsigned bit, uint64_t now);
void tracker_clear(struct tracker *t, unsigned bit);

/* How long the bit has been waiting. */
uint64_t tracker_waited(const struct tracker *t, unsigned bit, uint64_t now);
/* When the first waiting bit was seen; UINT64_MAX where none waits. */
uint64_t tracker_oldest(const struct tracker *t);
