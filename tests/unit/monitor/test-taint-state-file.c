/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/file.h"
#include "../../../schema/layout.h"
#include "../../../service/monitor/taint-state.h"
#include "scratch.h"
#include "suite.h"

#define BOOT "0f0e0d0c-1111-2222-3333-444455556666"
#define STATE LAYOUT_POLICY_RUN "/taint-state"

/* So many bytes have room yet; what is written whole finds its own. */
static size_t write_left = SIZE_MAX;

int __real_file_write_all(int fd, const void *data, size_t n);
int __wrap_file_write_all(int fd, const void *data, size_t n);

int __wrap_file_write_all(int fd, const void *data, size_t n)
{
        size_t room = n < write_left ? n : write_left;
        int r = __real_file_write_all(fd, data, room);

        write_left -= write_left == SIZE_MAX ? 0 : room;
        return r < 0 || room == n ? r : -ENOSPC;
}

static struct scratch root;
static struct taint_state state;
static struct taint_state_file file;

static void setup(void)
{
        scratch_new(&root);
        scratch_puts(&root, LAYOUT_POLICY_RUN "/seqno", "1");
        state = (struct taint_state){ .boot_id = BOOT };
        file = (struct taint_state_file)TAINT_STATE_FILE_INIT;
        write_left = SIZE_MAX;
}

static void teardown(void)
{
        taint_state_file_done(&file);
        taint_state_done(&state);
        scratch_done(&root);
}

/* In the order in which the monitor does it. The results of the two. */
static void report(unsigned bit, uint64_t seqno, int ret[static 2])
{
        struct taint_event e = { .bit = bit, .reason = "x" };
        struct diag d = { 0 };
        size_t at;

        ck_assert_int_eq(
                taint_state_add(&state, &e, (struct taint_state_mark){ true, .before = seqno - 1 }, &at), 0);
        ret[0] = taint_state_keep_event(&file, root.root, &state, &d);
        ck_assert(ret[0] == 0 || strstr(d.text, "cannot be written: "));
        state.events[at].seqno = seqno;
        state.marks[at].reporting = false;
        state.reported |= UINT64_C(1) << bit;
        ret[1] = taint_state_keep_reported(&file, root.root, &state, &d);
}

static void report_well(unsigned bit, uint64_t seqno)
{
        int r[2];

        report(bit, seqno, r);
        ck_assert_int_eq(r[0] | r[1], 0);
}

/* What the next start finds is what this one has. */
static void check_file(void)
{
        struct taint_state back;
        struct diag d = { 0 };

        ck_assert_msg(taint_state_load(root.root, BOOT, &back, &d) == 0, "%s", d.text);
        ck_assert_uint_eq(back.reported, state.reported);
        ck_assert_int_eq(back.blind, state.blind);
        ck_assert_uint_eq(back.n, state.n);
        for (size_t i = 0; i < back.n; i++) {
                ck_assert_uint_eq(back.events[i].bit, state.events[i].bit);
                ck_assert_uint_eq(back.events[i].seqno, state.events[i].seqno);
                ck_assert_int_eq(back.marks[i].reporting, state.marks[i].reporting);
        }
        taint_state_done(&back);
}

static struct stat stat_file(void)
{
        struct stat st;

        ck_assert_int_eq(stat(scratch_path(&root, STATE), &st), 0);
        return st;
}

TEST(the_file_is_of_one_boot)
{
        struct taint_state back;
        struct diag d = { 0 };

        ck_assert_int_eq(taint_state_load(root.root, BOOT, &back, &d), 0);
        ck_assert_str_eq(back.boot_id, BOOT);
        ck_assert_uint_eq(back.reported, 0);

        report_well(3, 1);
        ck_assert_uint_eq(stat_file().st_mode & 07777, 0600);
        ck_assert_uint_eq(scratch_count(&root, LAYOUT_POLICY_RUN), 2);
        check_file();

        ck_assert_int_eq(taint_state_load(root.root, "another", &back, &d), 0);
        ck_assert_str_eq(back.boot_id, "another");
        ck_assert_uint_eq(back.reported, 0);
        ck_assert_uint_eq(back.n, 0);
}

TEST(without_a_folder_nothing_is_kept)
{
        int r[2];

        scratch_remove(&root, LAYOUT_POLICY_RUN "/seqno");
        scratch_remove(&root, LAYOUT_POLICY_RUN);
        report(3, 1, r);
        ck_assert_int_eq(r[0], -ENOENT);
        ck_assert_int_eq(r[1], -ENOENT);
}

