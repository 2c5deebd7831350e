/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "../base/clock.h"

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

int loop_timer_new(sd_event *event, uint64_t accuracy, sd_event_time_handler_t fn, void *userdata,
        sd_event_source **ret)
{
        sd_event_source *timer = NULL;

        int r = sd_event_add_time(event, &timer, CLOCK_MONOTONIC, 0, accuracy, fn, userdata);
        if (r >= 0)
                r = sd_event_source_set_enabled(timer, SD_EVENT_OFF);
        if (r < 0) {
                sd_event_source_disable_unref(timer);
                return r;
        }
        *ret = timer;
        return 0;
}

int loop_timer_start(sd_event_source *timer, uint64_t usec)
{
        int r = sd_event_source_set_time_relative(timer, usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
        return r < 0 ? r : 0;
}

bool loop_timer_runs(sd_event_source *timer)
{
        return sd_event_source_get_enabled(timer, NULL) > 0;
}

/* Before what comes in from outside. */
#define URGENT (SD_EVENT_PRIORITY_NORMAL - 10)

struct loop_deferred {
        sd_event_source *source;
        int64_t priority;
        uint64_t most_usec, until;
        loop_deferred_fn fn;
        void *userdata;
};

static int on_turn(_unused_ sd_event_source *source, void *userdata)
{
        const struct loop_deferred *d = userdata;

        d->fn(d->userdata);
        return 0;
}

/* Once a turn of the loop, as long as it waits. */
static int on_prepare(sd_event_source *source, void *userdata)
{
        const struct loop_deferred *d = userdata;

        return clock_usec() >= d->until ? sd_event_source_set_priority(source, URGENT) : 0;
}

int loop_deferred_new(sd_event *event, int64_t priority, uint64_t most_usec, loop_deferred_fn fn,
        void *userdata, struct loop_deferred **ret)
{
        struct loop_deferred *d = malloc(sizeof(*d));
        if (!d)
                return -ENOMEM;
        *d = (struct loop_deferred){
                .priority = priority, .most_usec = most_usec, .fn = fn, .userdata = userdata
        };
        int r = sd_event_add_defer(event, &d->source, on_turn, d);
        if (r >= 0)
                r = sd_event_source_set_enabled(d->source, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_prepare(d->source, on_prepare);
        if (r < 0) {
                (void)loop_deferred_free(d);
                return r;
        }
        *ret = d;
        return 0;
}

struct loop_deferred *loop_deferred_free(struct loop_deferred *d)
{
        if (!d)
                return NULL;
        sd_event_source_disable_unref(d->source);
        free(d);
        return NULL;
}

int loop_deferred_start(struct loop_deferred *d)
{
        if (sd_event_source_get_enabled(d->source, NULL) > 0)
                return 0;
        d->until = clock_usec() + d->most_usec;
        int r = sd_event_source_set_priority(d->source, d->priority);
        return r < 0 ? r : sd_event_source_set_enabled(d->source, SD_EVENT_ONESHOT);
}

/* Ends are whole seconds. */
#define ACCURACY_USEC 10000u

struct loop_alarm {
        sd_event_source *wall, *boottime, *jumps;
        loop_alarm_fn fn;
        void *userdata;
};

/* A timer that never comes is cancelled when the wall clock is set, which is seen in no other way. */
static int wait_for_jump(int fd)
{
        const struct itimerspec never = {
                .it_value.tv_sec = sizeof(time_t) == 8 ? (time_t)(INT64_MAX / 2000000000) : INT32_MAX
        };

        return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 ? -errno
                                                                                                  : 0;
}

static int on_jump(_unused_ sd_event_source *source, int fd, _unused_ uint32_t events, void *userdata)
{
        const struct loop_alarm *a = userdata;
        uint64_t expirations;

        (void)!read(fd, &expirations, sizeof(expirations));
        int r = wait_for_jump(fd);
        a->fn(a->userdata);
        return r;
}

static int on_time(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        const struct loop_alarm *a = userdata;

        a->fn(a->userdata);
        return 0;
}

static int add_jumps(sd_event *event, struct loop_alarm *a)
{
        int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        int r = fd < 0 ? -errno : wait_for_jump(fd);

        if (r >= 0)
                r = sd_event_add_io(event, &a->jumps, fd, EPOLLIN, on_jump, a);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(a->jumps, 1);
        else if (fd >= 0)
                (void)close(fd);
        return r;
}

int loop_alarm_new(sd_event *event, loop_alarm_fn fn, void *userdata, struct loop_alarm **ret)
{
        struct loop_alarm *a = calloc(1, sizeof(*a));

        if (!a)
                return -ENOMEM;
        a->fn = fn;
        a->userdata = userdata;
        int r = sd_event_add_time(event, &a->wall, CLOCK_REALTIME, UINT64_MAX, ACCURACY_USEC, on_time, a);
        if (r >= 0)
                r = sd_event_add_time(
                        event, &a->boottime, CLOCK_BOOTTIME, UINT64_MAX, ACCURACY_USEC, on_time, a);
        if (r >= 0)
                r = add_jumps(event, a);
        if (r < 0) {
                (void)loop_alarm_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

struct loop_alarm *loop_alarm_free(struct loop_alarm *a)
{
        if (!a)
                return NULL;
        sd_event_source_disable_unref(a->wall);
        sd_event_source_disable_unref(a->boottime);
        sd_event_source_disable_unref(a->jumps);
        free(a);
        return NULL;
}

static int set_moment(sd_event_source *source, uint64_t usec)
{
        int r = sd_event_source_set_time(source, usec);

        return r < 0 ? r
                     : sd_event_source_set_enabled(
                               source, usec == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

int loop_alarm_set(struct loop_alarm *a, uint64_t wall, uint64_t boottime)
{
        int r = set_moment(a->wall, wall);

        if (r >= 0)
                r = set_moment(a->boottime, boottime);
        return r < 0 ? r : 0;
}
