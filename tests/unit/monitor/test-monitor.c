/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/fileio.h"
#include "../../../schema/layout.h"
#include "../../../service/monitor/state-file.h"
#include "fake-process.h"
#include "world.h"

#define STATE LAYOUT_POLICY_RUN "/taint-state"

static struct world w;

static void setup(void)
{
        world_new(&w);
}

static void teardown(void)
{
        world_done(&w);
}

START_TEST(a_line_and_its_bits)
{
        const struct fake_process p = {
                .pid = 42, .parent = 1, .comm = "insmod", .command_line = "insmod foo.ko"
        };

        world_start(&w);
        ck_assert_uint_eq(w.n_told, 0);
        fake_process_make(&w.root, &p);
        world_kernel_sets(&w, 0x3000);
        scratch_puts(&w.root, "/proc/modules", "foo 16384 0 - Live 0x0000000000000000 (OE)\n");
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_log(&w,
                "foo: module verification failed: signature and/or required key missing - tainting kernel");
        world_run_until_told(&w, 2);

        const struct taint_event *e = world_told_of(&w, 12);
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
        e = world_told_of(&w, 13);
        ck_assert_uint_eq(e->old_mask, 0x1000);
        ck_assert_uint_eq(e->new_mask, 0x3000);
        ck_assert_str_eq(e->module, "foo");

        (void)world_run(&w, 1200 * MS);
        ck_assert_uint_eq(w.n_told, 2);
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
END_TEST

START_TEST(a_line_before_its_bit)
{
        world_start(&w);
        world_log(&w, "foo: loading test module taints kernel.");
        (void)world_run(&w, 5 * MS);
        ck_assert_uint_eq(w.n_told, 0);
        world_kernel_sets(&w, UINT64_C(1) << 18);
        world_run_until_told(&w, 1); /* by the looks behind the line alone */
        ck_assert_str_eq(world_told_of(&w, 18)->module, "foo");
}
END_TEST

START_TEST(a_line_behind_its_bit)
{
        world_start(&w);
        world_kernel_sets(&w, 1u << 6);
        monitor_check(w.monitor);
        (void)world_run(&w, 20 * MS);
        ck_assert_uint_eq(w.n_told, 0);
        world_log(&w, "vfio-pci 0000:00:04.0: Adding kernel taint for vfio-noiommu group on device");
        world_run_until_told(&w, 1);
        ck_assert_str_eq(world_told_of(&w, 6)->reason, "vfio-noiommu");
}
END_TEST

START_TEST(a_report_is_waited_for)
{
        world_start(&w);
        world_kernel_sets(&w, 1u << 9);
        world_log(&w, "WARNING: CPU: 0 PID: 77 at /x/t.c:1 fn+0x1/0x2 [tmod]");
        (void)world_run(&w, 20 * MS);
        ck_assert_uint_eq(w.n_told, 0);
        world_log(&w, "CPU: 0 PID: 77 Comm: bash Not tainted 6.1.0 #1");
        world_log(&w, "Call Trace:");
        world_log(&w, " <IRQ>");
        world_log(&w, " call_timer_fn+0x24/0x130");
        world_log(&w, " __do_softirq+0xed/0x2fe");
        world_log(&w, "---[ end trace 0000000000000000 ]---");
        world_run_until_told(&w, 1);
        const struct taint_event *e = world_told_of(&w, 9);
        ck_assert_str_eq(e->reason, "warning");
        ck_assert_str_eq(e->module, "tmod");
        ck_assert_int_eq(e->context, CONTEXT_SOFT_INTERRUPT);
        ck_assert_uint_eq(e->actor.pid, AUDIT_ID_UNSET);
        ck_assert_ptr_nonnull(strstr(e->detail, "interrupted task: pid 77 (bash)"));
        ck_assert_ptr_null(e->stack);
}
END_TEST

START_TEST(forensic_capture)
{
        const struct fake_process p = {
                .pid = 42, .parent = 1, .comm = "insmod", .command_line = "insmod /x/foo.ko"
        };

        world_start(&w);
        monitor_set_capture(w.monitor, CAPTURE_FORENSIC);
        fake_process_make(&w.root, &p);
        scratch_puts(&w.root, "/sys/module/foo/srcversion", "ABC\n");
        world_kernel_sets(&w, 0x1200);
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_log(&w, "WARNING: CPU: 0 PID: 42 at /x/t.c:1 fn+0x1/0x2 [foo]");
        world_log(&w, " <TASK>");
        world_log(&w, " a+0x1/0x2");
        world_log(&w, "---[ end trace 0000000000000000 ]---");
        world_run_until_told(&w, 2);
        ck_assert_ptr_nonnull(strstr(world_told_of(&w, 12)->properties, "PEIOS_MODULE_SRCVERSION=ABC\n"));
        ck_assert_ptr_nonnull(
                strstr(world_told_of(&w, 12)->properties, "PEIOS_ACTOR_COMMAND_LINE=insmod /x/foo.ko\n"));
        ck_assert_str_eq(world_told_of(&w, 9)->stack, "a+0x1/0x2\n");
}
END_TEST

START_TEST(lines_of_others_are_no_cause)
{
        world_start(&w);
        world_kernel_sets(&w, 0x1000);
        world_log_raw(&w, "12,0,1,-;foo: loading out-of-tree module taints kernel.");
        world_run_until_told(&w, 1);
        const struct taint_event *e = world_told_of(&w, 12);
        ck_assert_str_eq(e->reason, "unknown");
        ck_assert_int_eq(e->attribution, ATTRIBUTION_UNKNOWN);
        ck_assert_str_eq(e->module, "");
}
END_TEST

START_TEST(an_old_line_is_no_cause)
{
        world_start(&w);
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        /* The looks behind the line find nothing; later the bit comes by itself. */
        (void)world_run(&w, 3300 * MS);
        monitor_check(w.monitor);
        world_kernel_sets(&w, 0x1000);
        monitor_check(w.monitor);
        world_run_until_told(&w, 1);
        ck_assert_str_eq(world_told_of(&w, 12)->reason, "unknown");
}
END_TEST

START_TEST(a_module_without_a_line)
{
        scratch_puts(&w.root, "/proc/modules", "old 1 0 - Live 0x0\n");
        world_start(&w);
        scratch_puts(&w.root, "/sys/module/foo/taint", "OE\n");
        world_kernel_sets(&w, 0x1000);
        monitor_check(w.monitor);
        world_run_until_told(&w, 1);
        const struct taint_event *e = world_told_of(&w, 12);
        ck_assert_str_eq(e->module, "foo");
        ck_assert_str_eq(e->reason, "module-load");
        ck_assert_int_eq(e->attribution, ATTRIBUTION_LIKELY);
}
END_TEST

START_TEST(a_forced_unload)
{
        scratch_puts(&w.root, "/proc/modules", "foo 1 0 - Live 0x0\n");
        world_start(&w);
        scratch_puts(&w.root, "/proc/modules", "");
        world_kernel_sets(&w, 8);
        monitor_check(w.monitor);
        world_run_until_told(&w, 1);
        ck_assert_str_eq(world_told_of(&w, 3)->reason, "module-unload-forced");
        ck_assert_str_eq(world_told_of(&w, 3)->module, "foo");
}
END_TEST

START_TEST(a_user_writes)
{
        world_start(&w);
        world_user_writes(&w, 64);
        world_run_until_told(&w, 1);
        const struct taint_event *e = world_told_of(&w, 6);
        ck_assert_str_eq(e->reason, "sysctl-write");
        ck_assert_int_eq(e->attribution, ATTRIBUTION_LIKELY);
        ck_assert_uint_eq(e->actor.pid, AUDIT_ID_UNSET);

        /* TAINT_USER alone does not say that it was a write. */
        world_forget_told(&w);
        (void)world_run(&w, 20 * MS);
        monitor_check(w.monitor);
        world_kernel_sets(&w, 64 | 4);
        monitor_check(w.monitor);
        world_run_until_told(&w, 1);
        ck_assert_str_eq(world_told_of(&w, 2)->reason, "unknown");
        /* The watch is on the new file too. */
        world_forget_told(&w);
        world_user_writes(&w, 64 | 4 | 16);
        world_run_until_told(&w, 1);
        ck_assert_str_eq(world_told_of(&w, 4)->reason, "sysctl-write");
}
END_TEST

START_TEST(the_timer_finds_what_nobody_tells)
{
        w.recheck_usec = 50 * MS;
        world_start(&w);
        world_kernel_sets(&w, UINT64_C(1) << 63 | 1u << 30);
        world_run_until_told(&w, 2);
        ck_assert_str_eq(world_told_of(&w, 63)->reason, "unknown");
        ck_assert_str_eq(world_told_of(&w, 30)->reason, "unknown");
        ck_assert_uint_eq(world_told_of(&w, 63)->new_mask, UINT64_C(1) << 63 | 1u << 30);
}
END_TEST

START_TEST(idle_is_idle)
{
        world_start(&w);
        world_log(&w, "nothing of note");
        (void)world_run(&w, 1300 * MS);
        ck_assert_uint_eq(world_run(&w, 700 * MS), 0);
        ck_assert_uint_le(w.n_changed, 2);
}
END_TEST

START_TEST(a_bit_that_clears_is_an_alarm)
{
        world_kernel_sets(&w, 0x1001);
        world_start(&w);
        world_forget_told(&w);
        world_kernel_sets(&w, 1);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_told, 1);
        ck_assert(w.told[0].cleared);
        ck_assert_uint_eq(w.told[0].bit, 12);
        ck_assert_str_eq(w.told[0].reason, "cleared");
        ck_assert_uint_eq(w.told[0].old_mask, 0x1001);
        ck_assert_uint_eq(w.told[0].new_mask, 1);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_told, 1);
        /* Set again is told again. */
        world_kernel_sets(&w, 0x1001);
        monitor_check(w.monitor);
        world_run_until_told(&w, 2);
        ck_assert(!w.told[1].cleared);
}
END_TEST