TEST(one_file_is_appended_to)
{
        report_well(3, 1);
        const struct stat first = stat_file();
        for (unsigned bit = 4; bit < 20; bit++) {
                report_well(bit, bit);
                check_file();
        }
        state.blind = true;
        ck_assert_int_eq(taint_state_keep_reported(&file, root.root, &state, NULL), 0);
        check_file();
        ck_assert_uint_eq(stat_file().st_ino, first.st_ino);
        ck_assert_int_gt(stat_file().st_size, first.st_size);
}

TEST(each_start_writes_it_anew)
{
        report_well(3, 1);
        report_well(4, 2);
        const struct stat before = stat_file();
        taint_state_file_done(&file);
        ck_assert_int_eq(taint_state_keep_reported(&file, root.root, &state, NULL), 0);
        ck_assert_uint_ne(stat_file().st_ino, before.st_ino);
        ck_assert_int_lt(stat_file().st_size, before.st_size);
        check_file();
}

TEST(a_large_one_is_written_anew)
{
        off_t largest = 0, all;

        report_well(3, 1);
        const off_t whole = stat_file().st_size;
        for (unsigned i = 0; (all = stat_file().st_size) >= largest; i++) {
                largest = all;
                state.blind = i % 2;
                ck_assert_int_eq(taint_state_keep_reported(&file, root.root, &state, NULL), 0);
                ck_assert_int_lt(largest, 2 * TAINT_STATE_APPENDED_MAX);
        }
        ck_assert_int_gt(largest, TAINT_STATE_APPENDED_MAX);
        ck_assert_int_le(all, whole);
        check_file();
}

/* The disk is full after so many bytes, and has room again later. */
TEST(a_write_that_fails_is_made_up_for)
{
        unsigned at_first = 0;
        int r[2];

        report_well(3, 1);
        for (size_t left = 0;; left++) {
                write_left = left;
                report(4, 2, r);
                write_left = SIZE_MAX;
                /* Where the first of the two failed, the second writes all. */
                if (r[1] == 0)
                        check_file();
                report_well(5, 3);
                check_file();
                if (r[0] == 0 && r[1] == 0)
                        break;
                ck_assert_int_eq(r[0] < 0 ? r[0] : r[1], -ENOSPC);
                ck_assert(r[0] == 0 || r[1] == 0);
                at_first += r[0] < 0;
        }
        ck_assert_uint_gt(at_first, 100);
}

TEST(what_another_did_to_it_is_mended)
{
        report_well(3, 1);
        scratch_remove(&root, STATE);
        report_well(4, 2);
        check_file();
        scratch_puts(&root, STATE ".other", "x");
        ck_assert_int_eq(rename(scratch_path(&root, STATE ".other"), scratch_path(&root, STATE)), 0);
        report_well(5, 3);
        check_file();
        scratch_puts(&root, STATE, "x");
        report_well(6, 4);
        check_file();
}

TEST(a_damaged_file_is_set_aside)
{
        static const char *const bad[] = { "", "x", "peios-taint-state: 2\n", "\xff\xfe",
                "# crc32c: 00000000\n" };
        struct taint_state back;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct diag d = { 0 };
                scratch_puts(&root, STATE, bad[i]);
                ck_assert_int_eq(taint_state_load(root.root, BOOT, &back, &d), -EINVAL);
                ck_assert_str_eq(back.boot_id, BOOT);
                ck_assert_uint_eq(back.reported | back.n, 0);
                ck_assert_msg(strstr(d.text, "set aside as"), "%s", d.text);
                ck_assert(!scratch_exists(&root, STATE));
        }
        ck_assert(scratch_exists(&root, STATE ".bad"));
        ck_assert(scratch_exists(&root, STATE ".bad.4"));

        /* Not even a folder there is in the way for long. */
        scratch_puts(&root, STATE "/x", "");
        ck_assert_int_eq(taint_state_load(root.root, BOOT, &back, NULL), -EINVAL);
        ck_assert(!scratch_exists(&root, STATE));
}

TEST(boot_ids)
{
        static const struct {
                const char *text;
                bool good;
        } cases[] = { { BOOT "\n", true }, { BOOT, false }, { "", false }, { "\n", false },
                { BOOT "0\n", false }, { "0F0e0d0c-1111-2222-3333-444455556666\n", false },
                { "../0d0c-1111-2222-3333-444455556666-\n", false } };
        char id[BOOT_ID_MAX] = "x";

        ck_assert_int_eq(clock_boot_id(root.root, id), -ENOENT);
        ck_assert_str_eq(id, "");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                scratch_puts(&root, "/proc/sys/kernel/random/boot_id", cases[i].text);
                ck_assert_int_eq(clock_boot_id(root.root, id) == 0, cases[i].good);
                ck_assert_str_eq(id, cases[i].good ? BOOT : "");
        }
}

Suite *test_suite(void)
{
        return suite_with("taint-state-file", setup, teardown);
}
