/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "../../../service/monitor/process.h"
#include "fake-process.h"

#define TICK_USEC 10000u /* 100 a second, as everywhere */

static struct scratch root;

static void setup(void)
{
        scratch_new(&root);
}

static void teardown(void)
{
        scratch_done(&root);
}

static void make(uint32_t pid, const char *comm, const char *line, uint64_t start)
{
        const struct fake_process p = {
                .pid = pid, .parent = 1, .comm = comm, .command_line = line, .start = start
        };

        fake_process_make(&root, &p);
}

START_TEST(who_it_is)
{
        struct process p;

        make(42, "insmod", "insmod foo.ko", 100);
        ck_assert_int_eq(process_read(root.root, 42, 100 * TICK_USEC, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 42);
        ck_assert_uint_eq(p.actor.uid, 1001);
        ck_assert_uint_eq(p.actor.loginuid, 1000);
        ck_assert_uint_eq(p.actor.session, 3);
        ck_assert_str_eq(p.actor.comm, "insmod");
        ck_assert_str_eq(p.actor.exe, "/usr/bin/kmod");
        ck_assert_str_eq(p.actor.context, "unconfined");
        ck_assert_int_eq(p.context, CONTEXT_TASK);
        ck_assert_uint_eq(p.parent, 1);
}
END_TEST

START_TEST(a_younger_one_is_another)
{
        struct process p;

        make(42, "insmod", "insmod foo.ko", 100);
        ck_assert_int_eq(process_read(root.root, 42, 100 * TICK_USEC - 1, &p), -ESRCH);
        ck_assert_int_eq(process_read(root.root, 42, 0, &p), -ESRCH);
        ck_assert_int_eq(process_read(root.root, 43, UINT64_MAX, &p), -ESRCH);
}
END_TEST

START_TEST(names_may_hold_anything)
{
        static const char *const names[] = { "a b", "a) R 1 (b", ")", "(", "a (b) c" };
        struct process p;

        for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
                make(50 + i, names[i], NULL, 7);
                ck_assert_int_eq(process_read(root.root, 50 + i, 7 * TICK_USEC, &p), 0);
                ck_assert_str_eq(p.actor.comm, names[i]);
                ck_assert_int_eq(process_read(root.root, 50 + i, 6 * TICK_USEC, &p), -ESRCH);
        }
}
END_TEST

START_TEST(kernel_threads)
{
        const struct fake_process t = { .pid = 9, .comm = "kworker/0:1", .kernel_thread = true };
        struct process p;

        fake_process_make(&root, &t);
        ck_assert_int_eq(process_read(root.root, 9, 1, &p), 0);
        ck_assert_int_eq(p.context, CONTEXT_KERNEL_THREAD);
        ck_assert_str_eq(p.actor.exe, "");
}
END_TEST

START_TEST(garbage_is_no_process)
{
        static const char *const bad[] = { "", "\n", "42", "42 (x", "42 x) S 1", "42 (x)", "42 (x) S",
                "42 (x) S 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 x 1\n",
                "42 (x) S a 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5 1\n" };
        struct process p;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                scratch_puts(&root, "/proc/42/stat", bad[i]);
                ck_assert_int_eq(process_read(root.root, 42, UINT64_MAX, &p), -ESRCH);
        }
        /* What is missing is unknown. */
        scratch_puts(&root, "/proc/42/stat", "42 (x) S 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5 1\n");
        scratch_puts(&root, "/proc/42/loginuid", "who");
        scratch_puts(&root, "/proc/42/status", "Uid:\t\nUid:\tx\n");
        ck_assert_int_eq(process_read(root.root, 42, UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.uid, AUDIT_ID_UNSET);
        ck_assert_uint_eq(p.actor.loginuid, AUDIT_ID_UNSET);
        ck_assert_uint_eq(p.actor.session, AUDIT_ID_UNSET);
        ck_assert_str_eq(p.actor.exe, "");
}
END_TEST

START_TEST(command_lines)
{
        _cleanup_buf_ struct buf line = BUF_INIT;

        make(42, "insmod", "insmod /x/foo.ko a=1", 1);
        ck_assert_int_eq(process_command_line(root.root, 42, 4096, &line), 0);
        ck_assert_str_eq(buf_str(&line), "insmod /x/foo.ko a=1");
        buf_clear(&line);
        ck_assert_int_eq(process_command_line(root.root, 42, 8, &line), 0);
        ck_assert_str_eq(buf_str(&line), "insmod /");
        ck_assert_int_lt(process_command_line(root.root, 43, 8, &line), 0);
}
END_TEST

START_TEST(files_of_modules)
{
        static const struct {
                const char *file, *module;
                bool same;
        } cases[] = { { "foo", "foo", true }, { "foo.ko", "foo", true }, { "/a/b/foo.ko.xz", "foo", true },
                { "./foo-bar.ko", "foo_bar", true }, { "foo_bar", "foo-bar", true },
                { "foo2.ko", "foo", false }, { "fo", "foo", false }, { "/foo/bar.ko", "foo", false },
                { "-f", "foo", false }, { "", "foo", false }, { "foo.o", "foo", false } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_msg(module_file_matches(cases[i].file, cases[i].module) == cases[i].same, "%s %s",
                        cases[i].file, cases[i].module);
}
END_TEST

START_TEST(who_loads)
{
        struct process p;

        ck_assert_int_eq(process_find_loader(root.root, "foo", UINT64_MAX, &p), -ESRCH);
        make(10, "bash", "bash foo", 1);
        make(11, "modprobe", "modprobe bar", 1);
        ck_assert_int_eq(process_find_loader(root.root, "foo", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 11); /* what bar needs, for all that is known */
        make(12, "modprobe", "modprobe baz", 1);
        ck_assert_int_eq(process_find_loader(root.root, "foo", UINT64_MAX, &p), -ESRCH);
        make(13, "insmod", "insmod /x/other.ko", 1);
        ck_assert_int_eq(process_find_loader(root.root, "foo", UINT64_MAX, &p), -ESRCH);
        make(14, "insmod", "insmod /x/foo.ko", 5);
        ck_assert_int_eq(process_find_loader(root.root, "foo", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 14);
        ck_assert_int_eq(process_find_loader(root.root, "foo", 4 * TICK_USEC, &p), -ESRCH);
        ck_assert_int_eq(process_find_loader(root.root, "other", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 13);
}
END_TEST

START_TEST(a_name_alone_makes_no_loader)
{
        const struct fake_process mask = {
                .pid = 66, .comm = "modprobe", .command_line = "modprobe foo", .unprivileged = true
        };
        struct process p;

        fake_process_make(&root, &mask);
        ck_assert_int_eq(process_find_loader(root.root, "foo", UINT64_MAX, &p), -ESRCH);
        make(13, "insmod", "insmod /x/foo.ko", 1);
        ck_assert_int_eq(process_find_loader(root.root, "foo", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 13);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("process");
        TCase *tc = tcase_create("process");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, who_it_is);
        tcase_add_test(tc, a_younger_one_is_another);
        tcase_add_test(tc, names_may_hold_anything);
        tcase_add_test(tc, kernel_threads);
        tcase_add_test(tc, garbage_is_no_process);
        tcase_add_test(tc, command_lines);
        tcase_add_test(tc, files_of_modules);
        tcase_add_test(tc, who_loads);
        tcase_add_test(tc, a_name_alone_makes_no_loader);
        suite_add_tcase(s, tc);
        SRunner *sr = srunner_create(s);
        srunner_run_all(sr, CK_NORMAL);
        int failed = srunner_ntests_failed(sr);
        srunner_free(sr);
        return failed > 0;
}
