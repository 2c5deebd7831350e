/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fswatch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "../base/log.h"
#include "hops.h"

/* Reading the file ourselves raises OPEN, ACCESS and CLOSE_NOWRITE: those are not asked for. */
#define CONTROL_MASK (IN_MODIFY | IN_CLOSE_WRITE)

struct fswatch {
        sd_event *event;
        char *path;
        fswatch_fn fn;
        void *userdata;
        sd_event_source *control;
        struct folders folders;
        sd_event_source *timer;
        uint64_t first; /* of the burst, µs; 0 = none */
};

struct fswatch *fswatch_free(struct fswatch *w)
{
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->control);
        folders_done(&w->folders);
        sd_event_source_disable_unref(w->timer);
        sd_event_unref(w->event);
        free(w->path);
        free(w);
        return NULL;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata);

static int start_timer(struct fswatch *w, uint64_t quiet)
{
        uint64_t now;

        int r = sd_event_now(w->event, CLOCK_MONOTONIC, &now);
        if (r < 0)
                return r;
        if (w->first == 0)
                w->first = now;
        uint64_t at = now + quiet;
        if (at > w->first + FSWATCH_LONGEST_USEC)
                at = w->first + FSWATCH_LONGEST_USEC;
        if (!w->timer)
                return sd_event_add_time(w->event, &w->timer, CLOCK_MONOTONIC, at, 1000, on_timer, w);
        r = sd_event_source_set_time(w->timer, at);
        return r < 0 ? r : sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

/* The look comes before the reading: what changes while that is done counts once more. */
static int on_timer(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct fswatch *w = userdata;

        w->first = 0;
        int r = hops_follow(&w->folders, w->path);
        if (r < 0) {
                log_warning("%s cannot be watched: %s; trying again", w->path, strerror(-r));
                r = start_timer(w, FSWATCH_LONGEST_USEC);
        }
        if (r < 0)
                log_warning("%s: cannot set a timer: %s; ignoring", w->path, strerror(-r));
        w->fn(w->userdata);
        return 0;
}

static void on_changed(void *userdata)
{
        struct fswatch *w = userdata;

        int r = start_timer(w, FSWATCH_QUIET_USEC);
        if (r < 0)
                log_warning("%s: cannot set a timer: %s; ignoring", w->path, strerror(-r));
}

static int on_control(_unused_ sd_event_source *s, const struct inotify_event *e, void *userdata)
{
        struct fswatch *w = userdata;

        if (!(e->mask & IN_IGNORED))
                w->fn(w->userdata);
        return 0;
}

int fswatch_new(sd_event *event, enum fswatch_kind kind, const char *path, fswatch_fn fn, void *userdata,
        struct fswatch **ret)
{
        struct fswatch *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        *w = (struct fswatch){ .event = sd_event_ref(event),
                .path = strdup(path),
                .fn = fn,
                .userdata = userdata,
                .folders = { .event = event, .changed = on_changed, .userdata = w } };
        int r = !w->path ? -ENOMEM
                : kind == FSWATCH_CONTROL
                        ? sd_event_add_inotify(event, &w->control, path, CONTROL_MASK, on_control, w)
                        : hops_follow(&w->folders, path);
        if (r < 0) {
                (void)fswatch_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

const char *fswatch_problem(const struct fswatch *w)
{
        return w->folders.problem.text;
}
