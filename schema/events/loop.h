/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The event loop that both daemons run: SIGTERM and SIGINT end it, SIGPIPE is nothing, and the service
 * manager's watchdog is fed. */

#include <systemd/sd-event.h>

#include "../base/macro.h"

_must_check_ int loop_new(sd_event **ret);

/* Tells the service manager that the service is ready (`status` is shown; NULL for none), and runs the loop
 * to its end. 0 or negative errno; -EIO where the loop was ended with a failure. */
_must_check_ int loop_run(sd_event *event, const char *status);
