/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "../../../service/monitor/cause.h"
#include "../process/fake-process.h"
#include "suite.h"

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

        ck_assert_int_eq(cause_find_loader(root.root, "foo", UINT64_MAX, &p), -ESRCH);
        make(10, "bash", "bash foo", 1);
        make(11, "modprobe", "modprobe bar", 1);
        ck_assert_int_eq(cause_find_loader(root.root, "foo", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 11); /* what bar needs, for all that is known */
        make(12, "modprobe", "modprobe baz", 1);
        ck_assert_int_eq(cause_find_loader(root.root, "foo", UINT64_MAX, &p), -ESRCH);
        make(13, "insmod", "insmod /x/other.ko", 1);
        ck_assert_int_eq(cause_find_loader(root.root, "foo", UINT64_MAX, &p), -ESRCH);
        make(14, "insmod", "insmod /x/foo.ko", 5);
        ck_assert_int_eq(cause_find_loader(root.root, "foo", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 14);
        ck_assert_int_eq(cause_find_loader(root.root, "foo", 4 * TICK_USEC, &p), -ESRCH);
        ck_assert_int_eq(cause_find_loader(root.root, "other", UINT64_MAX, &p), 0);
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
        ck_assert_int_eq(cause_find_loader(root.root, "foo", UINT64_MAX, &p), -ESRCH);
        make(13, "insmod", "insmod /x/foo.ko", 1);
        ck_assert_int_eq(cause_find_loader(root.root, "foo", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 13);
}
END_TEST

Suite *test_suite(void)
{
        const TTest *const tests[] = { files_of_modules, who_loads, a_name_alone_makes_no_loader };

        return suite_with("loader", tests, ARRAY_SIZE(tests), setup, teardown);
}
