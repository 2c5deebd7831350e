/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <string.h>

#include "each-world.h"
#include "suite.h"

static void setup(void)
{
        world_new(&w);
        w.use_bpf = true;
}

static struct taint_event exact(unsigned bit, uint64_t old)
{
        struct taint_event e = { .bit = bit,
                .old_mask = old,
                .new_mask = old | UINT64_C(1) << bit,
                .reason = "module-load",
                .module = "foo",
                .attribution = ATTRIBUTION_EXACT,
                .context = CONTEXT_TASK,
                .actor = { .pid = 42,
                        .uid = 0,
                        .loginuid = 1000,
                        .session = 3,
                        .comm = "insmod",
                        .exe = "/bin/kmod" },
                .stack = (char *)"add_taint+0x1/0x2\n" };

        return e;
}

TEST(the_report_is_taken_as_it_is)
{
        struct taint_event e = exact(12, 0);

        scratch_puts(&w.root, "/sys/module/foo/taint", "P\n");
        world_start(&w);
        ck_assert_str_eq(monitor_status(w.monitor).backend, "bpf");
        ck_assert_ptr_nonnull(strstr(monitor_status(w.monitor).hooks, "fake/add_taint"));
        world_kernel_sets(&w, 0x1000);
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        fake_bpf_report(&e);
        ck_assert_uint_eq(w.n_reported, 1);
        const struct taint_event *reported = world_reported_of(&w, 12);
        ck_assert_int_eq(reported->attribution, ATTRIBUTION_EXACT);
        ck_assert_uint_eq(reported->actor.pid, 42);
        ck_assert_str_eq(reported->module_taints, "PO"); /* its own is not shown yet */
        ck_assert_str_eq(reported->detail, "foo: loading out-of-tree module taints kernel.");
        ck_assert_uint_gt(reported->time_usec, 0);
        ck_assert_ptr_null(reported->stack);
        (void)world_run(&w, 1200 * MS);
        ck_assert_uint_eq(w.n_reported, 1);
}

TEST(forensic_capture_keeps_the_stack)
{
        struct taint_event e = exact(12, 0);

        world_start(&w);
        monitor_set_forensic(w.monitor, true);
        world_kernel_sets(&w, 0x1000);
        e.tie = true;
        fake_bpf_report(&e);
        ck_assert_str_eq(world_reported_of(&w, 12)->stack, "add_taint+0x1/0x2\n");
        ck_assert_ptr_nonnull(strstr(world_reported_of(&w, 12)->properties, "PEIOS_TAINT_TIE=yes\n"));
}

TEST(a_report_before_the_bit_is_no_alarm)
{
        struct taint_event e = exact(12, 0);

        world_start(&w);
        fake_bpf_report(&e);
        (void)world_run(&w, 100 * MS);
        world_kernel_sets(&w, 0x1000);
        (void)world_run(&w, 1200 * MS);
        ck_assert_uint_eq(w.n_reported, 1);
        world_kernel_sets(&w, 0);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_reported, 2);
        ck_assert(w.reported[1].cleared);
}

TEST(a_report_without_a_bit_is_one)
{
        struct taint_event e = exact(12, 0);

        world_start(&w);
        fake_bpf_report(&e);
        (void)world_run(&w, 1200 * MS);
        ck_assert_uint_eq(w.n_reported, 2);
        ck_assert(w.reported[1].cleared);
}

TEST(hints_wait_for_the_report)
{
        struct taint_event e = exact(12, 0);

        world_start(&w);
        world_kernel_sets(&w, 0x1000);
        world_log(&w, "bar: loading out-of-tree module taints kernel.");
        (void)world_run(&w, 100 * MS);
        ck_assert_uint_eq(w.n_reported, 0);
        fake_bpf_report(&e);
        (void)world_run(&w, 400 * MS);
        ck_assert_uint_eq(w.n_reported, 1);
        ck_assert_int_eq(w.reported[0].attribution, ATTRIBUTION_EXACT);
}

/* A burst takes longer to be reported than the grace is. */
TEST(a_report_that_is_owed_is_waited_for_longer)
{
        struct taint_event e = exact(12, 0);

        world_start(&w);
        fake_bpf_status.claimed = 0x1040;
        world_kernel_sets(&w, 0x1040);
        (void)world_run(&w, 600 * MS);
        ck_assert_uint_eq(w.n_reported, 0);
        fake_bpf_report(&e);
        ck_assert_int_eq(world_reported_of(&w, 12)->attribution, ATTRIBUTION_EXACT);
        world_run_until_reported(&w, 2);
        ck_assert_int_eq(world_reported_of(&w, 6)->attribution, ATTRIBUTION_UNKNOWN);
}

TEST(what_bpf_missed_is_reported_all_the_same)
{
        struct taint_event e = exact(9, 0x1000), late = exact(6, 0);

        world_start(&w);
        world_kernel_sets(&w, 0x1240);
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        fake_bpf_report(&e); /* after each event the masks are compared */
        world_run_until_reported(&w, 3);
        ck_assert_int_eq(world_reported_of(&w, 9)->attribution, ATTRIBUTION_EXACT);
        ck_assert_int_eq(world_reported_of(&w, 12)->attribution, ATTRIBUTION_LIKELY);
        ck_assert_int_eq(world_reported_of(&w, 6)->attribution, ATTRIBUTION_UNKNOWN);
        /* Later than the grace is too late: once is once. */
        fake_bpf_report(&late);
        ck_assert_uint_eq(w.n_reported, 3);
}

/* Whoever clears a bit of the mask does not clear it in the programs: they say nothing of the second time.
 */