START_TEST(set_and_cleared_before_its_cause_came)
{
        world_start(&w);
        world_kernel_sets(&w, 64);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_told, 0);
        world_kernel_sets(&w, 0);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_told, 2);
        ck_assert(!w.told[0].cleared);
        ck_assert(w.told[1].cleared);
}
END_TEST

START_TEST(cleared_while_nobody_looked)
{
        world_kernel_sets(&w, 0x1001);
        world_start(&w);
        world_stop(&w);
        world_forget_told(&w);
        world_kernel_sets(&w, 1);
        world_start(&w);
        ck_assert_uint_eq(w.n_told, 1);
        ck_assert(w.told[0].cleared);
}
END_TEST

START_TEST(blind)
{
        world_start(&w);
        scratch_remove(&w.root, "/proc/sys/kernel/tainted");
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_blind, 0);
        (void)world_run(&w, 50 * MS);
        ck_assert_uint_eq(w.n_blind, 1);
        ck_assert_ptr_nonnull(strstr(w.blind, "tainted"));
        (void)world_run(&w, 50 * MS);
        ck_assert_uint_eq(w.n_blind, 1);
        world_kernel_sets(&w, 1);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_sighted, 1);
        world_run_until_told(&w, 1);
}
END_TEST

START_TEST(a_mask_that_changes_while_it_is_read)
{
        static const char *const halves[] = { "", "4", "409", "4096" };

        world_start(&w);
        /* Half a number is no number, and no alarm as long as the rest comes. */
        for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
                scratch_puts(&w.root, "/proc/sys/kernel/tainted", halves[i]);
                monitor_check(w.monitor);
                ck_assert(!monitor_status(w.monitor).readable);
                world_kernel_sets(&w, 0);
                monitor_check(w.monitor);
        }
        ck_assert_uint_eq(w.n_blind + w.n_sighted + w.n_told, 0);
        /* Bits come one at a time. */
        for (unsigned bit = 0; bit < 20; bit++) {
                world_kernel_sets(&w, (1u << (bit + 1)) - 1);
                monitor_check(w.monitor);
        }
        world_run_until_told(&w, 20);
        for (unsigned bit = 0; bit < 20; bit++)
                ck_assert_uint_eq(world_told_of(&w, bit)->new_mask, (1u << (bit + 1)) - 1);
}
END_TEST

