/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "world.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/clock.h"
#include "../../../schema/base/file.h"
#include "textf.h"

#define TAINTED "/proc/sys/kernel/tainted"

void world_new(struct world *w)
{
        fake_bpf_absent = false;
        fake_bpf_status = (struct bpf_source_status){ .hooks = "fake/add_taint" };
        fake_bpf_kept = NULL;
        *w = (struct world){ .log = -1 };
        scratch_new(&w->root);
        scratch_puts(&w->root, "/proc/sys/kernel/random/boot_id", WORLD_BOOT "\n");
        scratch_puts(&w->root, TAINTED, "0\n");
        scratch_puts(&w->root, "/proc/modules", "");
        ck_assert_int_eq(file_make_dirs(scratch_path(&w->root, "/sys/module")), 0);
        ck_assert_int_eq(file_make_dirs(scratch_path(&w->root, "/dev")), 0);
        ck_assert_int_eq(mkfifo(scratch_path(&w->root, "/dev/kmsg"), 0600), 0);
        w->log = open(scratch_path(&w->root, "/dev/kmsg"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        ck_assert_int_ge(w->log, 0);
        ck_assert_int_ge(sd_event_new(&w->event), 0);
}

void world_forget_reported(struct world *w)
{
        for (size_t i = 0; i < w->n_reported; i++)
                taint_event_done(&w->reported[i]);
        w->n_reported = 0;
}

void world_done(struct world *w)
{
        world_stop(w);
        world_forget_reported(w);
        sd_event_unref(w->event);
        closep(&w->log);
        scratch_done(&w->root);
}

static void on_transition(struct taint_event *e, void *userdata)
{
        struct world *w = userdata;

        e->seqno = ++w->seqno;
        ck_assert_uint_lt(w->n_reported, WORLD_TOLD_MAX);
        ck_assert_int_eq(taint_event_copy(e, &w->reported[w->n_reported++]), 0);
        /* Whoever asks from in here is not led astray. */
        monitor_check(w->monitor);
}

static void on_reported(_unused_ const struct taint_event *e, _unused_ void *userdata)
{
}

static void on_blind(const char *text, void *userdata)
{
        struct world *w = userdata;

        if (!text) {
                w->n_sighted++;
                return;
        }
        w->n_blind++;
        (void)snprintf(w->blind, sizeof(w->blind), "%s", text);
}

static void on_changed(void *userdata)
{
        struct world *w = userdata;

        w->n_changed++;
}

static uint64_t last_seqno(void *userdata)
{
        struct world *w = userdata;

        return w->seqno;
}

static void on_written(const struct sysctl_write *write, void *userdata)
{
        struct world *w = userdata;

        w->written = *write;
}

void world_start(struct world *w)
{
        struct diag d = { 0 };
        const struct monitor_config config = { .root = w->root.root,
                .event = w->event,
                .recheck_usec = w->recheck_usec,
                .use_bpf = w->use_bpf,
                .callbacks = { .transition = on_transition,
                        .reported = on_reported,
                        .blind = on_blind,
                        .changed = on_changed,
                        .last_seqno = last_seqno,
                        .sysctl_written = on_written,
                        .userdata = w } };

        ck_assert_msg(monitor_new(&config, &w->monitor, &d) == 0, "%s", d.text);
        ck_assert_msg(monitor_start(w->monitor, &d) == 0, "%s", d.text);
}

void world_stop(struct world *w)
{
        w->monitor = monitor_free(w->monitor);
}

void world_kernel_sets(struct world *w, uint64_t mask)
{
        scratch_puts(&w->root, TAINTED ".new", textf("%" PRIu64 "\n", mask));
        ck_assert_int_eq(rename(scratch_path(&w->root, TAINTED ".new"), scratch_path(&w->root, TAINTED)), 0);
}

void world_user_writes(struct world *w, uint64_t mask)
{
        _cleanup_close_ int fd = open(scratch_path(&w->root, TAINTED), O_WRONLY | O_CLOEXEC);
        char text[32];

        int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", mask);
        ck_assert_int_eq(pwrite(fd, text, (size_t)n, 0), n);
        ck_assert_int_eq(ftruncate(fd, n), 0);
}

void world_log_raw(struct world *w, const char *line)
{
        ck_assert_int_eq(file_write_all(w->log, line, strlen(line)), 0);
        ck_assert_int_eq(file_write_all(w->log, "\n", 1), 0);
}

void world_log(struct world *w, const char *text)
{
        char line[2048];

        (void)snprintf(
                line, sizeof(line), "4,%" PRIu64 ",%" PRIu64 ",-;%s", w->log_seq++, clock_usec(), text);
        world_log_raw(w, line);
}

unsigned world_run(struct world *w, uint64_t usec)
{
        uint64_t end = clock_usec() + usec;
        unsigned n = 0;

        for (uint64_t now = clock_usec(); now < end; now = clock_usec()) {
                int r = sd_event_run(w->event, end - now);
                ck_assert_int_ge(r, 0);
                n += r > 0;
        }
        return n;
}

void world_run_until_reported(struct world *w, size_t n)
{
        uint64_t end = clock_usec() + 5000 * MS;

        while (w->n_reported < n && clock_usec() < end)
                ck_assert_int_ge(sd_event_run(w->event, 10 * MS), 0);
        ck_assert_msg(w->n_reported == n, "%zu events were reported, expected %zu", w->n_reported, n);
}

const struct taint_event *world_reported_of(const struct world *w, unsigned bit)
{
        const struct taint_event *found = NULL;

        for (size_t i = 0; i < w->n_reported; i++)
                if (w->reported[i].bit == bit) {
                        ck_assert_msg(!found, "bit %u was reported twice", bit);
                        found = &w->reported[i];
                }
        ck_assert_msg(found != NULL, "bit %u was not reported", bit);
        return found;
}

bool fake_bpf_absent;
struct bpf_source_status fake_bpf_status;
uint64_t fake_bpf_set_before;
const struct taint_event *fake_bpf_kept;

struct bpf_source {
        struct bpf_source_callbacks callbacks;
};

static struct bpf_source fake_bpf;

int bpf_source_new(_unused_ sd_event *event, uint64_t set_before, _unused_ const char *pin_dir,
        const struct bpf_source_callbacks *callbacks, struct bpf_source **ret, struct diag *d)
{
        if (fake_bpf_absent)
                return diag_set(d, EOPNOTSUPP, "not on this kernel");
        fake_bpf.callbacks = *callbacks;
        fake_bpf_set_before = set_before;
        if (fake_bpf_kept)
                callbacks->transition(fake_bpf_kept, callbacks->userdata);
        *ret = &fake_bpf;
        return 0;
}

struct bpf_source *bpf_source_free(_unused_ struct bpf_source *s)
{
        return NULL;
}

struct bpf_source_status bpf_source_status(_unused_ struct bpf_source *s)
{
        return fake_bpf_status;
}

void fake_bpf_report(const struct taint_event *e)
{
        fake_bpf.callbacks.transition(e, fake_bpf.callbacks.userdata);
}

void fake_bpf_report_write(const struct sysctl_write *write)
{
        fake_bpf.callbacks.sysctl_written(write, fake_bpf.callbacks.userdata);
}
