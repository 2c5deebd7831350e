/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <string.h>

#include "../process/fake-process.h"
#include "each-world.h"
#include "suite.h"

TEST(a_line_and_its_bits)
{
        const struct fake_process p = {
                .pid = 42, .parent = 1, .comm = "insmod", .command_line = "insmod foo.ko"
        };

        world_start(&w);
        ck_assert_uint_eq(w.n_reported, 0);
        fake_process_make(&w.root, &p);
        world_kernel_sets(&w, 0x3000);
        scratch_puts(&w.root, "/proc/modules", "foo 16384 0 - Live 0x0000000000000000 (OE)\n");
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_log(&w,
                "foo: module verification failed: signature and/or required key missing - tainting kernel");
        world_run_until_reported(&w, 2);

        const struct taint_event *e = world_reported_of(&w, 12);
        ck_assert_uint_eq(e->old_mask, 0);
        ck_assert_uint_eq(e->new_mask, 0x1000);
        ck_assert_str_eq(e->reason, "module-load");
        ck_assert_str_eq(e->module, "foo");
        ck_assert_str_eq(e->module_taints, "OE");
        ck_assert_int_eq(e->attribution, ATTRIBUTION_LIKELY);
        ck_assert_int_eq(e->context, CONTEXT_TASK);
        ck_assert_uint_eq(e->actor.pid, 42);
        ck_assert_uint_eq(e->actor.loginuid, 1000);
        ck_assert_str_eq(e->actor.comm, "insmod");
        ck_assert_uint_gt(e->time_usec, 0);
        ck_assert_ptr_null(e->properties);
        e = world_reported_of(&w, 13);
        ck_assert_uint_eq(e->old_mask, 0x1000);
        ck_assert_uint_eq(e->new_mask, 0x3000);
        ck_assert_str_eq(e->module, "foo");

        (void)world_run(&w, 1200 * MS);
        ck_assert_uint_eq(w.n_reported, 2);
        size_t n;
        const struct taint_event *events = monitor_events(w.monitor, &n);
        ck_assert_uint_eq(n, 2);
        ck_assert_uint_eq(events[0].bit, 12);
        ck_assert_uint_eq(events[0].seqno, 1);
        ck_assert_uint_eq(events[1].seqno, 2);
        struct monitor_status s = monitor_status(w.monitor);
        ck_assert(s.readable);
        ck_assert_uint_eq(s.tainted, 0x3000);
        ck_assert_str_eq(s.backend, "hints");
}

TEST(letters_are_those_of_the_root)
{
        world_kernel_sets(&w, 1);
        scratch_puts(&w.root, "/proc/sys/kernel/tainted_chars", "P of the root\n");
        world_start(&w);
        ck_assert_str_eq(monitor_status(w.monitor).letters, "P of the root");
}

TEST(a_line_before_its_bit)
{
        world_start(&w);
        world_log(&w, "foo: loading test module taints kernel.");
        (void)world_run(&w, 5 * MS);
        ck_assert_uint_eq(w.n_reported, 0);
        world_kernel_sets(&w, UINT64_C(1) << 18);
        world_run_until_reported(&w, 1); /* by the looks behind the line alone */
        ck_assert_str_eq(world_reported_of(&w, 18)->module, "foo");
}

TEST(a_line_behind_its_bit)
{
        world_start(&w);
        world_kernel_sets(&w, 1u << 6);
        monitor_check(w.monitor);
        (void)world_run(&w, 20 * MS);
        ck_assert_uint_eq(w.n_reported, 0);
        world_log(&w, "vfio-pci 0000:00:04.0: Adding kernel taint for vfio-noiommu group on device");
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 6)->reason, "vfio-noiommu");
}