START_TEST(what_was_set_before)
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

        ck_assert_uint_eq(w.n_told, 7);
        for (size_t i = 0; i < w.n_told; i++)
                ck_assert_str_eq(w.told[i].reason, "present-at-start");
        const struct taint_event *e = world_told_of(&w, 12);
        ck_assert_str_eq(e->module, "foo");
        ck_assert_int_eq(e->attribution, ATTRIBUTION_LIKELY);
        ck_assert_uint_gt(e->time_usec, 0);
        e = world_told_of(&w, 0);
        ck_assert_str_eq(e->module, "bar");
        ck_assert_uint_eq(e->time_usec, 0);
        e = world_told_of(&w, 9);
        ck_assert_ptr_nonnull(strstr(e->detail, "first+0x1"));
        e = world_told_of(&w, 11);
        ck_assert_int_eq(e->context, CONTEXT_BOOT);
        e = world_told_of(&w, 17);
        ck_assert_ptr_nonnull(strstr(e->detail, "CONFIG_RANDSTRUCT"));
        e = world_told_of(&w, 6);
        ck_assert_int_eq(e->attribution, ATTRIBUTION_UNKNOWN);
        ck_assert_ptr_nonnull(strstr(e->detail, "unexplained"));
        ck_assert_ptr_null(strstr(e->detail, "does not go back"));
        /* Lines of the past explain nothing that comes now. */
        world_forget_told(&w);
        world_kernel_sets(&w, 0x43a41);
        world_log(&w, "nothing");
        (void)world_run(&w, 400 * MS);
        world_user_writes(&w, 0x63a41 | 1u << 18);
        (void)world_run(&w, 400 * MS);
        ck_assert_uint_ge(w.n_told, 1);
}
END_TEST

