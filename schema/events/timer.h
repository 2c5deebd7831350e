/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A timer of the event loop that is started when it is needed, and fires once each time. CLOCK_MONOTONIC, in
 * microseconds. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "../base/macro.h"

/* It does not run yet. 0 or negative errno. */
_must_check_ int timer_new(sd_event *event, uint64_t accuracy, sd_event_time_handler_t fn, void *userdata,
        sd_event_source **ret);
/* Also where it runs already: it starts anew. 0 or negative errno. */
_must_check_ int timer_start(sd_event_source *timer, uint64_t usec);
bool timer_runs(sd_event_source *timer);
