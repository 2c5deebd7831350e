/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a state directory: opening, writing, folding. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/test-util.h"
#include "state-util.h"

#define SNAPSHOT2 "snapshot-0000000000000002.yaml"
#define SNAPSHOT3 "snapshot-0000000000000003.yaml"
#define SNAPSHOT4 "snapshot-0000000000000004.yaml"
#define JOURNAL1 "journal-0000000000000001"
#define JOURNAL3 "journal-0000000000000003"

static char *scratch, *dir, big[1 << 20];

static void setup(void)
{
        scratch = scratch_make();
        dir = scratch_path(scratch, "var/lib/state");
}

static void teardown(void)
{
        free(dir);
        scratch_remove(scratch);
}

static void assert_script(unsigned n)
{
        char *text = directory_contents(dir), *expected = script_contents(n);
        ck_assert_ptr_nonnull(text);
        ck_assert_str_eq(text, expected);
        free(text);
        free(expected);
}

static void assert_on_disk(const struct world *w)
{
        char *memory = world_contents(w), *disk = directory_contents(dir);
        ck_assert_ptr_nonnull(disk);
        ck_assert(strcmp(memory, disk) == 0);
        free(memory);
        free(disk);
}

START_TEST(begins_empty)
{
        struct stat st;
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_uint_eq(w.reports.len, 0);
        ck_assert_uint_eq(store_counts(w.store).keys, 0);
        ck_assert_uint_eq(state_journal_size(w.state), 0);
        char *path = scratch_path(dir, JOURNAL1);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        free(path);
        world_close(&w);
}
END_TEST

START_TEST(survives)
{
        struct world w;
        for (unsigned i = 0; i < SCRIPT_BATCHES; i++) {
                ck_assert_int_eq(world_open(&w, dir, false), 0);
                ck_assert_uint_eq(w.reports.len, 0);
                world_run(&w, i, i + 1);
                uint64_t last = store_last_sequence(w.store);
                world_close(&w);
                assert_script(i + 1);
                ck_assert_int_eq(world_open(&w, dir, false), 0);
                ck_assert_uint_eq(store_last_sequence(w.store), last);
                world_close(&w);
        }
}
END_TEST

/* Numbers of writes that were not recorded come back with the next frame, and with a snapshot. */
START_TEST(sequence_survives)
{
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 1);
        store_raise_sequence(w.store, 1000);
        world_op(&w, (struct store_op){ .code = STORE_DELETE_LAYER, .layer = "x" });
        ck_assert_int_eq(state_sync(w.state, &w.d), 0);
        world_close(&w);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_uint_eq(store_last_sequence(w.store), 1000);
        store_raise_sequence(w.store, 2000);
        ck_assert_int_eq(world_fold(&w), 0);
        world_close(&w);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_uint_eq(store_last_sequence(w.store), 2000);
        world_close(&w);
}
END_TEST

START_TEST(one_at_a_time)
{
        struct world w, other;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_int_eq(world_open(&other, dir, false), -EBUSY);
        ck_assert_ptr_nonnull(strstr(other.d.text, "another"));
        world_close(&other);
        ck_assert_int_eq(world_open(&other, dir, true), 0);
        world_close(&other);
        world_close(&w);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_close(&w);
}
END_TEST

START_TEST(read_only_changes_nothing)
{
        struct world w;
        size_t size;
        ck_assert_int_eq(world_open(&w, dir, true), -ENOENT);
        world_close(&w);
        ck_assert(!file_exists(scratch, "var"));

        world_three_generations(&w, dir);
        world_close(&w);
        char *text = read_whole(dir, JOURNAL3, &size);
        write_whole(dir, SNAPSHOT3, "edited\n", 7);
        write_whole(dir, JOURNAL3, text, 150);
        write_whole(dir, ".journal-0000000000000004.tmp", "x", 1);
        char *lock = scratch_path(dir, "lock");
        ck_assert_int_eq(unlink(lock), 0);

        char *before = directory_print(dir);
        ck_assert_int_eq(world_open(&w, dir, true), 0);
        ck_assert(world_reported(&w, "corrupt-snapshot " SNAPSHOT3));
        ck_assert(world_reported(&w, "torn-tail " JOURNAL3));
        const struct state_record r = { .kind = STATE_LAYER_GONE, .name = "x" };
        ck_assert_int_eq(state_add(w.state, &r), -EROFS);
        ck_assert_int_eq(state_sync(w.state, &w.d), 0);
        ck_assert_int_eq(world_fold(&w), -EROFS);
        state_check_edits(w.state);
        world_close(&w);
        char *after = directory_print(dir);
        ck_assert_str_eq(before, after);
        ck_assert(!file_exists(dir, "lock"));
        free(before);
        free(after);
        free(lock);
        free(text);
}
END_TEST

