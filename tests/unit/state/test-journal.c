/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Journals that were torn or damaged. */

#include <errno.h>
#include <string.h>

#include "../../../registry-provider/state/frame.h"
#include "../base/test-util.h"
#include "state-util.h"

#define JOURNAL "journal-0000000000000001"

static char *scratch, *dir, *work;

static void setup(void)
{
        scratch = scratch_make();
        dir = scratch_path(scratch, "state");
        work = scratch_path(scratch, "work");
}

static void teardown(void)
{
        free(dir);
        free(work);
        scratch_remove(scratch);
}

/* Where each frame of a journal ends; ends[0] is where the first begins. */
static size_t frame_ends(const char *text, size_t size, size_t ends[static 16])
{
        struct journal_header h;
        struct frame f;
        size_t n = 0, offset = JOURNAL_HEADER_SIZE;

        ck_assert_int_eq(journal_header_parse(text, size, &h), 0);
        ends[0] = offset;
        while (frame_next(&h, text, size, n + 1, &offset, &f) == FRAME_GOOD)
                ends[++n] = offset;
        return n;
}

static void assert_contents(const char *at, const char *expected)
{
        char *text = directory_contents(at);
        ck_assert_ptr_nonnull(text);
        ck_assert_str_eq(text, expected);
        free(text);
}

/* Opens for writing, sees that nothing was lost, writes on, and sees that it lasts. */
static void assert_goes_on(const char *at, const char *expected, const char *kind)
{
        struct world w;
        ck_assert_int_eq(world_open(&w, at, false), 0);
        char *text = world_contents(&w);
        ck_assert_str_eq(text, expected);
        free(text);
        ck_assert_str_eq(buf_str(&w.reports), kind);
        world_op(&w, (struct store_op){ .code = STORE_SET_VALUE,
                             .guid = test_guid(1),
                             .name = "more",
                             .layer = "base",
                             .sequence = store_take_sequence(w.store) });
        ck_assert_int_eq(state_sync(w.state, &w.d), 0);
        text = world_contents(&w);
        world_close(&w);
        assert_contents(at, text);
        free(text);
}

enum harm {
        HARM_CUT,
        HARM_ZERO,
        HARM_GARBLE,
        HARM_KINDS,
};

static size_t harm(char *text, size_t size, size_t from, size_t to, enum harm kind)
{
        if (kind == HARM_CUT)
                return from;
        if (kind == HARM_ZERO)
                memset(text + from, 0, to - from);
        for (size_t i = from; kind == HARM_GARBLE && i < to; i++)
                text[i] ^= 0x55;
        return size;
}

/* Every byte from which on the last frame may not have reached the disk. */
START_TEST(torn_at_every_byte)
{
        size_t size, ends[16];
        struct world w;

        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 5);
        char *before = world_contents(&w);
        world_run(&w, 5, 6);
        char *after = world_contents(&w);
        world_close(&w);
        char *text = read_whole(dir, JOURNAL, &size);
        ck_assert_uint_eq(frame_ends(text, size, ends), 6);

        /* Some zeros behind it are as good as a MiB of them. */
        size = ends[6] + 1000;
        copy_directory(dir, work);
        for (size_t from = ends[5]; from <= ends[6]; from++)
                for (enum harm kind = 0; kind < HARM_KINDS; kind++) {
                        char *copy = malloc(size);
                        ck_assert_ptr_nonnull(copy);
                        memcpy(copy, text, size);
                        size_t n = harm(copy, size, from, ends[6], kind);
                        /* A frame whose rest is zeros anyway is whole. */
                        bool whole = n >= ends[6] && memcmp(copy, text, ends[6]) == 0;
                        bool clean = whole || from == ends[5];
                        write_whole(work, JOURNAL, copy, n);
                        assert_contents(work, whole ? after : before);
                        if (kind == HARM_GARBLE ? from % 16 == 0 : from % 64 == 1)
                                assert_goes_on(work, whole ? after : before,
                                        clean && kind != HARM_GARBLE ? "" : "torn-tail " JOURNAL "\n");
                        free(copy);
                }
        free(text);
        free(before);
        free(after);
}
END_TEST

