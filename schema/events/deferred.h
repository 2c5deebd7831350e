/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Work that is done when nothing else is ready, but is not put off for long by a loop that is never idle.
 * CLOCK_MONOTONIC, in microseconds. */

#include <systemd/sd-event.h>

#include "../base/macro.h"

struct deferred;

typedef void (*deferred_fn)(void *userdata);

/* Of two that wait, the one with the lower `priority` is first (SD_EVENT_PRIORITY_IDLE or more). 0 or
 * negative errno. */
_must_check_ int deferred_new(sd_event *event, int64_t priority, uint64_t most_usec, deferred_fn fn,
        void *userdata, struct deferred **ret);
struct deferred *deferred_free(struct deferred *d);

/* Does nothing where it waits already. 0 or negative errno. */
_must_check_ int deferred_start(struct deferred *d);
