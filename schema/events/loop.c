/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

struct reload {
        loop_reload_t fn;
        void *userdata;
};

int loop_hold_signals(void)
{
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGHUP);
        (void)sigaddset(&set, SIGPIPE);
        return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

static int on_hangup(sd_event_source *s, _unused_ const struct signalfd_siginfo *si, void *userdata)
{
        const struct reload *reload = userdata;
        uint64_t now = 0;

        (void)sd_event_now(sd_event_source_get_event(s), CLOCK_MONOTONIC, &now);
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now);
        reload->fn(reload->userdata);
        (void)sd_notify(0, "READY=1");
        return 0;
}

int loop_on_reload(sd_event *event, loop_reload_t fn, void *userdata)
{
        sd_event_source *source = NULL;
        struct reload *reload = malloc(sizeof(*reload));

        if (!reload)
                return -ENOMEM;
        *reload = (struct reload){ .fn = fn, .userdata = userdata };
        int r = sd_event_add_signal(event, &source, SIGHUP, on_hangup, reload);
        if (r < 0) {
                free(reload);
                return r;
        }
        (void)sd_event_source_set_destroy_callback(source, free);
        r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return r < 0 ? r : 0;
}

int loop_new(sd_event **ret)
{
        sd_event *event = NULL;

        int r = loop_hold_signals();
        if (r >= 0)
                r = sd_event_new(&event);
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
