/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"

/* ---- The file ---- */

/* The collector leaves alone what does not end in .prom. */
#define TEMPORARY_FORMAT ".%s.tmp"

/* Not synced: a file from before a power cut is out of date, and the service writes it anew when it starts.
 */
static int write_temporary(int dir, const char *temporary, const void *data, size_t n)
{
        _cleanup_close_ int fd =
                openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        if (fchmod(fd, 0644) < 0)
                return -errno;
        int r = file_write_all(fd, METRICS_MARK, strlen(METRICS_MARK));
        return r < 0 ? r : file_write_all(fd, data, n);
}

/* 1: ours; 0: there is none, or it is empty; -EEXIST: another's. */
static int find_own(int dir, const char *name)
{
        char text[sizeof(METRICS_MARK) - 1];

        _cleanup_close_ int fd = file_open(dir, name, O_RDONLY | O_NOFOLLOW, 0, NULL, NULL);
        if (fd == -ENOENT)
                return 0;
        if (fd == -ELOOP || fd == -EINVAL || fd == -EISDIR || fd == -ENXIO)
                return -EEXIST;
        if (fd < 0)
                return fd;
        ssize_t n = pread(fd, text, sizeof(text), 0);
        if (n <= 0)
                return n < 0 ? -errno : 0;
        return n == sizeof(text) && memcmp(text, METRICS_MARK, sizeof(text)) == 0 ? 1 : -EEXIST;
}

static int write_in(int dir, const char *name, const void *data, size_t n)
{
        char temporary[NAME_MAX + 1];

        (void)snprintf(temporary, sizeof(temporary), TEMPORARY_FORMAT, name);
        /* Left behind by one that was killed. */
        (void)unlinkat(dir, temporary, 0);
        int r = write_temporary(dir, temporary, data, n);
        /* As late as it can be: another collector may have begun to write there. */
        if (r == 0)
                r = find_own(dir, name);
        if (r >= 0)
                r = renameat(dir, temporary, dir, name) < 0 ? -errno : 0;
        if (r < 0)
                (void)unlinkat(dir, temporary, 0);
        return r;
}

static int open_folder(const char *path, const char **ret_name)
{
        const char *name = strrchr(path, '/');
        _cleanup_free_ char *folder = strndup(path, name > path ? (size_t)(name - path) : 1);

        if (!folder)
                return -ENOMEM;
        *ret_name = name + 1;
        int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return dir < 0 ? -errno : dir;
}

/* By one descriptor from beginning to end: who may replace the directory gets no file of ours elsewhere. */
int metrics_file_write(const char *path, const void *data, size_t n)
{
        const char *name;

        _cleanup_close_ int dir = open_folder(path, &name);
        return dir < 0 ? dir : write_in(dir, name, data, n);
}

int metrics_file_remove(const char *path)
{
        const char *name;

        _cleanup_close_ int dir = open_folder(path, &name);
        int r = dir < 0 ? dir : find_own(dir, name);
        if (r == -ENOENT || r == -EEXIST)
                return 0;
        return r > 0 && unlinkat(dir, name, 0) < 0 ? -errno : r < 0 ? r : 0;
}

const char *metrics_file_explain(int error)
{
        if (error == -EEXIST)
                return "the file is not this service's, expected no file, an empty one or one that it wrote";
        return strerror(-error);
}

/* ---- When it is written ---- */

#define INTERVAL_USEC UINT64_C(1000000)
#define NOT_WRITTEN 1 /* for a problem */

struct metrics {
        struct metrics_config config;
        char *path;         /* below the root; NULL: none */
        struct buf written; /* what the file holds; empty: nothing was written to this path */
        int problem;        /* of the last try: 0, NOT_WRITTEN or negative errno; reported when it changes */
        sd_event_source *timer;
        uint64_t last; /* of the last try, CLOCK_MONOTONIC, µs */
        bool pending;
        bool missing; /* somebody removed the file */
};

static void report(struct metrics *m, int problem)
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
        if (r == 0 && m->problem == 0 && !m->missing && buf_equal(&m->written, &text))
                return;
        if (r == 0)
                r = metrics_file_write(m->path, buf_str(&text), text.len);
        if (r == 0) {
                buf_done(&m->written);
                m->written = text;
                text = BUF_INIT;
                m->missing = false;
        }
        report(m, r);
}

static int on_timer(_unused_ sd_event_source *s, uint64_t usec, void *userdata)
{
        struct metrics *m = userdata;

        m->last = usec;
        write_now(m);
        return 0;
}

bool metrics_wanted(const struct metrics *m)
{
        return m->path != NULL;
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
