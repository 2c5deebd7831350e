/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <systemd/sd-daemon.h>

int loop_new(sd_event **ret)
{
        sd_event *event = NULL;
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGPIPE);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        int r = sd_event_new(&event);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        if (r >= 0)
                r = sd_event_set_watchdog(event, true);
        if (r < 0) {
                sd_event_unref(event);
                return r;
        }
        *ret = event;
        return 0;
}

int loop_run(sd_event *event, const char *status)
{
        (void)sd_notifyf(0, "READY=1%s%s", status ? "\nSTATUS=" : "", status ? status : "");
        int r = sd_event_loop(event);
        (void)sd_notify(0, "STOPPING=1");
        return r < 0 ? r : r > 0 ? -EIO : 0;
}
