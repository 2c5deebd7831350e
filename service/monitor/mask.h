/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The taint mask, proc/sys/kernel/tainted: reading it, and which of its bits were reported. A descriptor
 * stays open: an inotify watch dies silently with the inode, and what is mounted over the file later cannot
 * hide the truth. */

#include <stdint.h>

#include "../../schema/base/diag.h"

struct mask;

/* The file need not be there. 0 or -ENOMEM. */
_must_check_ int mask_new(const char *root, struct mask **ret);
struct mask *mask_free(struct mask *m);

const char *mask_path(const struct mask *m);

/* 0; 1 where another file of the same kind stands at the path since the last call (a second procfs): it was
 * opened, watch it anew. Negative errno where the mask cannot be read, with the reason in d. On success d
 * says where something else covers the file; the mask is that of the held one. */
_must_check_ int mask_read(struct mask *m, uint64_t *ret, struct diag *d);

/* Which bits of the mask were reported in this boot, and which wait for their cause. Pure. A bit goes from
 * unseen to waiting to reported; a bit that clears goes back to unseen, so that it is reported again when it
 * is set again. All 64 bits alike: what a bit means is no business of this. */

#define TAINT_BITS 64u
#define TAINT_MASK(bit) (UINT64_C(1) << (bit))

struct mask_tracker {
        uint64_t reported;
        uint64_t waiting;
        uint64_t early;             /* reported before the mask showed it */
        uint64_t since[TAINT_BITS]; /* when a waiting bit was first seen, an early one reported: µs,
                                       CLOCK_MONOTONIC */
};

/* What is reported before the kernel sets the bit must show in the mask by then. */
#define MASK_EARLY_USEC UINT64_C(1000000)

struct mask_change {
        uint64_t appeared; /* not reported and not waiting before */
        uint64_t cleared;  /* reported or waiting before: an alarm */
};

/* Takes in a mask that was read at `now`. Bits that appeared wait from now on. Cleared ones are the caller's
 * to report, with mask_tracker_clear() at the end; until then they stay what they were. */
struct mask_change mask_tracker_see(struct mask_tracker *t, uint64_t mask, uint64_t now);

void mask_tracker_report(struct mask_tracker *t, unsigned bit);
/* Reported at the instant, by one who was there before the bit was set: that the mask does not show it yet
 * is no alarm. */
void mask_tracker_report_early(struct mask_tracker *t, unsigned bit, uint64_t now);
void mask_tracker_clear(struct mask_tracker *t, unsigned bit);

/* How long the bit has been waiting. */
uint64_t mask_tracker_waited(const struct mask_tracker *t, unsigned bit, uint64_t now);
/* When the first waiting bit was seen; UINT64_MAX where none waits. */
uint64_t mask_tracker_oldest(const struct mask_tracker *t);
