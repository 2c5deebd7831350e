/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The event loop that both daemons run: SIGTERM and SIGINT end it, SIGHUP has everything read again, SIGPIPE
 * is nothing, and the service manager's watchdog is fed. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "../base/macro.h"

/* From here on these signals wait for the loop: the first thing that a daemon does. 0 or negative errno. */
_must_check_ int loop_hold_signals(void);
_must_check_ int loop_new(sd_event **ret);
/* `fn` on SIGHUP; the service manager is notified. */
typedef void (*loop_reload_t)(void *userdata);
_must_check_ int loop_on_reload(sd_event *event, loop_reload_t fn, void *userdata);

/* Notifies the service manager that the service is ready (`status` is shown; NULL for none), and runs the
 * loop to its end. 0 or negative errno; -EIO where the loop was ended with a failure. */
_must_check_ int loop_run(sd_event *event, const char *status);

/* A timer that is started when it is needed, and fires once each time. CLOCK_MONOTONIC, in microseconds.
 * It does not run yet. 0 or negative errno. */
_must_check_ int loop_timer_new(sd_event *event, uint64_t accuracy, sd_event_time_handler_t fn,
        void *userdata, sd_event_source **ret);
/* Also where it runs already: it starts anew. 0 or negative errno. */
_must_check_ int loop_timer_start(sd_event_source *timer, uint64_t usec);
bool loop_timer_runs(sd_event_source *timer);

/* A moment of the wall clock, and one of the clock that also counts while the machine sleeps. `fn` runs once
 * whichever comes first is there, and whenever the wall clock was set: then, too, the moments are to be set
 * anew. */
struct loop_alarm;

typedef void (*loop_alarm_fn)(void *userdata);

/* 0 or negative errno. */
_must_check_ int loop_alarm_new(sd_event *event, loop_alarm_fn fn, void *userdata, struct loop_alarm **ret);
struct loop_alarm *loop_alarm_free(struct loop_alarm *a);
/* In microseconds; UINT64_MAX: none. 0 or negative errno. */
_must_check_ int loop_alarm_set(struct loop_alarm *a, uint64_t wall, uint64_t boottime);

/* Work that is done when nothing else is ready, but is not put off for long by a loop that is never idle.
 * CLOCK_MONOTONIC, in microseconds. */
struct loop_deferred;

typedef void (*loop_deferred_fn)(void *userdata);

/* Of two that wait, the one with the lower `priority` is first (SD_EVENT_PRIORITY_IDLE or more). 0 or
 * negative errno. */
_must_check_ int loop_deferred_new(sd_event *event, int64_t priority, uint64_t most_usec,
        loop_deferred_fn fn, void *userdata, struct loop_deferred **ret);
struct loop_deferred *loop_deferred_free(struct loop_deferred *d);

/* Does nothing where it waits already. 0 or negative errno. */
_must_check_ int loop_deferred_start(struct loop_deferred *d);