START_TEST(bad_frame_in_the_middle)
{
        size_t size, ends[16];
        struct world w;

        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 6);
        world_close(&w);
        char *text = read_whole(dir, JOURNAL, &size);
        ck_assert_uint_eq(frame_ends(text, size, ends), 6);

        for (unsigned bad = 0; bad < 5; bad++) {
                static const size_t places[] = { 0, 8, 16, 24, 32, 36, FRAME_HEADER_SIZE, 90 };
                char *expected = script_contents(bad);
                for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                        char *at = scratch_path(scratch, "damaged");
                        text[ends[bad] + places[i]] ^= 1;
                        copy_directory(dir, at);
                        write_whole(at, JOURNAL, text, size);
                        assert_contents(at, expected);
                        ck_assert_int_eq(world_open(&w, at, false), 0);
                        ck_assert_str_eq(buf_str(&w.reports), "corrupt-journal " JOURNAL "\n");
                        char *now = world_contents(&w);
                        ck_assert_str_eq(now, expected);
                        free(now);
                        world_run(&w, bad, bad + 1);
                        world_close(&w);

                        /* The damaged file is kept as it was, and nothing needs it. */
                        size_t kept_size;
                        char *kept = read_whole(at, JOURNAL ".corrupt-1", &kept_size);
                        ck_assert_uint_eq(kept_size, size);
                        ck_assert(memcmp(kept, text, size) == 0);
                        ck_assert(!file_exists(at, JOURNAL));
                        free(kept);
                        char *next = script_contents(bad + 1);
                        assert_contents(at, next);
                        free(next);
                        text[ends[bad] + places[i]] ^= 1;
                        scratch_remove(at);
                }
                free(expected);
        }
        free(text);
}
END_TEST

/* Frames that are good one by one, but not where they are: one twice, one missing, one of another journal.
 */
START_TEST(misplaced_frames)
{
        size_t size, ends[16];
        struct world w;

        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 3);
        world_close(&w);
        char *text = read_whole(dir, JOURNAL, &size);
        ck_assert_uint_eq(frame_ends(text, size, ends), 3);
        char *one = script_contents(1);

        char *copy = calloc(1, size);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text, ends[1]);
        memcpy(copy + ends[1], text + ends[0], ends[1] - ends[0]);
        copy_directory(dir, work);
        write_whole(work, JOURNAL, copy, size);
        assert_goes_on(work, one, "corrupt-journal " JOURNAL "\n");

        memset(copy + ends[1], 0, size - ends[1]);
        memcpy(copy + ends[1], text + ends[2], ends[3] - ends[2]);
        scratch_remove(work);
        work = scratch_path(scratch, "work");
        copy_directory(dir, work);
        write_whole(work, JOURNAL, copy, size);
        assert_goes_on(work, one, "corrupt-journal " JOURNAL "\n");

        /* Of another journal: nothing that this one knows, so it is a torn end. */
        char *other = scratch_path(scratch, "other");
        ck_assert_int_eq(world_open(&w, other, false), 0);
        world_run(&w, 0, 2);
        world_close(&w);
        size_t other_size, other_ends[16];
        char *other_text = read_whole(other, JOURNAL, &other_size);
        ck_assert_uint_eq(frame_ends(other_text, other_size, other_ends), 2);
        memset(copy + ends[1], 0, size - ends[1]);
        memcpy(copy + ends[1], other_text + other_ends[1], other_ends[2] - other_ends[1]);
        scratch_remove(work);
        work = scratch_path(scratch, "work");
        copy_directory(dir, work);
        write_whole(work, JOURNAL, copy, size);
        assert_goes_on(work, one, "torn-tail " JOURNAL "\n");
        free(other_text);
        free(other);
        free(copy);
        free(text);
        free(one);
}
END_TEST

