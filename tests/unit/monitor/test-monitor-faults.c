/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are missing, that are not what they should be, that change under the reader. */
#include <check.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../schema/layout.h"
#include "each-world.h"
#include "suite.h"

#define STATE LAYOUT_POLICY_RUN "/taint-state"

TEST(blind)
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
        /* Nor does a restart say it again, nor forget that it was said. */
        world_stop(&w);
        world_start(&w);
        (void)world_run(&w, 50 * MS);
        ck_assert_uint_eq(w.n_blind, 1);
        world_stop(&w);
        world_kernel_sets(&w, 1);
        world_start(&w);
        ck_assert_uint_eq(w.n_sighted, 1);
        world_run_until_reported(&w, 1);
        world_stop(&w);
        world_start(&w);
        ck_assert_uint_eq(w.n_sighted, 1);
        scratch_remove(&w.root, "/proc/sys/kernel/tainted");
        world_stop(&w);
        world_start(&w);
        (void)world_run(&w, 50 * MS);
        ck_assert_uint_eq(w.n_blind, 2);
}

TEST(a_mask_that_changes_while_it_is_read)
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
        ck_assert_uint_eq(w.n_blind + w.n_sighted + w.n_reported, 0);
        /* Bits come one at a time. */
        for (unsigned bit = 0; bit < 20; bit++) {
                world_kernel_sets(&w, (1u << (bit + 1)) - 1);
                monitor_check(w.monitor);
        }
        world_run_until_reported(&w, 20);
        for (unsigned bit = 0; bit < 20; bit++)
                ck_assert_uint_eq(world_reported_of(&w, bit)->new_mask, (1u << (bit + 1)) - 1);
}

TEST(no_sources_at_all)
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
        ck_assert_uint_eq(w.n_reported, 2);
        ck_assert_str_eq(w.reported[0].reason, "present-at-start");
}

TEST(garbage_everywhere)
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
        monitor_set_forensic(w.monitor, true);
        world_kernel_sets(&w, 0x3200);
        ck_assert_int_eq(write(w.log, noise, sizeof(noise)), sizeof(noise));
        world_log_raw(&w, "");
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_log(&w, "WARNING: CPU: 0 PID: 42 at a.c:1 first+0x1/0x2");
        world_run_until_reported(&w, 3);
        ck_assert_str_eq(world_reported_of(&w, 12)->module, "foo");
        ck_assert_str_eq(world_reported_of(&w, 13)->reason, "unknown");
}

TEST(folders_and_fifos_where_files_should_be)
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
        ck_assert_uint_eq(w.n_reported, 0);
}

TEST(a_line_without_end)
{
        static const char end[] = "4,1,1,-;evil: loading out-of-tree module taints kernel.";
        char line[16384 + sizeof(end)];

        world_start(&w);
        world_kernel_sets(&w, 0x1000);
        memset(line, 'x', sizeof(line));
        memcpy(line + sizeof(line) - sizeof(end), end, sizeof(end));
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        world_log_raw(&w, line);
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 12)->module, "foo");
}

TEST(a_log_that_is_a_plain_file)
{
        scratch_puts(&w.root, "/dev/kmsg",
                "4,0,1,-;foo: loading out-of-tree module taints kernel.\n SUBSYSTEM=x\n");
        world_kernel_sets(&w, 0x1000);
        world_start(&w);
        ck_assert_str_eq(world_reported_of(&w, 12)->module, "foo");
        ck_assert_ptr_null(strstr(monitor_status(w.monitor).hooks, "kmsg"));
        ck_assert_ptr_nonnull(strstr(monitor_status(w.monitor).hooks, "inotify"));
}

TEST(a_flood_of_lines)
{
        world_start(&w);
        world_kernel_sets(&w, 0x1000);
        for (unsigned i = 0; i < 400; i++)
                world_log(&w, "IN=eth0 OUT= MAC=00:00 SRC=10.0.0.1 DST=10.0.0.2");
        world_log(&w, "foo: loading out-of-tree module taints kernel.");
        for (unsigned i = 0; i < 400; i++)
                world_log(&w, "IN=eth0 OUT= MAC=00:00 SRC=10.0.0.1 DST=10.0.0.2");
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 12)->module, "foo");
}

Suite *test_suite(void)
{
        return suite_with("monitor-faults", world_setup, world_teardown);
}
