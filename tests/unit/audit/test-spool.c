/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../schema/audit/spool.h"
#include "scratch.h"
#include "suite.h"

static uint64_t last;

static struct spool *open_spool(void)
{
        struct spool *s = NULL;
        ck_assert_int_eq(spool_open(scratch_path(&scratch_root, "/unsent"), &last, &s, NULL), 0);
        return s;
}

static void check_next(struct spool *s, uint64_t after, uint64_t number, bool success, const char *text)
{
        struct sender_record found;
        char *got;
        ck_assert_int_eq(spool_next(s, after, &found, &got), 1);
        ck_assert_uint_eq(found.cookie, number);
        ck_assert_int_eq(found.success, success);
        ck_assert_int_eq(found.since, 1000 + (int64_t)number);
        ck_assert_str_eq(found.text, text);
        free(got);
}

static int add(struct spool *s, uint64_t number, bool success, const char *text)
{
        return spool_add(s, &(struct sender_record){ .cookie = number,
                                    .success = success,
                                    .since = 1000 + (int64_t)number,
                                    .text = text });
}

static void check_none(struct spool *s, uint64_t after)
{
        struct sender_record found;
        char *text;
        ck_assert_int_eq(spool_next(s, after, &found, &text), 0);
}

static off_t size(void)
{
        struct stat st;
        ck_assert_int_eq(stat(scratch_path(&scratch_root, "/unsent"), &st), 0);
        return st.st_size;
}

TEST(what_is_not_marked_is_left)
{
        struct spool *s = open_spool();
        ck_assert_uint_eq(last, 0);
        check_none(s, 0);
        ck_assert_int_eq(add(s, 7, true, "op=a x=1"), 0);
        ck_assert_int_eq(add(s, 8, false, "op=b"), 0);
        ck_assert_int_eq(add(s, 9, true, ""), 0);
        spool_mark(s, 8);
        (void)spool_free(s);

        s = open_spool();
        ck_assert_uint_eq(last, 9);
        check_next(s, 0, 7, true, "op=a x=1");
        check_next(s, 7, 9, true, "");
        check_none(s, 9);
        spool_mark(s, 7);
        spool_mark(s, 7); /* of no effect */
        spool_mark(s, 9);

        /* Also after a kill: nobody closes the first. */
        struct spool *next = open_spool();
        ck_assert_uint_eq(last, 9);
        check_none(next, 0);
        (void)spool_free(next);
        (void)spool_free(s);
}

/* On a full disk nothing can be added, but all can be taken away. */
TEST(marked_without_a_line)
{
        const struct rlimit none = { 0, RLIM_INFINITY }, all = { RLIM_INFINITY, RLIM_INFINITY };
        struct spool *s = open_spool();
        ck_assert_int_eq(add(s, 1, true, "op=a"), 0);
        ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
        spool_mark(s, 1);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
        ck_assert_int_eq(size(), 0);
        (void)spool_free(s);
}

/* What a kill in the middle of a write leaves, and what nobody here wrote. */
TEST(odd_lines)
{
        static const char lines[] = "+5 1 1005 op=five\n"
                                    "nonsense\n"
                                    "\n"
                                    "+ 1 1 op=none\n"
                                    "+99999999999999999999999 1 1 op=too-large\n"
                                    "+6 2 1006 op=no-result\n"
                                    "+6 1 op=no-time\n"
                                    "+6 1 1006op=no-time\n"
                                    "+6 1 99999999999999999999999 op=too-late\n"
                                    "+6\n"
                                    "-4\n"
                                    "+7 0 1007 op=seven\n"
                                    "+8 1 1008 op=tor";
        scratch_puts(&scratch_root, "/unsent", lines);
        struct spool *s = open_spool();
        ck_assert_uint_eq(last, 7);
        check_next(s, 0, 5, true, "op=five");
        check_next(s, 5, 7, false, "op=seven");
        check_none(s, 7);
        ck_assert_int_eq(size(), (off_t)(strlen(lines) - strlen("+8 1 1008 op=tor")));
        /* What is added next stands in a line of its own. */
        ck_assert_int_eq(add(s, 8, true, "op=eight"), 0);
        (void)spool_free(s);
        s = open_spool();
        check_next(s, 7, 8, true, "op=eight");
        (void)spool_free(s);
}

TEST(it_does_not_grow_for_ever)
{
        char text[1024];
        struct spool *s = open_spool();
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        /* One stays, so the file is never empty. */
        ck_assert_int_eq(add(s, 1, true, "op=stays"), 0);
        for (uint64_t i = 2; i < 4000; i++) {
                ck_assert_int_eq(add(s, i, true, text), 0);
                spool_mark(s, i);
                ck_assert_int_le(size(), (off_t)(SPOOL_BYTES_MAX + 2 * sizeof(text)));
        }
        (void)spool_free(s);
        s = open_spool();
        check_next(s, 0, 1, true, "op=stays");
        check_none(s, 1);
        spool_mark(s, 1);
        for (uint64_t i = 4000; i < 8000; i++) {
                ck_assert_int_eq(add(s, i, true, "op=goes"), 0);
                spool_mark(s, i);
                ck_assert_int_le(size(), SPOOL_MARKED_MAX + 100);
        }
        (void)spool_free(s);
}

TEST(no_place_for_it)
{
        struct spool *s = NULL;
        struct diag d = { 0 };
        ck_assert_int_eq(
                spool_open(scratch_path(&scratch_root, "/missing/unsent"), &last, &s, NULL), -ENOENT);
        ck_assert_int_eq(mkdir(scratch_path(&scratch_root, "/unsent"), 0700), 0);
        ck_assert_int_eq(spool_open(scratch_path(&scratch_root, "/unsent"), &last, &s, NULL), -EISDIR);
        ck_assert_int_eq(rmdir(scratch_path(&scratch_root, "/unsent")), 0);
        ck_assert_int_eq(symlink("elsewhere", scratch_path(&scratch_root, "/unsent")), 0);
        ck_assert_int_eq(spool_open(scratch_path(&scratch_root, "/unsent"), &last, &s, NULL), -ELOOP);
        ck_assert_int_eq(unlink(scratch_path(&scratch_root, "/unsent")), 0);
        /* Nobody will ever write to it: reading would never end. */
        ck_assert_int_eq(mkfifo(scratch_path(&scratch_root, "/unsent"), 0600), 0);
        ck_assert_int_eq(spool_open(scratch_path(&scratch_root, "/unsent"), &last, &s, &d), -EINVAL);
        ck_assert_ptr_nonnull(strstr(d.text, "/unsent: is not a regular file"));
        ck_assert_ptr_null(s);
}

/* It comes back behind newer ones, in the file, too. */
TEST(comes_back)
{
        struct spool *s = open_spool();
        for (uint64_t i = 1; i <= 3; i++)
                ck_assert_int_eq(add(s, i, true, "first"), 0);
        spool_mark(s, 1);
        spool_mark(s, 2);
        ck_assert_int_eq(add(s, 2, false, "again"), 0);
        for (int again = 0; again < 2; again++) {
                check_next(s, 0, 2, false, "again");
                check_next(s, 2, 3, true, "first");
                check_none(s, 3);
                s = spool_free(s);
                s = open_spool();
        }
        spool_mark(s, 2);
        check_next(s, 0, 3, true, "first");
        (void)spool_free(s);
}

Suite *test_suite(void)
{
        return suite_with("spool", scratch_setup, scratch_teardown);
}
