/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../../../service/monitor/mask.h"
#include "scratch.h"
#include "suite.h"

#define TAINTED "/proc/sys/kernel/tainted"

static struct scratch root;
static struct mask *mask;
static struct diag d;

static void setup(void)
{
        scratch_new(&root);
        ck_assert_int_eq(mask_new(root.root, &mask), 0);
}

static void teardown(void)
{
        mask = mask_free(mask);
        scratch_done(&root);
}

TEST(numbers)
{
        static const struct {
                const char *text;
                int r;
                uint64_t mask;
        } cases[] = { { "0\n", 0, 0 }, { "4097\n", 0, 4097 }, { "18446744073709551615\n", 0, UINT64_MAX },
                { "18446744073709551616\n", -EBADMSG, 0 }, { "", -EBADMSG, 0 }, { "\n", -EBADMSG, 0 },
                { "12", -EBADMSG, 0 }, { "12 \n", -EBADMSG, 0 }, { "-1\n", -EBADMSG, 0 },
                { "1\n2\n", -EBADMSG, 0 }, { "99999999999999999999999999999999999\n", -EBADMSG, 0 } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t got = 0;
                scratch_puts(&root, TAINTED, cases[i].text);
                int r = mask_read(mask, &got, &d);
                ck_assert_msg((r < 0 ? r : 0) == cases[i].r, "%s: %d %s", cases[i].text, r, d.text);
                ck_assert_uint_eq(got, cases[i].mask);
                ck_assert_int_eq(d.text[0] != '\0', r < 0);
        }
}

TEST(another_file_is_noticed)
{
        uint64_t got;

        ck_assert_int_eq(mask_read(mask, &got, &d), -ENOENT);
        scratch_puts(&root, TAINTED, "1\n");
        ck_assert_int_eq(mask_read(mask, &got, &d), 1);
        ck_assert_int_eq(mask_read(mask, &got, &d), 0);
        scratch_puts(&root, TAINTED, "2\n");
        ck_assert_int_eq(mask_read(mask, &got, &d), 1);
        ck_assert_uint_eq(got, 2);
        ck_assert_str_eq(d.text, "");
}

TEST(what_covers_the_file_hides_nothing)
{
        uint64_t got;

        scratch_puts(&root, TAINTED, "1\n");
        ck_assert_int_eq(mask_read(mask, &got, &d), 1);
        scratch_remove(&root, TAINTED);
        got = 0;
        ck_assert_int_eq(mask_read(mask, &got, &d), 0);
        ck_assert_uint_eq(got, 1);
        ck_assert_str_ne(d.text, "");

        ck_assert_int_eq(mkfifo(scratch_path(&root, TAINTED), 0600), 0);
        got = 0;
        ck_assert_int_eq(mask_read(mask, &got, &d), 0);
        ck_assert_uint_eq(got, 1);
        ck_assert_ptr_nonnull(strstr(d.text, "something else stands there"));
}

TEST(another_file_system_is_something_else)
{
        uint64_t got;

        scratch_puts(&root, TAINTED, "1\n");
        ck_assert_int_eq(mask_read(mask, &got, &d), 1);
        if (mount("/proc/sys/kernel/ostype", scratch_path(&root, TAINTED), "", MS_BIND, NULL) < 0) {
                (void)fprintf(
                        stderr, "mounts cannot be made here: not tried what a mount over the file does\n");
                return;
        }
        int r = mask_read(mask, &got, &d);
        (void)umount2(scratch_path(&root, TAINTED), MNT_DETACH);
        ck_assert_int_eq(r, 0);
        ck_assert_uint_eq(got, 1);
        ck_assert_ptr_nonnull(strstr(d.text, "something else stands there"));
}

Suite *test_suite(void)
{
        return suite_with("mask", setup, teardown);
}
