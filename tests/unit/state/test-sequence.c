/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sequence numbers that no record tells of: of changes in memory only, and of ones that failed. */

#include <string.h>

#include "../base/test-util.h"
#include "state-util.h"

#define FRAME 40u
#define BLOCK 1024u

static char *scratch, *dir;
static struct world w;

static void setup(void)
{
        scratch = scratch_make();
        dir = scratch_path(scratch, "state");
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 2);
}

static void teardown(void)
{
        world_close(&w);
        free(dir);
        scratch_remove(scratch);
}

static uint64_t last(void)
{
        return store_last_sequence(w.store);
}

static uint64_t take_and_sync(void)
{
        uint64_t taken = store_take_sequence(w.store);
        ck_assert_int_eq(state_sync(w.state, &w.d), 0);
        return taken;
}

/* As after a crash: nothing is said at the end. */
static void open_again(bool read_only)
{
        world_close(&w);
        ck_assert_int_eq(world_open(&w, dir, read_only), 0);
        ck_assert_str_eq(buf_str(&w.reports), "");
}

START_TEST(begins_behind_the_block)
{
        size_t size = state_journal_size(w.state);
        uint64_t taken = take_and_sync();
        ck_assert_uint_eq(state_journal_size(w.state), size + FRAME);
        open_again(false);
        ck_assert_uint_eq(last(), taken + BLOCK);
        char *memory = world_contents(&w), *expected = script_contents(2);
        ck_assert_str_eq(memory, expected);
        free(memory);
        free(expected);
        /* Nothing is written where nothing is taken. */
        size = state_journal_size(w.state);
        ck_assert_int_eq(state_sync(w.state, &w.d), 0);
        state_record_sequence(w.state);
        ck_assert_uint_eq(state_journal_size(w.state), size);
}
END_TEST

START_TEST(a_block_costs_one_frame)
{
        size_t size = state_journal_size(w.state);
        for (unsigned i = 0; i <= BLOCK; i++)
                (void)take_and_sync();
        ck_assert_uint_eq(state_journal_size(w.state), size + FRAME);
        uint64_t taken = take_and_sync();
        ck_assert_uint_eq(state_journal_size(w.state), size + 2u * FRAME);
        open_again(false);
        ck_assert_uint_ge(last(), taken);
}
END_TEST

/* Also where records come after the block was set aside. */
START_TEST(records_do_not_end_the_block)
{
        (void)take_and_sync();
        world_run(&w, 2, 3);
        size_t size = state_journal_size(w.state);
        uint64_t taken = take_and_sync();
        ck_assert_uint_eq(state_journal_size(w.state), size);
        open_again(false);
        ck_assert_uint_ge(last(), taken);
}
END_TEST

START_TEST(a_clean_stop_gives_back)
{
        (void)take_and_sync();
        uint64_t taken = take_and_sync();
        state_record_sequence(w.state);
        open_again(false);
        ck_assert_uint_eq(last(), taken);
        (void)take_and_sync();
        open_again(false);
        ck_assert_uint_eq(last(), taken + 1 + BLOCK);
        /* One that was not synced. */
        taken = store_take_sequence(w.store);
        state_record_sequence(w.state);
        open_again(false);
        ck_assert_uint_eq(last(), taken);
}
END_TEST

/* What waits in the batch was not answered for, and is not written. */
START_TEST(a_batch_is_not_written_at_the_end)
{
        char *expected = script_contents(2);
        world_script(&w, 2);
        state_record_sequence(w.state);
        open_again(false);
        char *memory = world_contents(&w);
        ck_assert_str_eq(memory, expected);
        free(memory);
        free(expected);
}
END_TEST

START_TEST(a_fold_gives_back)
{
        uint64_t taken = take_and_sync();
        ck_assert_int_eq(world_fold(&w), 0);
        open_again(false);
        ck_assert_uint_eq(last(), taken);
        ck_assert_int_eq(world_fold(&w), 0);
        taken = take_and_sync();
        open_again(false);
        ck_assert_uint_ge(last(), taken);
}
END_TEST

START_TEST(reading_writes_nothing)
{
        uint64_t taken = take_and_sync();
        char *before = directory_print(dir);
        open_again(true);
        ck_assert_uint_ge(last(), taken);
        (void)take_and_sync();
        state_record_sequence(w.state);
        char *after = directory_print(dir);
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
}
END_TEST

/* Somebody removed the journal: only a snapshot of all counts. */
START_TEST(without_a_journal)
{
        char *path = scratch_path(dir, "journal-0000000000000001");
        ck_assert_int_eq(unlink(path), 0);
        free(path);
        uint64_t taken = take_and_sync();
        world_close(&w);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_uint_ge(last(), taken);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { begins_behind_the_block, a_block_costs_one_frame,
                records_do_not_end_the_block, a_clean_stop_gives_back, a_batch_is_not_written_at_the_end,
                a_fold_gives_back, reading_writes_nothing, without_a_journal };
        return run_tests_with("state-sequence", tests, ARRAY_SIZE(tests), setup, teardown);
}
