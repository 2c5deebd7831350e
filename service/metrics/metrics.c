/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "metrics-file.h"

#define INTERVAL_USEC UINT64_C(1000000)
#define NOT_WRITTEN 1 /* for a problem */

struct metrics {
        struct metrics_config config;
        char *path;         /* below the root; NULL: none */
        struct buf written; /* what the file holds; empty: nothing was written to this path */
        int problem;        /* of the last try: 0, NOT_WRITTEN or negative errno; told of when it changes */
        sd_event_source *timer;
        uint64_t last; /* of the last try, CLOCK_MONOTONIC, µs */
        bool pending;
        bool missing; /* somebody removed the file */
};

static void tell(struct metrics *m, int problem)
{
        if (problem == m->problem)
                return;
        bool first = m->problem == NOT_WRITTEN;
        m->problem = problem;
        m->config.written(m->config.userdata);
        if (problem < 0)
                log_error("%s: the metrics cannot be written: %s; tried again at the next change", m->path,
                        metrics_file_explain(problem));
        else if (!first)
                log_info("%s: the metrics are written again", m->path);
}

const char *metrics_error(const struct metrics *m)
{
        if (!m->path || m->problem == 0)
                return NULL;
        return m->problem == NOT_WRITTEN ? "not written yet" : metrics_file_explain(m->problem);
}

static void write_now(struct metrics *m)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        m->pending = false;
        if (!m->path)
                return;
        int r = m->config.collect(&text, m->config.userdata);
        if (r == 0 && m->problem == 0 && !m->missing && m->written.len == text.len &&
                memcmp(buf_str(&m->written), buf_str(&text), text.len) == 0)
                return;
        if (r == 0)
                r = metrics_file_write(m->path, buf_str(&text), text.len);
        if (r == 0) {
                buf_done(&m->written);
                m->written = text;
                text = BUF_INIT;
                m->missing = false;
        }
        tell(m, r);
}

static int on_timer(_unused_ sd_event_source *s, uint64_t usec, void *userdata)
{
        struct metrics *m = userdata;

        m->last = usec;
        write_now(m);
        return 0;
}

void metrics_changed(struct metrics *m)
{
        uint64_t now;

        if (!m || !m->path || m->pending)
                return;
        int r = sd_event_now(m->config.event, CLOCK_MONOTONIC, &now);
        if (r >= 0)
                r = sd_event_source_set_time(
                        m->timer, m->last + INTERVAL_USEC > now ? m->last + INTERVAL_USEC : now);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
        m->pending = r >= 0;
        if (r < 0)
                log_warning("cannot set a timer for the metrics: %s; ignoring", strerror(-r));
}

static void leave(struct metrics *m)
{
        int r = m->path ? metrics_file_remove(m->path) : 0;
        if (r < 0)
                log_warning("%s: cannot be removed: %s; ignoring", m->path, metrics_file_explain(r));
        free(m->path);
        m->path = NULL;
        buf_done(&m->written);
        m->problem = 0;
}

void metrics_set_path(struct metrics *m, const char *path)
{
        leave(m);
        if (!path || path[0] == '\0')
                return;
        m->path = file_path(m->config.root, path);
        if (!m->path) {
                log_error("%s: out of memory; the metrics are not written", path);
                return;
        }
        m->problem = NOT_WRITTEN;
        metrics_changed(m);
        m->config.written(m->config.userdata);
}

void metrics_recheck(struct metrics *m)
{
        if (!m->path)
                return;
        m->missing = access(m->path, F_OK) < 0;
        if (m->missing || m->problem < 0)
                metrics_changed(m);
}

int metrics_new(const struct metrics_config *config, struct metrics **ret)
{
        struct metrics *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->config = *config;
        int r = sd_event_add_time(config->event, &m->timer, CLOCK_MONOTONIC, 0, 0, on_timer, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
        /* After all that changes in one turn. */
        if (r >= 0)
                r = sd_event_source_set_priority(m->timer, SD_EVENT_PRIORITY_IDLE);
        if (r < 0) {
                (void)metrics_free(m);
                return r;
        }
        *ret = m;
        return 0;
}

struct metrics *metrics_free(struct metrics *m)
{
        if (!m)
                return NULL;
        if (m->pending)
                write_now(m);
        sd_event_source_disable_unref(m->timer);
        buf_done(&m->written);
        free(m->path);
        free(m);
        return NULL;
}
