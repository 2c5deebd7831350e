/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/taint/taint.h"
#include "metrics-text.h"

#define TAINT_SET "peios_kernel_taint_set"
#define TAINT_ACCEPTED "peios_kernel_taint_accepted"
#define TAINT_TIME "peios_kernel_taint_first_set_time_seconds"
#define BITS 64u

struct bit_text {
        char number[4];
        char name[TAINT_NAME_MAX];
};

static void describe(unsigned bit, struct bit_text *ret)
{
        (void)snprintf(ret->number, sizeof(ret->number), "%u", bit % BITS);
        (void)taint_name(taint_flag_by_bit(bit), bit, ret->name);
}

static const struct taint_event *first_event(const struct metrics_state *s, unsigned bit)
{
        for (size_t i = 0; i < s->n_events; i++)
                if (s->events[i].bit == bit && !s->events[i].cleared)
                        return &s->events[i];
        return NULL;
}

static bool is_set(const struct metrics_state *s, unsigned bit)
{
        return s->monitor.tainted >> bit & 1;
}

static void add_bits(const struct metrics_state *s, struct buf *out)
{
        metrics_add_family(out, TAINT_SET, "gauge",
                "Whether the kernel has this taint; module: what set the bit first in this boot.");
        for (unsigned bit = 0; bit < BITS; bit++) {
                const struct taint_event *e = is_set(s, bit) ? first_event(s, bit) : NULL;
                struct bit_text text;
                if (!is_set(s, bit) && !taint_flag_by_bit(bit))
                        continue;
                describe(bit, &text);
                const struct metrics_label labels[] = { { "bit", text.number }, { "flag", text.name },
                        { "module", e ? e->module : NULL } };
                metrics_add_sample(out, TAINT_SET, labels, ARRAY_SIZE(labels), is_set(s, bit));
        }
}

static void add_accepted(const struct metrics_state *s, struct buf *out)
{
        if (s->monitor.tainted == 0)
                return;
        metrics_add_family(out, TAINT_ACCEPTED, "gauge",
                "Whether the set bit is no alarm: everything that set it in this boot is accepted.");
        for (unsigned bit = 0; bit < BITS; bit++) {
                struct bit_text text;
                if (!is_set(s, bit))
                        continue;
                describe(bit, &text);
                const struct metrics_label labels[] = { { "bit", text.number }, { "flag", text.name } };
                metrics_add_sample(out, TAINT_ACCEPTED, labels, ARRAY_SIZE(labels), s->accepted >> bit & 1);
        }
}

static void add_times(const struct metrics_state *s, struct buf *out)
{
        bool begun = false;

        for (unsigned bit = 0; bit < BITS; bit++) {
                const struct taint_event *e = is_set(s, bit) ? first_event(s, bit) : NULL;
                struct bit_text text;
                if (!e || e->time_usec == 0)
                        continue;
                if (!begun)
                        metrics_add_family(out, TAINT_TIME, "gauge",
                                "When the bit was set first in this boot, where that is known.");
                begun = true;
                describe(bit, &text);
                const struct metrics_label labels[] = { { "bit", text.number }, { "flag", text.name } };
                metrics_add_series(out, TAINT_TIME, labels, ARRAY_SIZE(labels));
                metrics_put_seconds(out, e->time_usec);
                buf_putc(out, '\n');
        }
}

static void add_taint(const struct metrics_state *s, struct buf *out)
{
        metrics_add_number(out, "peios_kernel_taint_readable", "gauge",
                "Whether the kernel's taint mask can be read; without it no bit is shown.",
                s->monitor.readable);
        if (!s->monitor.readable)
                return;
        add_bits(s, out);
        add_accepted(s, out);
        add_times(s, out);
}

/* One sample a choice, 1 for the one that is in force. */
static void add_choice(
        struct buf *out, const char *name, const char *help, const struct metrics_choice *choice)
{
        if (!choice->sv || choice->sv->n_choices == 0)
                return;
        metrics_add_family(out, name, "gauge", help);
        for (size_t i = 0; i < choice->sv->n_choices; i++) {
                const char *value = choice->sv->choices[i].value;
                const struct metrics_label label = { "value", value };
                metrics_add_sample(out, name, &label, 1, choice->text && strcmp(choice->text, value) == 0);
        }
}

