/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each system call fails once, or everything fails from it on, as in a crash: what a reader finds afterwards
 * is what was answered for, and writing goes on. */

#include <errno.h>
#include <string.h>

#include "../base/test-util.h"
#include "state-faults.h"
#include "state-util.h"

static char *scratch, *dir, *contents[SCRIPT_BATCHES + 1];

static const struct {
        int error;
        bool for_good;
        size_t chunk; /* of writes, so that they can fail half-way */
} kinds[] = { { EIO, false, 0 }, { ENOSPC, false, 50 }, { EIO, true, 0 }, { ENOSPC, true, 50 } };

static void setup(void)
{
        scratch = scratch_make();
        dir = scratch_path(scratch, "state");
        for (unsigned i = 0; i <= SCRIPT_BATCHES; i++)
                contents[i] = script_contents(i);
}

static void teardown(void)
{
        free(dir);
        scratch_remove(scratch);
        for (unsigned i = 0; i <= SCRIPT_BATCHES; i++)
                free(contents[i]);
}

static void begin_again(void)
{
        scratch_remove(dir);
        dir = scratch_path(scratch, "state");
}

static void assert_on_disk(const struct world *w)
{
        char *memory = world_contents(w), *disk = directory_contents(dir);
        ck_assert_ptr_nonnull(disk);
        ck_assert_str_eq(memory, disk);
        free(memory);
        free(disk);
}

/* Writing works again, and a restart finds it all and nothing to complain about. */
static void assert_goes_on(struct world *w)
{
        ck_assert_int_eq(world_try(w, 5), 0);
        assert_on_disk(w);
        char *memory = world_contents(w);
        world_close(w);
        ck_assert_int_eq(world_open(w, dir, false), 0);
        ck_assert_str_eq(buf_str(&w->reports), "");
        char *again = world_contents(w);
        ck_assert_str_eq(memory, again);
        ck_assert_int_eq(world_fold(w), 0);
        assert_on_disk(w);
        world_close(w);
        free(memory);
        free(again);
}

START_TEST(sync_fails)
{
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                for (unsigned n = 1, struck = 1; struck; n++) {
                        struct world w;
                        ck_assert_int_eq(world_open(&w, dir, false), 0);
                        world_run(&w, 0, 4);
                        faults_short_writes(kinds[k].chunk);
                        faults_arm(n, kinds[k].error, kinds[k].for_good);
                        int r = world_try(&w, 4);
                        struck = faults_disarm();
                        faults_short_writes(0);
                        ck_assert_msg(r == 0 || (r == -kinds[k].error && strstr(w.d.text, dir)), "%d %s", r,
                                w.d.text);
                        ck_assert(struck || r == 0);
                        char *disk = directory_contents(dir);
                        if (r == 0)
                                ck_assert_str_eq(disk, contents[5]);
                        else if (kinds[k].for_good)
                                /* Nothing could be undone on a dead disk. */
                                ck_assert(strcmp(disk, contents[4]) == 0 || strcmp(disk, contents[5]) == 0);
                        else
                                ck_assert_str_eq(disk, contents[4]);
                        free(disk);
                        assert_goes_on(&w);
                        begin_again();
                }
}
END_TEST

/* A batch that outgrew a frame is a snapshot, or has not been. */
START_TEST(large_sync_fails)
{
        for (unsigned n = 1, struck = 1; struck; n++) {
                struct world w;
                ck_assert_int_eq(world_open(&w, dir, false), 0);
                world_run(&w, 0, 4);
                faults_arm(n, EIO, false);
                int r = world_try_large(&w);
                struck = faults_disarm();
                ck_assert(struck || r == 0);
                assert_on_disk(&w);
                ck_assert_int_eq(r == 0, file_exists(dir, "snapshot-0000000000000002.yaml"));
                assert_goes_on(&w);
                begin_again();
        }
}
END_TEST

