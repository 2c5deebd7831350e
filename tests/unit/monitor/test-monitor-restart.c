/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was before: bits that are set already, and what an earlier life of the service has reported. */
#include <check.h>
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../schema/layout.h"
#include "../../../service/monitor/taint-state.h"
#include "each-world.h"
#include "suite.h"

#define STATE LAYOUT_POLICY_RUN "/taint-state"

TEST(cleared_while_nobody_looked)
{
        world_kernel_sets(&w, 0x1001);
        world_start(&w);
        world_stop(&w);
        world_forget_reported(&w);
        world_kernel_sets(&w, 1);
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 1);
        ck_assert(w.reported[0].cleared);
}

TEST(what_was_set_before)
{
        world_kernel_sets(&w, 1u << 17 | 1u << 13 | 1u << 12 | 1u << 11 | 1u << 9 | 1u << 6 | 1);
        world_log(&w, "[Firmware Bug]: TSC doesn't count with P0 frequency!");
        world_log(&w, "Run /init as init process");
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_log(&w, "WARNING: CPU: 0 PID: 42 at a.c:1 first+0x1/0x2");
        world_log(&w, "CPU: 0 PID: 42 Comm: old Not tainted 6.1.0");
        world_log(&w, "---[ end trace 0 ]---");
        world_log(&w, "WARNING: CPU: 0 PID: 43 at a.c:1 second+0x1/0x2");
        world_log(&w, "---[ end trace 0 ]---");
        scratch_puts(&w.root, "/sys/module/bar/taint", "PE\n");
        world_start(&w);

        ck_assert_uint_eq(w.n_reported, 7);
        for (size_t i = 0; i < w.n_reported; i++)
                ck_assert_str_eq(w.reported[i].reason, "present-at-start");
        const struct taint_event *e = world_reported_of(&w, 12);
        ck_assert_str_eq(e->module, "foo");
        ck_assert_int_eq(e->attribution, ATTRIBUTION_LIKELY);
        ck_assert_uint_gt(e->time_usec, 0);
        e = world_reported_of(&w, 0);
        ck_assert_str_eq(e->module, "bar");
        ck_assert_uint_eq(e->time_usec, 0);
        e = world_reported_of(&w, 9);
        ck_assert_ptr_nonnull(strstr(e->detail, "first+0x1"));
        e = world_reported_of(&w, 11);
        ck_assert_int_eq(e->context, CONTEXT_BOOT);
        e = world_reported_of(&w, 17);
        ck_assert_ptr_nonnull(strstr(e->detail, "CONFIG_RANDSTRUCT"));
        e = world_reported_of(&w, 6);
        ck_assert_int_eq(e->attribution, ATTRIBUTION_UNKNOWN);
        ck_assert_ptr_nonnull(strstr(e->detail, "unexplained"));
        ck_assert_ptr_null(strstr(e->detail, "does not go back"));
        /* Lines of the past explain nothing that comes now. */
        world_forget_reported(&w);
        world_kernel_sets(&w, 0x43a41);
        world_log(&w, "nothing");
        (void)world_run(&w, 400 * MS);
        world_user_writes(&w, 0x63a41 | 1u << 18);
        (void)world_run(&w, 400 * MS);
        ck_assert_uint_ge(w.n_reported, 1);
}

TEST(a_log_without_its_beginning)
{
        w.log_seq = 500;
        world_kernel_sets(&w, 64);
        world_log(&w, "something");
        world_start(&w);
        ck_assert_ptr_nonnull(strstr(world_reported_of(&w, 6)->detail, "does not go back"));
        ck_assert_uint_eq(monitor_status(w.monitor).misses, 0);
        /* Lines that are lost later are counted. */
        w.log_seq += 7;
        world_log(&w, "something");
        (void)world_run(&w, 50 * MS);
        ck_assert_uint_eq(monitor_status(w.monitor).misses, 7);
        ck_assert_uint_ge(w.n_changed, 2);
}