TEST(set_again_after_it_was_cleared)
{
        struct taint_event e = exact(12, 0);

        w.recheck_usec = 20 * MS;
        world_start(&w);
        world_kernel_sets(&w, 0x1000);
        fake_bpf_report(&e);
        fake_bpf_status.claimed = 0x1000;
        world_kernel_sets(&w, 0);
        world_run_until_reported(&w, 2);
        ck_assert(w.reported[1].cleared);
        /* With and without a line of the kernel's. */
        for (size_t i = 0; i < 2; i++) {
                world_kernel_sets(&w, 0x1000);
                if (i > 0)
                        world_log(&w, "bar: loading out-of-tree module taints kernel.");
                world_run_until_reported(&w, 3 + 2 * i);
                const struct taint_event *again = &w.reported[2 + 2 * i];
                ck_assert_uint_eq(again->bit, 12);
                ck_assert(!again->cleared);
                ck_assert_uint_eq(again->old_mask, 0);
                ck_assert_uint_eq(again->new_mask, 0x1000);
                ck_assert_int_eq(again->attribution, i > 0 ? ATTRIBUTION_LIKELY : ATTRIBUTION_UNKNOWN);
                ck_assert_str_eq(again->module, i > 0 ? "bar" : "");
                ck_assert_uint_eq(again->actor.pid, AUDIT_ID_UNSET);
                /* Once: neither the timer nor a late report of it is another. */
                (void)world_run(&w, 200 * MS);
                fake_bpf_report(&e);
                ck_assert_uint_eq(w.n_reported, 3 + 2 * i);
                world_kernel_sets(&w, 0);
                world_run_until_reported(&w, 4 + 2 * i);
        }
}

TEST(it_says_whether_writes_are_reported)
{
        world_start(&w);
        ck_assert(!monitor_status(w.monitor).writes_reported);
        fake_bpf_status.reports_writes = true;
        ck_assert(monitor_status(w.monitor).writes_reported);
        world_stop(&w);
        w.use_bpf = false;
        world_start(&w);
        ck_assert(!monitor_status(w.monitor).writes_reported);
}

TEST(misses_and_drops_show)
{
        w.recheck_usec = 20 * MS;
        world_start(&w);
        unsigned before = w.n_changed;
        fake_bpf_status.misses = 3;
        fake_bpf_status.drops = 2;
        (void)world_run(&w, 100 * MS);
        ck_assert_uint_eq(monitor_status(w.monitor).misses, 3);
        ck_assert_uint_eq(monitor_status(w.monitor).drops, 2);
        ck_assert_uint_eq(w.n_changed, before + 1);
}

TEST(old_bits_are_given_to_it)
{
        world_kernel_sets(&w, 0x3001);
        world_start(&w);
        ck_assert_uint_eq(fake_bpf_set_before, 0x3001);
        ck_assert_uint_eq(w.n_reported, 3);
        struct taint_event again = exact(12, 0);
        fake_bpf_report(&again);
        ck_assert_uint_eq(w.n_reported, 3);
}

TEST(kept_reports_come_before_the_first_look)
{
        struct taint_event kept = exact(12, 0);

        world_start(&w);
        world_stop(&w);
        world_kernel_sets(&w, 0x1001);
        fake_bpf_kept = &kept;
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 2);
        ck_assert_int_eq(world_reported_of(&w, 12)->attribution, ATTRIBUTION_EXACT);
        ck_assert_str_eq(world_reported_of(&w, 0)->reason, "present-at-start");
}

TEST(claimed_bits_are_waited_for_at_the_start)
{
        struct taint_event e = exact(12, 0);

        world_kernel_sets(&w, 0x3000);
        fake_bpf_status.claimed = 0x3000;
        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 0);
        fake_bpf_report(&e);
        world_run_until_reported(&w, 2);
        ck_assert_int_eq(world_reported_of(&w, 12)->attribution, ATTRIBUTION_EXACT);
        ck_assert_str_eq(world_reported_of(&w, 13)->reason, "present-at-start");
}

TEST(without_it_hints_are_left)
{
        fake_bpf_absent = true;
        world_start(&w);
        ck_assert_str_eq(monitor_status(w.monitor).backend, "hints");
        world_kernel_sets(&w, 0x1000);
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_run_until_reported(&w, 1);
}

TEST(writes_of_sysctls_are_passed_on)
{
        const struct sysctl_write control = {
                .name = "kernel.audit_taint_events", .actor = { .pid = 7 }, .result = 8
        };
        const struct sysctl_write tainted = {
                .name = "kernel.tainted", .actor = { .pid = 8, .comm = "sh" }, .result = 3
        };
        const struct sysctl_write refused = {
                .name = "kernel.tainted", .actor = { .pid = 9 }, .result = -22
        };

        world_start(&w);
        fake_bpf_report_write(&control);
        ck_assert_uint_eq(w.written.actor.pid, 7);
        /* Where the bit's own report was missed, the write is still known. */
        world_user_writes(&w, 64);
        fake_bpf_report_write(&tainted);
        fake_bpf_report_write(&refused);
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 6)->reason, "sysctl-write");
        ck_assert_uint_eq(world_reported_of(&w, 6)->actor.pid, 8);
        ck_assert_str_eq(world_reported_of(&w, 6)->actor.comm, "sh");
}

TEST(nonsense_is_not_reported)
{
        struct taint_event e = exact(12, 0);

        world_start(&w);
        e.bit = 64;
        fake_bpf_report(&e);
        ck_assert_uint_eq(w.n_reported, 0);
}

Suite *test_suite(void)
{
        return suite_waiting("monitor-bpf", setup, world_teardown);
}
