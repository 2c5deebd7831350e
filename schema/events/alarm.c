/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

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