START_TEST(fold_fails)
{
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                for (unsigned n = 1, struck = 1; struck; n++) {
                        struct world w;
                        ck_assert_int_eq(world_open(&w, dir, false), 0);
                        world_run(&w, 0, 2);
                        ck_assert_int_eq(world_fold(&w), 0);
                        world_run(&w, 2, 3);
                        ck_assert_int_eq(world_fold(&w), 0);
                        world_run(&w, 3, 4);
                        size_t size = state_journal_size(w.state);
                        faults_arm(n, kinds[k].error, kinds[k].for_good);
                        int r = world_fold(&w);
                        struck = faults_disarm();
                        ck_assert(struck || r == 0);
                        ck_assert_int_eq(r < 0, world_reported(&w, "fold-failed"));
                        ck_assert_uint_eq(state_journal_size(w.state), r < 0 ? size : 0);
                        char *disk = directory_contents(dir);
                        ck_assert_str_eq(disk, contents[4]);
                        free(disk);
                        if (n % 2) {
                                ck_assert_int_eq(world_try(&w, 4), 0);
                                assert_on_disk(&w);
                        }
                        ck_assert_int_eq(world_fold(&w), 0);
                        assert_goes_on(&w);
                        begin_again();
                }
}
END_TEST

/* However often it is tried: until the new journal has its name (the tenth call) there is no new file. */
START_TEST(failed_fold_leaves_nothing)
{
        unsigned failures = 0;
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 4);
        char *before = directory_print(dir);
        for (unsigned n = 2; n <= 10; n++) {
                /* Without room ahead a journal is begun as well. */
                if (n == 7)
                        continue;
                faults_arm(n, ENOSPC, false);
                ck_assert_int_eq(world_fold(&w), -ENOSPC);
                ck_assert(faults_disarm());
                failures++;
                char *after = directory_print(dir);
                ck_assert_str_eq(before, after);
                free(after);
        }
        ck_assert_uint_eq(failures, 8);
        ck_assert_uint_eq(w.folded, 0);
        ck_assert_int_eq(world_fold(&w), 0);
        ck_assert_uint_eq(w.folded, 1);
        ck_assert_int_eq(world_fold(&w), 0);
        ck_assert_uint_eq(w.folded, 1);
        assert_goes_on(&w);
        free(before);
}
END_TEST

/* The first one of all. */
START_TEST(making_the_directory_fails)
{
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                for (unsigned n = 1, struck = 1; struck; n++) {
                        struct world w;
                        faults_arm(n, kinds[k].error, kinds[k].for_good);
                        int r = world_open(&w, dir, false);
                        struck = faults_disarm();
                        ck_assert_msg(r == 0 || (r == -kinds[k].error && w.d.text[0]), "%d", r);
                        world_close(&w);
                        ck_assert_int_eq(world_open(&w, dir, false), 0);
                        ck_assert_uint_eq(w.reports.len, 0);
                        world_run(&w, 0, 4);
                        assert_goes_on(&w);
                        begin_again();
                }
}
END_TEST

/* A damaged journal: its good part, and the damaged file itself, are never lost. */
START_TEST(recovery_fails)
{
        static const char name[] = "journal-0000000000000001";
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                for (unsigned n = 1, struck = 1; struck; n++) {
                        struct world w;
                        size_t size;
                        ck_assert_int_eq(world_open(&w, dir, false), 0);
                        world_run(&w, 0, 4);
                        size_t end = state_journal_size(w.state);
                        world_run(&w, 4, 6);
                        world_close(&w);
                        char *text = read_whole(dir, name, &size);
                        text[64 + end + 60] ^= 1;
                        write_whole(dir, name, text, size);
                        free(text);

                        faults_arm(n, kinds[k].error, kinds[k].for_good);
                        int r = world_open(&w, dir, false);
                        struck = faults_disarm();
                        if (r == 0) {
                                char *memory = world_contents(&w);
                                ck_assert_str_eq(memory, contents[4]);
                                free(memory);
                                ck_assert(world_reported(&w, "corrupt-journal"));
                        }
                        char *disk = directory_contents(dir);
                        ck_assert_str_eq(disk, contents[4]);
                        free(disk);
                        ck_assert_int_eq(file_exists(dir, name),
                                !file_exists(dir, "journal-0000000000000001.corrupt-1"));
                        if (n % 2 || r < 0) {
                                world_close(&w);
                                ck_assert_int_eq(world_open(&w, dir, false), 0);
                        }
                        ck_assert_int_eq(world_try(&w, 4), 0);
                        ck_assert_int_eq(world_fold(&w), 0);
                        ck_assert_int_eq(world_fold(&w), 0);
                        ck_assert_int_eq(world_fold(&w), 0);
                        ck_assert(file_exists(dir, "journal-0000000000000001.corrupt-1"));
                        assert_goes_on(&w);
                        begin_again();
                }
}
END_TEST