START_TEST(a_log_without_its_beginning)
{
        w.log_seq = 500;
        world_kernel_sets(&w, 64);
        world_log(&w, "something");
        world_start(&w);
        ck_assert_ptr_nonnull(strstr(world_told_of(&w, 6)->detail, "does not go back"));
        ck_assert_uint_eq(monitor_status(w.monitor).misses, 0);
        /* Lines that are lost later are counted. */
        w.log_seq += 7;
        world_log(&w, "something");
        (void)world_run(&w, 50 * MS);
        ck_assert_uint_eq(monitor_status(w.monitor).misses, 7);
        ck_assert_uint_ge(w.n_changed, 2);
}
END_TEST

START_TEST(nothing_is_told_twice_in_a_boot)
{
        world_kernel_sets(&w, 0x3001);
        world_start(&w);
        ck_assert_uint_eq(w.n_told, 3);
        for (unsigned i = 0; i < 3; i++) {
                world_stop(&w);
                world_start(&w);
        }
        ck_assert_uint_eq(w.n_told, 3);
        size_t n;
        const struct taint_event *events = monitor_events(w.monitor, &n);
        ck_assert_uint_eq(n, 3);
        ck_assert_str_eq(events[2].reason, "present-at-start");
        ck_assert_uint_eq(events[2].seqno, 3);
}
END_TEST

START_TEST(set_while_nobody_looked)
{
        world_start(&w);
        world_stop(&w);
        world_kernel_sets(&w, 0x1000);
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_start(&w);
        ck_assert_uint_eq(w.n_told, 1);
        ck_assert_str_eq(w.told[0].reason, "present-at-start");
        ck_assert_str_eq(w.told[0].module, "foo");
}
END_TEST

START_TEST(a_new_boot_begins_anew)
{
        world_kernel_sets(&w, 0x1000);
        world_start(&w);
        world_stop(&w);
        scratch_puts(&w.root, "/proc/sys/kernel/random/boot_id", "ffffffff-1111-2222-3333-444455556666\n");
        world_start(&w);
        ck_assert_uint_eq(w.n_told, 2);
        size_t n;
        (void)monitor_events(w.monitor, &n);
        ck_assert_uint_eq(n, 1);
        /* A bit of the boot before that is not set any more is no alarm. */
        world_stop(&w);
        world_kernel_sets(&w, 0);
        scratch_puts(&w.root, "/proc/sys/kernel/random/boot_id", "eeeeeeee-1111-2222-3333-444455556666\n");
        world_start(&w);
        ck_assert_uint_eq(w.n_told, 2);
}
END_TEST

START_TEST(a_damaged_state_says_so)
{
        world_kernel_sets(&w, 0x1000);
        world_start(&w);
        world_stop(&w);
        scratch_puts(&w.root, STATE, "garbage");
        world_start(&w);
        ck_assert_uint_eq(w.n_told, 2);
        ck_assert_ptr_nonnull(strstr(w.told[1].detail, "second time"));
        ck_assert(scratch_exists(&w.root, STATE ".bad"));
        world_stop(&w);
        world_start(&w);
        ck_assert_uint_eq(w.n_told, 2);
}
END_TEST