static void add_backend(struct buf *out, const char *backend)
{
        static const char *const all[] = { "bpf", "hints" };
        static const char name[] = "peios_taint_monitor_backend";

        metrics_add_family(out, name, "gauge", "How taint transitions are seen: 1 for what is in use.");
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                const struct metrics_label label = { "value", all[i] };
                metrics_add_sample(out, name, &label, 1, strcmp(backend, all[i]) == 0);
        }
}

static void add_live(struct buf *out, const struct metrics_state *s)
{
        static const char name[] = "peios_policy_live";

        metrics_add_family(out, name, "gauge", "Whether the setting's control holds what is in force.");
        for (size_t i = 0; i < s->n_settings; i++) {
                if (!s->settings[i].applies)
                        continue;
                const struct metrics_label labels[] = { { "setting", s->settings[i].path },
                        { "control", s->settings[i].control } };
                metrics_add_sample(out, name, labels, ARRAY_SIZE(labels), s->settings[i].live);
        }
}

static void add_pending(struct buf *out, const struct metrics_state *s)
{
        static const char name[] = "peios_policy_pending";

        metrics_add_family(out, name, "gauge",
                "Whether another value is accepted and waits for a restart or a reboot.");
        for (size_t i = 0; i < s->n_settings; i++) {
                const struct metrics_label label = { "setting", s->settings[i].path };
                metrics_add_sample(out, name, &label, 1, s->settings[i].pending);
        }
}

static void add_counters(struct buf *out, const struct metrics_state *s)
{
        static const struct {
                const char *name, *help;
                size_t offset;
        } counters[] = {
                { "peios_policy_changes_total", "Changes that came into force.",
                        offsetof(struct metrics_setting, changes) },
                { "peios_policy_no_op_writes_total", "Writes of the value that was in force already.",
                        offsetof(struct metrics_setting, no_ops) },
                { "peios_policy_refusals_total", "Written values that were refused.",
                        offsetof(struct metrics_setting, refusals) },
                { "peios_policy_drifts_total", "Foreign values that were found in the control.",
                        offsetof(struct metrics_setting, drifts) },
        };

        for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
                metrics_add_family(out, counters[i].name, "counter", counters[i].help);
                for (size_t k = 0; k < s->n_settings; k++) {
                        const struct metrics_setting *setting = &s->settings[k];
                        const struct metrics_label label = { "setting", setting->path };
                        uint64_t value;
                        memcpy(&value, (const char *)setting + counters[i].offset, sizeof(value));
                        metrics_add_sample(out, counters[i].name, &label, 1, value);
                }
        }
}

static void add_numbers(struct buf *out, const struct metrics_state *s)
{
        const struct {
                const char *name, *type, *help;
                uint64_t value;
        } numbers[] = {
                { "peios_audit_records_sent_total", "counter", "Audit records handed over to the kernel.",
                        s->audit.sent },
                { "peios_audit_records_lost_total", "counter",
                        "Audit records that were given up; the journal has them.", s->audit.lost },
                { "peios_audit_records_kept", "gauge", "Audit records that wait for another try.",
                        s->audit.kept },
                { "peios_taint_monitor_misses_total", "counter", "How often something may have been missed.",
                        s->monitor.misses },
                { "peios_taint_monitor_drops_total", "counter", "Reports that found their queue full.",
                        s->monitor.drops },
        };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                metrics_add_number(out, numbers[i].name, numbers[i].type, numbers[i].help, numbers[i].value);
}

int metrics_text(const struct metrics_state *s, struct buf *out)
{
        const struct metrics_label version = { "version", s->version };

        metrics_add_family(
                out, "peios_audit_policyd_info", "gauge", "The version of the service; always 1.");
        metrics_add_sample(out, "peios_audit_policyd_info", &version, 1, 1);
        add_taint(s, out);
        add_choice(out, "peios_taint_events_policy",
                "The policy on kernel taint events: 1 for what is in force.", &s->policy);
        add_live(out, s);
        add_pending(out, s);
        add_counters(out, s);
        add_numbers(out, s);
        add_backend(out, s->monitor.backend ? s->monitor.backend : "");
        add_choice(out, "peios_taint_capture", "How much is captured of a taint: 1 for what is in force.",
                &s->capture);
        if (s->registry)
                metrics_add_registry(out, s->registry);
        return out->error;
}

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
