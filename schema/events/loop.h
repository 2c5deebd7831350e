/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The event loop that both daemons run: SIGTERM and SIGINT end it, SIGHUP has everything read again, SIGPIPE
 * is nothing, and the service manager's watchdog is fed. */

#include <systemd/sd-event.h>

#include "../base/macro.h"

/* From here on these signals wait for the loop: the first thing that a daemon does. 0 or negative errno. */
_must_check_ int loop_hold_signals(void);
_must_check_ int loop_new(sd_event **ret);
/* `fn` on SIGHUP; the service manager is told of it. */
typedef void (*loop_reload_t)(void *userdata);
_must_check_ int loop_on_reload(sd_event *event, loop_reload_t fn, void *userdata);

/* Tells the service manager that the service is ready (`status` is shown; NULL for none), and runs the loop
 * to its end. 0 or negative errno; -EIO where the loop was ended with a failure. */
_must_check_ int loop_run(sd_event *event, const char *status);