START_TEST(no_sources_at_all)
{
        scratch_remove(&w.root, "/dev/kmsg");
        scratch_remove(&w.root, "/proc/modules");
        scratch_remove(&w.root, "/proc/sys/kernel/random/boot_id");
        scratch_remove(&w.root, "/sys/module");
        scratch_remove(&w.root, "/proc/sys/kernel/tainted");
        world_start(&w);
        (void)world_run(&w, 50 * MS);
        ck_assert_uint_eq(w.n_blind, 1);
        ck_assert(!monitor_status(w.monitor).readable);
        /* It comes late: what it says then was there before. */
        world_kernel_sets(&w, 3);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_sighted, 1);
        ck_assert_uint_eq(w.n_told, 2);
        ck_assert_str_eq(w.told[0].reason, "present-at-start");
}
END_TEST

START_TEST(garbage_everywhere)
{
        static const char *const files[] = { "/proc/modules", "/proc/sys/kernel/random/boot_id",
                "/sys/module/foo/taint", "/sys/module/foo/version", "/proc/42/stat", "/proc/42/status",
                "/proc/42/comm", "/proc/42/cmdline", "/proc/42/cgroup", "/lib/modules/x/modules.dep",
                STATE };
        char noise[3000];

        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (char)(i * 7 + i / 256);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                scratch_write(&w.root, files[i], noise, sizeof(noise));
        world_start(&w);
        monitor_set_capture(w.monitor, CAPTURE_FORENSIC);
        world_kernel_sets(&w, 0x3200);
        ck_assert_int_eq(write(w.log, noise, sizeof(noise)), sizeof(noise));
        world_log_raw(&w, "");
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_log(&w, "WARNING: CPU: 0 PID: 42 at a.c:1 first+0x1/0x2");
        world_run_until_told(&w, 3);
        ck_assert_str_eq(world_told_of(&w, 12)->module, "foo");
        ck_assert_str_eq(world_told_of(&w, 13)->reason, "unknown");
}
END_TEST

START_TEST(folders_and_fifos_where_files_should_be)
{
        static const char *const files[] = { "/proc/modules", "/proc/sys/kernel/random/boot_id", "/dev/kmsg",
                "/proc/sys/kernel/tainted" };

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                scratch_remove(&w.root, files[i]);
                if (i % 2)
                        ck_assert_int_eq(mkfifo(scratch_path(&w.root, files[i]), 0600), 0);
                else
                        ck_assert_int_eq(mkdir(scratch_path(&w.root, files[i]), 0700), 0);
        }
        world_start(&w);
        (void)world_run(&w, 100 * MS);
        ck_assert_uint_eq(w.n_blind, 1);
        ck_assert_uint_eq(w.n_told, 0);
}
END_TEST

START_TEST(a_line_without_end)
{
        static const char end[] = "4,1,1,-;evil: loading out-of-tree module taints kernel.";
        char line[16384 + sizeof(end)];

        world_start(&w);
        world_kernel_sets(&w, 0x1000);
        memset(line, 'x', sizeof(line));
        memcpy(line + sizeof(line) - sizeof(end), end, sizeof(end));
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_log_raw(&w, line);
        world_run_until_told(&w, 1);
        ck_assert_str_eq(world_told_of(&w, 12)->module, "foo");
}
END_TEST

START_TEST(a_log_that_is_a_plain_file)
{
        scratch_puts(&w.root, "/dev/kmsg",
                "4,0,1,-;foo: loading out-of-tree module taints kernel.\n SUBSYSTEM=x\n");
        world_kernel_sets(&w, 0x1000);
        world_start(&w);
        ck_assert_str_eq(world_told_of(&w, 12)->module, "foo");
        ck_assert_ptr_null(strstr(monitor_status(w.monitor).hooks, "kmsg"));
        ck_assert_ptr_nonnull(strstr(monitor_status(w.monitor).hooks, "inotify"));
}
END_TEST

START_TEST(a_flood_of_lines)
{
        world_start(&w);
        world_kernel_sets(&w, 0x1000);
        for (unsigned i = 0; i < 400; i++)
                world_log(&w, "IN=eth0 OUT= MAC=00:00 SRC=10.0.0.1 DST=10.0.0.2");
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        for (unsigned i = 0; i < 400; i++)
                world_log(&w, "IN=eth0 OUT= MAC=00:00 SRC=10.0.0.1 DST=10.0.0.2");
        world_run_until_told(&w, 1);
        ck_assert_str_eq(world_told_of(&w, 12)->module, "foo");
}
END_TEST