/* A sound frame whose last record contradicts what there is: nothing of it may stay. */
START_TEST(contradicting_frame)
{
        const struct guid one = test_guid(1);
        const struct state_record good[] = {
                { .op = { .code = STORE_SET_VALUE,
                          .guid = one,
                          .name = "new",
                          .layer = "base",
                          .sequence = 500 } },
                { .kind = STATE_HIVE, .name = "Other", .root = one },
                { .kind = STATE_LAYER, .name = "other", .file = "/x" },
        };
        const struct state_record bad[] = {
                { .op = { .code = STORE_CREATE_KEY, .guid = one, .name = "again" } },
                { .op = { .code = STORE_DELETE_VALUE, .guid = { { 1 } }, .name = "x", .layer = "base" } },
                { .kind = STATE_HIVE, .name = "MACHINE", .root = one },
                { .kind = STATE_LAYER, .name = "BASE", .file = "/x" },
        };
        size_t size, ends[16];
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 1);
        world_close(&w);
        char *text = read_whole(dir, JOURNAL, &size), *expected = script_contents(1);
        ck_assert_uint_eq(frame_ends(text, size, ends), 1);

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_buf_ struct buf payload = BUF_INIT;
                struct journal_header h;
                ck_assert_int_eq(journal_header_parse(text, size, &h), 0);
                for (size_t g = 0; g < ARRAY_SIZE(good); g++)
                        state_encode(&payload, &good[g]);
                state_encode(&payload, &bad[i]);
                const struct frame f = { .number = 2, .payload = payload.data, .size = payload.len };
                frame_format(&h, &f, (uint8_t *)text + ends[1]);
                memcpy(text + ends[1] + FRAME_HEADER_SIZE, payload.data, payload.len);
                copy_directory(dir, work);
                write_whole(work, JOURNAL, text, size);
                assert_goes_on(work, expected, "corrupt-journal " JOURNAL "\n");
                scratch_remove(work);
                work = scratch_path(scratch, "work");
        }
        free(text);
        free(expected);
}
END_TEST

START_TEST(bad_header)
{
        size_t size;
        struct world w;

        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 3);
        ck_assert_int_eq(world_fold(&w), 0);
        char *folded = world_contents(&w);
        world_run(&w, 3, 5);
        world_close(&w);

        static const char name[] = "journal-0000000000000002";
        char *text = read_whole(dir, name, &size);
        for (size_t i = 0; i < JOURNAL_HEADER_SIZE; i += 4) {
                char *at = scratch_path(scratch, "damaged");
                text[i] ^= 1;
                copy_directory(dir, at);
                write_whole(at, name, text, i == 8 ? 30 : size);
                assert_goes_on(at, folded, "corrupt-journal journal-0000000000000002\n");
                ck_assert(file_exists(at, "journal-0000000000000002.corrupt-1"));
                text[i] ^= 1;
                scratch_remove(at);
        }
        free(text);
        free(folded);
}
END_TEST

/* A journal that another generation follows has no torn end: what is missing there is damage. */
START_TEST(cut_before_the_last)
{
        size_t size, ends[16];
        struct world w;

        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 3);
        ck_assert_int_eq(world_fold(&w), 0);
        world_run(&w, 3, 6);
        world_close(&w);
        char *text = read_whole(dir, JOURNAL, &size);
        ck_assert_uint_eq(frame_ends(text, size, ends), 3);
        write_whole(dir, JOURNAL, text, ends[2]);
        write_whole(dir, "snapshot-0000000000000002.yaml", "x", 1);
        char *two = script_contents(2);
        assert_goes_on(dir, two,
                "corrupt-snapshot snapshot-0000000000000002.yaml\n"
                "corrupt-journal journal-0000000000000001\n"
                "corrupt-journal journal-0000000000000002\n");
        free(two);
        free(text);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { torn_at_every_byte, bad_frame_in_the_middle, misplaced_frames,
                contradicting_frame, bad_header, cut_before_the_last };
        return run_tests_with("state-journal", tests, ARRAY_SIZE(tests), setup, teardown);
}