TEST(nothing_is_reported_twice_in_a_boot)
{
        world_kernel_sets(&w, 0x3001);
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 3);
        for (unsigned i = 0; i < 3; i++) {
                world_stop(&w);
                world_start(&w);
        }
        ck_assert_uint_eq(w.n_reported, 3);
        size_t n;
        const struct taint_event *events = monitor_events(w.monitor, &n);
        ck_assert_uint_eq(n, 3);
        ck_assert_str_eq(events[2].reason, "present-at-start");
        ck_assert_uint_eq(events[2].seqno, 3);
}

TEST(set_while_nobody_looked)
{
        world_start(&w);
        world_stop(&w);
        world_kernel_sets(&w, 0x1000);
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 1);
        ck_assert_str_eq(w.reported[0].reason, "present-at-start");
        ck_assert_str_eq(w.reported[0].module, "foo");
}

TEST(a_new_boot_begins_anew)
{
        world_kernel_sets(&w, 0x1000);
        world_start(&w);
        world_stop(&w);
        scratch_puts(&w.root, "/proc/sys/kernel/random/boot_id", "ffffffff-1111-2222-3333-444455556666\n");
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 2);
        size_t n;
        (void)monitor_events(w.monitor, &n);
        ck_assert_uint_eq(n, 1);
        /* A bit of the boot before that is not set any more is no alarm. */
        world_stop(&w);
        world_kernel_sets(&w, 0);
        scratch_puts(&w.root, "/proc/sys/kernel/random/boot_id", "eeeeeeee-1111-2222-3333-444455556666\n");
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 2);
}

TEST(a_damaged_state_says_so)
{
        world_kernel_sets(&w, 0x1000);
        world_start(&w);
        world_stop(&w);
        scratch_puts(&w.root, STATE, "garbage");
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 2);
        ck_assert_ptr_nonnull(strstr(w.reported[1].detail, "second time"));
        ck_assert(scratch_exists(&w.root, STATE ".bad"));
        world_stop(&w);
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 2);
}

/* A boot in which much has happened. */
static void keep_events(size_t n)
{
        struct taint_state s = { .boot_id = WORLD_BOOT };
        struct taint_event e = { .reason = "cleared", .cleared = true, .actor = ACTOR_UNKNOWN };
        size_t at;

        for (size_t i = 0; i < n; i++) {
                e.seqno = ++w.seqno;
                ck_assert_int_eq(taint_state_add(&s, &e, (struct taint_state_mark){ 0 }, &at), 0);
        }
        ck_assert_int_eq(file_make_dirs(scratch_path(&w.root, LAYOUT_POLICY_RUN)), 0);
        struct taint_state_file file = TAINT_STATE_FILE_INIT;
        ck_assert_int_eq(taint_state_keep_reported(&file, w.root.root, &s, NULL), 0);
        taint_state_file_done(&file);
        taint_state_done(&s);
}

TEST(history_is_bounded_and_kept)
{
        size_t n;

        keep_events(TAINT_STATE_EVENTS_MAX - 2);
        world_start(&w);
        for (unsigned i = 0; i < 6; i++) {
                world_kernel_sets(&w, i % 2 ? 0 : 64);
                monitor_check(w.monitor);
        }
        const struct taint_event *events = monitor_events(w.monitor, &n);
        ck_assert_uint_eq(n, TAINT_STATE_EVENTS_MAX);
        ck_assert_uint_eq(events[0].seqno, 5);
        uint64_t last = w.seqno;
        world_stop(&w);
        world_start(&w);
        events = monitor_events(w.monitor, &n);
        ck_assert_uint_eq(n, TAINT_STATE_EVENTS_MAX);
        ck_assert_uint_eq(events[n - 1].seqno, last);
        ck_assert_uint_eq(w.seqno, last);
}

TEST(a_state_that_cannot_be_kept)
{
        scratch_puts(&w.root, LAYOUT_POLICY_RUN, "not a folder");
        world_kernel_sets(&w, 1);
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 1);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_reported, 1);
}

Suite *test_suite(void)
{
        return suite_with("monitor-restart", world_setup, world_teardown);
}