/* A boot in which much has happened. */
static void keep_events(size_t n)
{
        struct state s = { .boot_id = WORLD_BOOT };
        struct taint_event e = { .reason = "cleared", .cleared = true, .actor = ACTOR_UNKNOWN };
        size_t at;

        for (size_t i = 0; i < n; i++) {
                e.seqno = ++w.seqno;
                ck_assert_int_eq(history_add(&s.history, &e, (struct history_mark){ 0 }, &at), 0);
        }
        ck_assert_int_eq(make_dirs(scratch_path(&w.root, LAYOUT_POLICY_RUN)), 0);
        ck_assert_int_eq(state_store(w.root.root, &s, NULL), 0);
        state_done(&s);
}

START_TEST(history_is_bounded_and_kept)
{
        size_t n;

        keep_events(MONITOR_EVENTS_MAX - 2);
        world_start(&w);
        for (unsigned i = 0; i < 6; i++) {
                world_kernel_sets(&w, i % 2 ? 0 : 64);
                monitor_check(w.monitor);
        }
        const struct taint_event *events = monitor_events(w.monitor, &n);
        ck_assert_uint_eq(n, MONITOR_EVENTS_MAX);
        ck_assert_uint_eq(events[0].seqno, 5);
        uint64_t last = w.seqno;
        world_stop(&w);
        world_start(&w);
        events = monitor_events(w.monitor, &n);
        ck_assert_uint_eq(n, MONITOR_EVENTS_MAX);
        ck_assert_uint_eq(events[n - 1].seqno, last);
        ck_assert_uint_eq(w.seqno, last);
}
END_TEST

START_TEST(a_state_that_cannot_be_kept)
{
        scratch_puts(&w.root, LAYOUT_POLICY_RUN, "not a folder");
        world_kernel_sets(&w, 1);
        world_start(&w);
        ck_assert_uint_eq(w.n_told, 1);
        monitor_check(w.monitor);
        ck_assert_uint_eq(w.n_told, 1);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("monitor");
        TCase *tc = tcase_create("monitor");
        tcase_set_timeout(tc, 30);
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, a_line_and_its_bits);
        tcase_add_test(tc, a_line_before_its_bit);
        tcase_add_test(tc, a_line_behind_its_bit);
        tcase_add_test(tc, a_report_is_waited_for);
        tcase_add_test(tc, forensic_capture);
        tcase_add_test(tc, lines_of_others_are_no_cause);
        tcase_add_test(tc, an_old_line_is_no_cause);
        tcase_add_test(tc, a_module_without_a_line);
        tcase_add_test(tc, a_forced_unload);
        tcase_add_test(tc, a_user_writes);
        tcase_add_test(tc, the_timer_finds_what_nobody_tells);
        tcase_add_test(tc, idle_is_idle);
        tcase_add_test(tc, a_bit_that_clears_is_an_alarm);
        tcase_add_test(tc, set_and_cleared_before_its_cause_came);
        tcase_add_test(tc, cleared_while_nobody_looked);
        tcase_add_test(tc, blind);
        tcase_add_test(tc, a_mask_that_changes_while_it_is_read);
        tcase_add_test(tc, what_was_set_before);
        tcase_add_test(tc, a_log_without_its_beginning);
        tcase_add_test(tc, nothing_is_told_twice_in_a_boot);
        tcase_add_test(tc, set_while_nobody_looked);
        tcase_add_test(tc, a_new_boot_begins_anew);
        tcase_add_test(tc, a_damaged_state_says_so);
        tcase_add_test(tc, no_sources_at_all);
        tcase_add_test(tc, garbage_everywhere);
        tcase_add_test(tc, folders_and_fifos_where_files_should_be);
        tcase_add_test(tc, a_line_without_end);
        tcase_add_test(tc, a_log_that_is_a_plain_file);
        tcase_add_test(tc, a_flood_of_lines);
        tcase_add_test(tc, history_is_bounded_and_kept);
        tcase_add_test(tc, a_state_that_cannot_be_kept);
        suite_add_tcase(s, tc);
        SRunner *sr = srunner_create(s);
        srunner_run_all(sr, CK_NORMAL);
        int failed = srunner_ntests_failed(sr);
        srunner_free(sr);
        return failed > 0;
}