TEST(a_report_is_waited_for)
{
        world_start(&w);
        world_kernel_sets(&w, 1u << 9);
        world_log(&w, "WARNING: CPU: 0 PID: 77 at /x/t.c:1 fn+0x1/0x2 [tmod]");
        (void)world_run(&w, 20 * MS);
        ck_assert_uint_eq(w.n_reported, 0);
        world_log(&w, "CPU: 0 PID: 77 Comm: bash Not tainted 6.1.0 #1");
        world_log(&w, "Call Trace:");
        world_log(&w, " <IRQ>");
        world_log(&w, " call_timer_fn+0x24/0x130");
        world_log(&w, " __do_softirq+0xed/0x2fe");
        world_log(&w, "---[ end trace 0000000000000000 ]---");
        world_run_until_reported(&w, 1);
        const struct taint_event *e = world_reported_of(&w, 9);
        ck_assert_str_eq(e->reason, "warning");
        ck_assert_str_eq(e->module, "tmod");
        ck_assert_int_eq(e->context, CONTEXT_SOFT_INTERRUPT);
        ck_assert_uint_eq(e->actor.pid, AUDIT_ID_UNSET);
        ck_assert_ptr_nonnull(strstr(e->detail, "interrupted task: pid 77 (bash)"));
        ck_assert_ptr_null(e->stack);
}

TEST(forensic_capture)
{
        const struct fake_process p = {
                .pid = 42, .parent = 1, .comm = "insmod", .command_line = "insmod /x/foo.ko"
        };

        world_start(&w);
        monitor_set_forensic(w.monitor, true);
        fake_process_make(&w.root, &p);
        scratch_puts(&w.root, "/sys/module/foo/srcversion", "ABC\n");
        world_kernel_sets(&w, 0x1200);
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_log(&w, "WARNING: CPU: 0 PID: 42 at /x/t.c:1 fn+0x1/0x2 [foo]");
        world_log(&w, " <TASK>");
        world_log(&w, " a+0x1/0x2");
        world_log(&w, "---[ end trace 0000000000000000 ]---");
        world_run_until_reported(&w, 2);
        ck_assert_ptr_nonnull(
                strstr(world_reported_of(&w, 12)->properties, "PEIOS_MODULE_SRCVERSION=ABC\n"));
        ck_assert_ptr_nonnull(strstr(
                world_reported_of(&w, 12)->properties, "PEIOS_ACTOR_COMMAND_LINE=insmod /x/foo.ko\n"));
        ck_assert_str_eq(world_reported_of(&w, 9)->stack, "a+0x1/0x2\n");
}

TEST(lines_of_others_are_no_cause)
{
        world_start(&w);
        world_kernel_sets(&w, 0x1000);
        world_log_raw(&w, "12,0,1,-;foo: loading out-of-tree module taints kernel.");
        world_run_until_reported(&w, 1);
        const struct taint_event *e = world_reported_of(&w, 12);
        ck_assert_str_eq(e->reason, "unknown");
        ck_assert_int_eq(e->attribution, ATTRIBUTION_UNKNOWN);
        ck_assert_str_eq(e->module, "");
}

TEST(an_old_line_is_no_cause)
{
        world_start(&w);
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        /* The looks behind the line find nothing; later the bit comes by itself. */
        (void)world_run(&w, 3300 * MS);
        monitor_check(w.monitor);
        world_kernel_sets(&w, 0x1000);
        monitor_check(w.monitor);
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 12)->reason, "unknown");
}

TEST(a_module_without_a_line)
{
        scratch_puts(&w.root, "/proc/modules", "old 1 0 - Live 0x0\n");
        world_start(&w);
        scratch_puts(&w.root, "/sys/module/foo/taint", "OE\n");
        world_kernel_sets(&w, 0x1000);
        monitor_check(w.monitor);
        world_run_until_reported(&w, 1);
        const struct taint_event *e = world_reported_of(&w, 12);
        ck_assert_str_eq(e->module, "foo");
        ck_assert_str_eq(e->reason, "module-load");
        ck_assert_int_eq(e->attribution, ATTRIBUTION_LIKELY);
}