/* The journal was deleted: until a snapshot is written nothing may be answered with success. */
START_TEST(healing_fails)
{
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                for (unsigned n = 1, struck = 1; struck; n++) {
                        struct world w;
                        ck_assert_int_eq(world_open(&w, dir, false), 0);
                        world_run(&w, 0, 4);
                        char *path = scratch_path(dir, "journal-0000000000000001");
                        ck_assert_int_eq(unlink(path), 0);
                        free(path);
                        faults_arm(n, kinds[k].error, kinds[k].for_good);
                        int r = world_try(&w, 4);
                        struck = faults_disarm();
                        ck_assert(struck || r == 0);
                        if (r == 0)
                                assert_on_disk(&w);
                        else
                                ck_assert_uint_eq(state_journal_size(w.state), SIZE_MAX);
                        assert_goes_on(&w);
                        begin_again();
                }
}
END_TEST

START_TEST(short_writes)
{
        struct world w;
        faults_short_writes(7);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 1);
        ck_assert_int_eq(world_fold(&w), 0);
        world_run(&w, 1, 4);
        ck_assert_int_eq(world_fold(&w), 0);
        assert_goes_on(&w);
        faults_short_writes(0);
}
END_TEST

START_TEST(interrupted_writes)
{
        for (unsigned n = 1, struck = 1; struck; n++) {
                struct world w;
                ck_assert_int_eq(world_open(&w, dir, false), 0);
                world_run(&w, 0, 4);
                faults_arm(n, EINTR, false);
                int r = world_try(&w, 4);
                struck = faults_disarm();
                assert_on_disk(&w);
                ck_assert(r == 0 || r == -EINTR);
                assert_goes_on(&w);
                begin_again();
        }
}
END_TEST

/* What makes it durable, in this order; a test cannot cut the power. */
START_TEST(order_of_calls)
{
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 4);
        faults_arm(1000, EIO, false);
        ck_assert_int_eq(world_try(&w, 4), 0);
        ck_assert_str_eq(faults_trace(), "pwrite64 fdatasync");

        faults_arm(1000, EIO, false);
        ck_assert_int_eq(world_fold(&w), 0);
        ck_assert_str_eq(faults_trace(),
                "unlinkat open write write fsync "                 /* snapshot, without its name */
                "open fallocate64 pwrite64 fsync renameat2 fsync " /* journal, directory */
                "renameat2 fsync fsync");                          /* its name, directory, tidied */

        /* The way back from a failed fdatasync: cut, and a new journal that says where the old one ends. */
        faults_arm(2, EIO, false);
        ck_assert_int_eq(world_try(&w, 5), -EIO);
        ck_assert_str_eq(faults_trace(),
                "pwrite64 fdatasync ftruncate64 open fallocate64 pwrite64 fsync renameat2 fsync");
        faults_disarm();
        world_close(&w);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { sync_fails, large_sync_fails, fold_fails, failed_fold_leaves_nothing,
                making_the_directory_fails, recovery_fails, healing_fails, short_writes, interrupted_writes,
                order_of_calls };
        return run_tests_with("state-faults", tests, ARRAY_SIZE(tests), setup, teardown);
}
