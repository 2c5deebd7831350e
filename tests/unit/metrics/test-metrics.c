/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/file.h"
#include "../../../service/metrics/metrics.h"
#include "scratch.h"
#include "suite.h"

static sd_event *event;
static struct metrics *metrics;
static unsigned value, collected;
static int collect_error;

static int collect(struct buf *out, _unused_ void *userdata)
{
        collected++;
        buf_printf(out, "value %u\n", value);
        return collect_error;
}

static unsigned told;

static void on_written(_unused_ void *userdata)
{
        told++;
}

static void begin(void)
{
        scratch_setup();
        ck_assert_int_ge(sd_event_new(&event), 0);
        const struct metrics_config config = {
                .root = scratch_root.root, .event = event, .collect = collect, .written = on_written
        };
        ck_assert_int_eq(metrics_new(&config, &metrics), 0);
}

static void end(void)
{
        metrics = metrics_free(metrics);
        sd_event_unref(event);
        scratch_teardown();
}

static void turn(unsigned ms)
{
        ck_assert_int_ge(sd_event_run(event, UINT64_C(1000) * ms), 0);
}

static bool holds(const char *name, const char *text)
{
        _cleanup_buf_ struct buf b = BUF_INIT;

        return scratch_read(&scratch_root, name, &b) &&
               strncmp(buf_str(&b), METRICS_MARK, strlen(METRICS_MARK)) == 0 &&
               strcmp(b.data + strlen(METRICS_MARK), text) == 0;
}

static void written(const char *name, const char *text)
{
        for (unsigned i = 0; i < 30 && !holds(name, text); i++)
                turn(100);
        ck_assert_msg(holds(name, text), "%s is not %s", name, text);
}

static ino_t inode(const char *name)
{
        struct stat st;

        ck_assert_int_eq(stat(scratch_path(&scratch_root, name), &st), 0);
        return st.st_ino;
}

TEST(together)
{
        uint64_t first, now;

        metrics_changed(metrics);
        turn(50);
        ck_assert_uint_eq(collected, 0);
        metrics_set_path(metrics, "/a.prom");
        written("/a.prom", "value 0\n");
        ck_assert_int_ge(sd_event_now(event, CLOCK_MONOTONIC, &first), 0);
        /* A thousand changes are one write, a second later. */
        for (value = 1; value < 1000; value++)
                metrics_changed(metrics);
        turn(0);
        ck_assert(holds("/a.prom", "value 0\n"));
        written("/a.prom", "value 1000\n");
        ck_assert_int_ge(sd_event_now(event, CLOCK_MONOTONIC, &now), 0);
        ck_assert_uint_ge(now - first, 700000);
        ck_assert_uint_eq(collected, 2);
}

TEST(nothing_new)
{
        metrics_set_path(metrics, "/a.prom");
        written("/a.prom", "value 0\n");
        ino_t before = inode("/a.prom");
        metrics_changed(metrics);
        for (unsigned i = 0; i < 30 && collected < 2; i++)
                turn(100);
        ck_assert_uint_eq(collected, 2);
        ck_assert_uint_eq(inode("/a.prom"), before);
        /* No timer runs any more. */
        turn(1500);
        metrics_recheck(metrics);
        turn(1500);
        ck_assert_uint_eq(collected, 2);
}

TEST(paths)
{
        metrics_set_path(metrics, "/a.prom");
        written("/a.prom", "value 0\n");
        metrics_set_path(metrics, "/b.prom");
        ck_assert(!scratch_exists(&scratch_root, "/a.prom"));
        written("/b.prom", "value 0\n");
        metrics_set_path(metrics, "");
        ck_assert(!scratch_exists(&scratch_root, "/b.prom"));
        /* What was not written here is not removed. */
        scratch_puts(&scratch_root, "/a.prom", "");
        metrics_set_path(metrics, "/a.prom");
        metrics_set_path(metrics, NULL);
        ck_assert(scratch_exists(&scratch_root, "/a.prom"));
}

/* What is in force changed while the service was away. */
TEST(of_an_earlier_run)
{
        scratch_puts(&scratch_root, "/a.prom", METRICS_MARK);
        metrics_set_path(metrics, "/a.prom");
        metrics_set_path(metrics, "/b.prom");
        ck_assert(!scratch_exists(&scratch_root, "/a.prom"));
        written("/b.prom", "value 0\n");
}

TEST(failing)
{
        /* Something else has the name. */
        scratch_folder(&scratch_root, "/b.prom");
        metrics_set_path(metrics, "/b.prom");
        ck_assert_str_eq(metrics_error(metrics), "not written yet");
        for (unsigned i = 0; i < 30 && collected < 1; i++)
                turn(100);
        ck_assert_ptr_nonnull(strstr(metrics_error(metrics), "is not this service's"));
        ck_assert_uint_eq(told, 2);
        scratch_remove(&scratch_root, "/b.prom");
        /* Not by itself. */
        turn(1500);
        ck_assert_uint_eq(collected, 1);
        metrics_recheck(metrics);
        written("/b.prom", "value 0\n");
        ck_assert_ptr_null(metrics_error(metrics));
        ck_assert_uint_eq(told, 3);
        scratch_remove(&scratch_root, "/b.prom");
        metrics_recheck(metrics);
        written("/b.prom", "value 0\n");
        /* Without memory the old file stays, and it is tried again. */
        collect_error = -ENOMEM;
        value = 1;
        metrics_changed(metrics);
        for (unsigned i = 0; i < 30 && collected < 4; i++)
                turn(100);
        ck_assert(holds("/b.prom", "value 0\n"));
        collect_error = 0;
        metrics_recheck(metrics);
        written("/b.prom", "value 1\n");
}

TEST(at_the_end)
{
        metrics_set_path(metrics, "/a.prom");
        written("/a.prom", "value 0\n");
        value = 1;
        metrics_changed(metrics);
        metrics = metrics_free(metrics);
        ck_assert(holds("/a.prom", "value 1\n"));
        metrics_changed(NULL);
}

Suite *test_suite(void)
{
        return suite_waiting("metrics", begin, end);
}
