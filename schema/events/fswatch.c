/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fswatch.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>

#include "../base/log.h"

/* Directories that come and go while they are looked for; then the parent's watch has to do. */
#define ARM_TRIES 64

#define DIRECTORY_MASK                                                                                      \
        (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB |     \
                IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* Reading the file ourselves raises OPEN, ACCESS and CLOSE_NOWRITE: those are not asked for. */
#define CONTROL_MASK (IN_MODIFY | IN_CLOSE_WRITE)

struct fswatch {
        sd_event *event;
        enum fswatch_kind kind;
        char *path;
        fswatch_fn fn;
        void *userdata;
        sd_event_source *inotify;
        sd_event_source *timer;
        uint64_t first; /* of the burst, µs; 0 = none */
};

struct fswatch *fswatch_free(struct fswatch *w)
{
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->inotify);
        sd_event_source_disable_unref(w->timer);
        sd_event_unref(w->event);
        free(w->path);
        free(w);
        return NULL;
}

static int on_inotify(sd_event_source *s, const struct inotify_event *e, void *userdata);

/* Watches the directory, or the nearest parent that there is. Between a failed try and the watch on the
 * parent the directory may have come: so it is tried again behind it. */
static int arm(struct fswatch *w)
{
        _cleanup_free_ char *path = strdup(w->path);
        if (!path)
                return -ENOMEM;
        w->inotify = sd_event_source_disable_unref(w->inotify);
        for (int tries = 0;; tries++) {
                sd_event_source *source = NULL;
                int r = sd_event_add_inotify(w->event, &source, path,
                        w->kind == FSWATCH_CONTROL ? CONTROL_MASK : DIRECTORY_MASK, on_inotify, w);
                if (r >= 0) {
                        sd_event_source_disable_unref(w->inotify);
                        w->inotify = source;
                        size_t len = strlen(path);
                        if (strcmp(path, w->path) == 0 || tries >= ARM_TRIES || access(w->path, F_OK) < 0)
                                return 0;
                        /* One component further down, or all the way. */
                        const char *next = strchr(w->path + len + 1, '/');
                        size_t end = next ? (size_t)(next - w->path) : strlen(w->path);
                        *(char *)mempcpy(path, w->path, end) = '\0';
                        continue;
                }
                if (w->kind == FSWATCH_CONTROL || (r != -ENOENT && r != -ENOTDIR))
                        return r;
                char *slash = strrchr(path, '/');
                if (!slash || slash == path)
                        return r;
                *slash = '\0';
        }
}

static int on_timer(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct fswatch *w = userdata;

        w->first = 0;
        int r = arm(w);
        if (r < 0)
                log_warning("%s cannot be watched: %s; ignoring", w->path, strerror(-r));
        w->fn(w->userdata);
        return 0;
}

static int start_timer(struct fswatch *w)
{
        uint64_t now;

        int r = sd_event_now(w->event, CLOCK_MONOTONIC, &now);
        if (r < 0)
                return r;
        if (w->first == 0)
                w->first = now;
        uint64_t at = now + FSWATCH_QUIET_USEC;
        if (at > w->first + FSWATCH_LONGEST_USEC)
                at = w->first + FSWATCH_LONGEST_USEC;
        if (!w->timer)
                return sd_event_add_time(w->event, &w->timer, CLOCK_MONOTONIC, at, 1000, on_timer, w);
        r = sd_event_source_set_time(w->timer, at);
        return r < 0 ? r : sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static int on_inotify(_unused_ sd_event_source *s, const struct inotify_event *e, void *userdata)
{
        struct fswatch *w = userdata;

        if (w->kind == FSWATCH_CONTROL) {
                if (!(e->mask & IN_IGNORED))
                        w->fn(w->userdata);
                return 0;
        }
        int r = start_timer(w);
        if (r < 0)
                log_warning("%s: cannot set a timer: %s; ignoring", w->path, strerror(-r));
        return 0;
}

int fswatch_new(sd_event *event, enum fswatch_kind kind, const char *path, fswatch_fn fn, void *userdata,
        struct fswatch **ret)
{
        struct fswatch *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        *w = (struct fswatch){ .event = sd_event_ref(event),
                .kind = kind,
                .path = strdup(path),
                .fn = fn,
                .userdata = userdata };
        int r = w->path ? arm(w) : -ENOMEM;
        if (r < 0) {
                (void)fswatch_free(w);
                return r;
        }
        *ret = w;
        return 0;
}
