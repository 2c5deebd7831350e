/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* This boot's events, oldest first, at most MONITOR_EVENTS_MAX: the oldest go. No I/O. */

#include "monitor.h"

/* Beyond this a stack or the properties of an event are cut (at a line) before they are kept. */
#define HISTORY_STACK_MAX 4096u
#define HISTORY_PROPERTIES_MAX 8192u

/* What the state must know of an event besides the event. */
struct history_mark {
        bool telling;    /* begun to tell, and not known to be done */
        uint64_t before; /* then the number of the last record that was given out when it began */
};

struct history {
        struct taint_event *events;
        struct history_mark *marks;
        size_t n, size;
};

void history_done(struct history *h);

/* Takes a copy. *ret is its index, which holds until the next one is added. 0 or -ENOMEM, and then nothing
 * changed. */
_must_check_ int history_add(
        struct history *h, const struct taint_event *e, struct history_mark mark, size_t *ret);
