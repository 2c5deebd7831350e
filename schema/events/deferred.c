/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deferred.h"

#include <errno.h>

#include "../base/clock.h"

/* Before what comes in from outside. */
#define URGENT (SD_EVENT_PRIORITY_NORMAL - 10)

struct deferred {
        sd_event_source *source;
        int64_t priority;
        uint64_t most_usec, until;
        deferred_fn fn;
        void *userdata;
};

static int on_turn(_unused_ sd_event_source *source, void *userdata)
{
        const struct deferred *d = userdata;

        d->fn(d->userdata);
        return 0;
}

/* Once a turn of the loop, as long as it waits. */
static int on_prepare(sd_event_source *source, void *userdata)
{
        const struct deferred *d = userdata;

        return clock_usec() >= d->until ? sd_event_source_set_priority(source, URGENT) : 0;
}

int deferred_new(sd_event *event, int64_t priority, uint64_t most_usec, deferred_fn fn, void *userdata,
        struct deferred **ret)
{
        struct deferred *d = malloc(sizeof(*d));
        if (!d)
                return -ENOMEM;
        *d = (struct deferred){
                .priority = priority, .most_usec = most_usec, .fn = fn, .userdata = userdata
        };
        int r = sd_event_add_defer(event, &d->source, on_turn, d);
        if (r >= 0)
                r = sd_event_source_set_enabled(d->source, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_prepare(d->source, on_prepare);
        if (r < 0) {
                (void)deferred_free(d);
                return r;
        }
        *ret = d;
        return 0;
}

struct deferred *deferred_free(struct deferred *d)
{
        if (!d)
                return NULL;
        sd_event_source_disable_unref(d->source);
        free(d);
        return NULL;
}

int deferred_start(struct deferred *d)
{
        if (sd_event_source_get_enabled(d->source, NULL) > 0)
                return 0;
        d->until = clock_usec() + d->most_usec;
        int r = sd_event_source_set_priority(d->source, d->priority);
        return r < 0 ? r : sd_event_source_set_enabled(d->source, SD_EVENT_ONESHOT);
}