TEST(a_forced_unload)
{
        scratch_puts(&w.root, "/proc/modules", "foo 1 0 - Live 0x0\n");
        world_start(&w);
        scratch_puts(&w.root, "/proc/modules", "");
        world_kernel_sets(&w, 8);
        monitor_check(w.monitor);
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 3)->reason, "module-unload-forced");
        ck_assert_str_eq(world_reported_of(&w, 3)->module, "foo");
}

TEST(a_user_writes)
{
        world_start(&w);
        world_user_writes(&w, 64);
        world_run_until_reported(&w, 1);
        const struct taint_event *e = world_reported_of(&w, 6);
        ck_assert_str_eq(e->reason, "sysctl-write");
        ck_assert_int_eq(e->attribution, ATTRIBUTION_LIKELY);
        ck_assert_uint_eq(e->actor.pid, AUDIT_ID_UNSET);

        /* TAINT_USER alone does not say that it was a write. */
        world_forget_reported(&w);
        (void)world_run(&w, 20 * MS);
        monitor_check(w.monitor);
        world_kernel_sets(&w, 64 | 4);
        monitor_check(w.monitor);
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 2)->reason, "unknown");
        /* The watch is on the new file too. */
        world_forget_reported(&w);
        world_user_writes(&w, 64 | 4 | 16);
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 4)->reason, "sysctl-write");
}

/* While the bit of the write waits for a better cause, another comes by itself. */
TEST(a_write_explains_what_came_with_it)
{
        world_start(&w);
        world_user_writes(&w, 64);
        (void)world_run(&w, 5 * MS);
        world_kernel_sets(&w, 64 | UINT64_C(1) << 33);
        monitor_check(w.monitor);
        world_run_until_reported(&w, 2);
        ck_assert_str_eq(world_reported_of(&w, 6)->reason, "sysctl-write");
        ck_assert_str_eq(world_reported_of(&w, 33)->reason, "unknown");
        ck_assert_int_eq(world_reported_of(&w, 33)->attribution, ATTRIBUTION_UNKNOWN);
}

TEST(the_timer_finds_what_nobody_reports)
{
        w.recheck_usec = 50 * MS;
        world_start(&w);
        world_kernel_sets(&w, UINT64_C(1) << 63 | 1u << 30);
        world_run_until_reported(&w, 2);
        ck_assert_str_eq(world_reported_of(&w, 63)->reason, "unknown");
        ck_assert_str_eq(world_reported_of(&w, 30)->reason, "unknown");
        ck_assert_uint_eq(world_reported_of(&w, 63)->new_mask, UINT64_C(1) << 63 | 1u << 30);
}

TEST(idle_is_idle)
{
        world_start(&w);
        world_log(&w, "nothing of note");
        (void)world_run(&w, 1300 * MS);
        ck_assert_uint_eq(world_run(&w, 700 * MS), 0);
        ck_assert_uint_le(w.n_changed, 2);
}

TEST(a_bit_that_clears_is_an_alarm)
{
        world_kernel_sets(&w, 0x1001);
        world_start(&w);
        world_forget_reported(&w);
        world_kernel_sets(&w, 1);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_reported, 1);
        ck_assert(w.reported[0].cleared);
        ck_assert_uint_eq(w.reported[0].bit, 12);
        ck_assert_str_eq(w.reported[0].reason, "cleared");
        ck_assert_uint_eq(w.reported[0].old_mask, 0x1001);
        ck_assert_uint_eq(w.reported[0].new_mask, 1);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_reported, 1);
        /* Set again is reported again. */
        world_kernel_sets(&w, 0x1001);
        monitor_check(w.monitor);
        world_run_until_reported(&w, 2);
        ck_assert(!w.reported[1].cleared);
}

TEST(set_and_cleared_before_its_cause_came)
{
        world_start(&w);
        world_kernel_sets(&w, 64);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_reported, 0);
        world_kernel_sets(&w, 0);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_reported, 2);
        ck_assert(!w.reported[0].cleared);
        ck_assert(w.reported[1].cleared);
}

Suite *test_suite(void)
{
        return suite_waiting("monitor", world_setup, world_teardown);
}
