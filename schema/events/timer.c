/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timer.h"

int timer_new(sd_event *event, uint64_t accuracy, sd_event_time_handler_t fn, void *userdata,
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

int timer_start(sd_event_source *timer, uint64_t usec)
{
        int r = sd_event_source_set_time_relative(timer, usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
        return r < 0 ? r : 0;
}

bool timer_runs(sd_event_source *timer)
{
        return sd_event_source_get_enabled(timer, NULL) > 0;
}