START_TEST(batches)
{
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 1);
        const struct state_record good = { .kind = STATE_LAYER_GONE, .name = "x" };
        ck_assert_uint_eq(state_pending(w.state), 0);
        ck_assert_int_eq(state_add(w.state, &good), 0);
        size_t mark = state_pending(w.state);
        ck_assert_uint_gt(mark, 0);
        ck_assert_int_eq(state_add(w.state, &good), 0);
        ck_assert_uint_eq(state_pending(w.state), 2 * mark);
        /* What could not be read back is not taken, and the batch is as it was. */
        ck_assert_int_eq(
                state_add(w.state, &(struct state_record){ .kind = STATE_LAYER_GONE, .name = "\xff" }),
                -EINVAL);
        ck_assert_int_eq(state_add(w.state, &(struct state_record){ .op = { .code = 0x99 } }), -EINVAL);
        ck_assert_uint_eq(state_pending(w.state), 2 * mark);
        state_forget(w.state, mark);
        ck_assert_uint_eq(state_pending(w.state), mark);

        const struct state_record large = { .op = { .code = STORE_SET_VALUE,
                                                    .guid = test_guid(1),
                                                    .name = "n",
                                                    .layer = "base",
                                                    .data = big,
                                                    .size = sizeof(big),
                                                    .sequence = 99 } };
        int r = 0;
        unsigned n = 0;
        for (; r == 0; n++)
                r = state_add(w.state, &large);
        ck_assert_int_eq(r, -EFBIG);
        ck_assert_uint_eq(n, 64);
        struct state_record larger = large;
        larger.op.size = SIZE_MAX;
        ck_assert_int_eq(state_add(w.state, &larger), -EFBIG);
        ck_assert_int_eq(world_fold(&w), -EBUSY);
        state_forget(w.state, 0);
        ck_assert_uint_eq(state_pending(w.state), 0);
        world_close(&w);
        assert_script(1);
}
END_TEST

/* Where that is allowed; the sync then writes a snapshot. */
START_TEST(outgrows_a_frame)
{
        const struct state_record good = { .kind = STATE_LAYER_GONE, .name = "x" };
        const struct state_record bad = { .kind = STATE_LAYER_GONE, .name = "\xff" };
        const struct state_record large = { .op = { .code = STORE_SET_VALUE,
                                                    .guid = test_guid(3),
                                                    .name = "n",
                                                    .layer = "base",
                                                    .data = big,
                                                    .size = sizeof(big),
                                                    .sequence = 99 } };
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 4);
        ck_assert_int_eq(world_try_large(&w), 0);
        ck_assert(file_exists(dir, SNAPSHOT2));
        assert_on_disk(&w);
        /* If that file should be damaged another one must have it. */
        ck_assert_uint_eq(state_journal_size(w.state), SIZE_MAX);
        ck_assert_int_eq(world_fold(&w), 0);
        ck_assert_uint_lt(state_journal_size(w.state), 1000);
        ck_assert(file_exists(dir, SNAPSHOT2) && file_exists(dir, SNAPSHOT3));

        ck_assert_int_eq(state_add(w.state, &good), 0);
        size_t mark = state_pending(w.state);
        state_allow_large(w.state, true);
        for (unsigned i = 0; i < 70; i++)
                ck_assert_int_eq(state_add(w.state, &large), 0);
        ck_assert_int_eq(state_add(w.state, &bad), -EINVAL);
        state_allow_large(w.state, false);
        /* Withdrawn to where it fits, it is a frame. */
        state_forget(w.state, mark);
        ck_assert_int_eq(state_sync(w.state, &w.d), 0);
        world_run(&w, 4, 6);
        ck_assert(!file_exists(dir, SNAPSHOT4));
        assert_on_disk(&w);
        world_close(&w);
}
END_TEST

START_TEST(folds)
{
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 2);
        ck_assert_uint_gt(state_journal_size(w.state), 1000);
        for (unsigned i = 2; i <= 6; i++) {
                char name[64];
                ck_assert_int_eq(world_fold(&w), 0);
                ck_assert_uint_eq(state_journal_size(w.state), 0);
                /* Two generations are kept. */
                (void)snprintf(name, sizeof(name), "snapshot-%016x.yaml", i);
                ck_assert(file_exists(dir, name));
                for (unsigned g = 1; g <= i; g++) {
                        (void)snprintf(name, sizeof(name), "journal-%016x", g);
                        ck_assert_int_eq(file_exists(dir, name), i == 2 || g + 1 >= i);
                        (void)snprintf(name, sizeof(name), "snapshot-%016x.yaml", g);
                        ck_assert_int_eq(file_exists(dir, name), g > 1 && g + 1 >= i);
                }
                if (i < 6)
                        world_run(&w, i, i + 1);
        }
        world_close(&w);
        assert_script(6);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_uint_eq(w.reports.len, 0);
        world_close(&w);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { begins_empty, survives, sequence_survives, one_at_a_time,
                read_only_changes_nothing, batches, outgrows_a_frame, folds };
        return run_tests_with("state", tests, ARRAY_SIZE(tests), setup, teardown);
}
