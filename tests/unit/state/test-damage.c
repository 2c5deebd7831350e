/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole files of a state directory that are damaged, missing, or of another version. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/crc32c.h"
#include "../../../schema/values/value.h"
#include "../base/test-util.h"
#include "state-util.h"

#define SNAPSHOT2 "snapshot-0000000000000002.yaml"
#define SNAPSHOT3 "snapshot-0000000000000003.yaml"
#define JOURNAL1 "journal-0000000000000001"
#define JOURNAL3 "journal-0000000000000003"

static char *scratch, *dir;

static void setup(void)
{
        scratch = scratch_make();
        dir = scratch_path(scratch, "state");
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

/* Every way in which the newest snapshot may be unusable. */
START_TEST(damaged_snapshot)
{
        enum {
                EMPTY,
                CUT,
                EDITED,
                GARBLED,
                DIRECTORY,
                N
        };
        struct world w;
        size_t size;
        world_three_generations(&w, dir);
        world_close(&w);
        char *text = read_whole(dir, SNAPSHOT3, &size);
        for (int kind = 0; kind < N; kind++) {
                char *at = scratch_path(scratch, "copy"), *path = scratch_path(at, SNAPSHOT3);
                copy_directory(dir, at);
                text[kind == EDITED ? size / 2 : 0] ^= 1;
                write_whole(at, SNAPSHOT3, text,
                        kind == EMPTY    ? 0
                        : kind == CUT    ? size / 2
                        : kind == EDITED ? size
                                         : 1);
                text[kind == EDITED ? size / 2 : 0] ^= 1;
                if (kind == DIRECTORY) {
                        ck_assert_int_eq(unlink(path), 0);
                        ck_assert_int_eq(mkdir(path, 0700), 0);
                }
                ck_assert_int_eq(world_open(&w, at, false), 0);
                ck_assert_str_eq(buf_str(&w.reports), "corrupt-snapshot " SNAPSHOT3 "\n");
                char *now = world_contents(&w), *expected = script_contents(6);
                ck_assert_str_eq(now, expected);
                world_close(&w);
                ck_assert(file_exists(at, SNAPSHOT3 ".corrupt-1"));
                ck_assert(!file_exists(at, SNAPSHOT3));
                ck_assert(file_exists(at, "snapshot-0000000000000004.yaml"));
                /* And that is over. */
                ck_assert_int_eq(world_open(&w, at, false), 0);
                ck_assert_uint_eq(w.reports.len, 0);
                world_close(&w);
                free(expected);
                free(now);
                free(path);
                scratch_remove(at);
        }
        free(text);
}
END_TEST

/* Before the second fold everything from the very first change is there; and nothing is overwritten. */
START_TEST(first_snapshot_damaged)
{
        struct world w;
        size_t size;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 2);
        ck_assert_int_eq(world_fold(&w), 0);
        world_run(&w, 2, 4);
        world_close(&w);
        write_whole(dir, SNAPSHOT2, "x", 1);
        write_whole(dir, SNAPSHOT2 ".corrupt-1", "older", 5);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_str_eq(buf_str(&w.reports), "corrupt-snapshot " SNAPSHOT2 "\n");
        world_close(&w);
        assert_script(4);
        char *text = read_whole(dir, SNAPSHOT2 ".corrupt-1", &size);
        ck_assert_uint_eq(size, 5);
        free(text);
        ck_assert(file_exists(dir, SNAPSHOT2 ".corrupt-2"));
}
END_TEST

START_TEST(nothing_left)
{
        struct world w;
        world_three_generations(&w, dir);
        ck_assert_int_eq(world_fold(&w), 0);
        world_close(&w);
        write_whole(dir, SNAPSHOT3, "x", 1);
        write_whole(dir, "snapshot-0000000000000004.yaml", "x", 1);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_str_eq(buf_str(&w.reports),
                "corrupt-snapshot snapshot-0000000000000004.yaml\ncorrupt-snapshot " SNAPSHOT3
                "\ncorrupt-journal " JOURNAL1 "\ncorrupt-journal " JOURNAL3 "\n");
        world_run(&w, 0, 2);
        world_close(&w);
        ck_assert(file_exists(dir, JOURNAL3 ".corrupt-1"));
        assert_script(2);
}
END_TEST

START_TEST(missing_journal)
{
        struct world w;
        world_three_generations(&w, dir);
        world_close(&w);
        char *path = scratch_path(dir, JOURNAL3);
        ck_assert_int_eq(unlink(path), 0);
        free(path);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_str_eq(buf_str(&w.reports), "corrupt-journal " JOURNAL3 "\n");
        world_close(&w);
        assert_script(4);
}
END_TEST

/* One value that cannot be: its file is set aside, and all else counts, before it, beside it and behind it.
 */
START_TEST(values_that_cannot_be)
{
        static const struct {
                const char *report;
                unsigned before, folds;
        } cases[] = {
                { "corrupt-journal journal-0000000000000001\n", 2, 0 },
                { "corrupt-journal journal-0000000000000002\n", 4, 1 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world w;
                char name[300] = { 0 };
                memset(name, 'n', 256);
                struct store_op op = { .code = STORE_SET_VALUE,
                        .guid = test_guid(3),
                        .name = "V",
                        .layer = "base",
                        .type = i == 0 ? REG_SZ : 12,
                        .data = "x",
                        .size = 1 };
                if (i == 0)
                        op.name = name;
                ck_assert_int_eq(world_open(&w, dir, false), 0);
                world_run(&w, 0, cases[i].before);
                if (cases[i].folds > 0)
                        ck_assert_int_eq(world_fold(&w), 0);
                op.sequence = store_last_sequence(w.store) + 1000;
                ck_assert_int_eq(store_apply(w.store, &op), -EDOM);
                /* In the middle of a batch. */
                world_script(&w, cases[i].before);
                ck_assert_int_eq(
                        state_add(w.state, &(struct state_record){ .kind = STATE_OP, .op = op }), 0);
                world_script(&w, cases[i].before + 1);
                ck_assert_int_eq(state_sync(w.state, NULL), 0);
                world_close(&w);

                ck_assert_int_eq(world_open(&w, dir, false), 0);
                ck_assert_str_eq(buf_str(&w.reports), cases[i].report);
                char *now = world_contents(&w), *expected = script_contents(cases[i].before + 2);
                ck_assert_str_eq(now, expected);
                free(now);
                free(expected);
                world_close(&w);
                /* And that is over. */
                ck_assert_int_eq(world_open(&w, dir, false), 0);
                ck_assert_uint_eq(w.reports.len, 0);
                world_close(&w);
                assert_script(cases[i].before + 2);
                teardown();
                setup();
        }
}
END_TEST

START_TEST(snapshot_with_a_value_that_cannot_be)
{
        _cleanup_buf_ struct buf edited = BUF_INIT;
        struct world w;
        size_t size;
        world_three_generations(&w, dir);
        world_close(&w);
        char *text = read_whole(dir, SNAPSHOT3, &size), *expected = script_contents(6);
        char *at = memmem(text, size, "\"%X%\"", 5), *type = at - strlen("!expand ");
        size_t before = (size_t)(type - text);
        buf_add(&edited, text, before);
        buf_puts(&edited, "!0xc \"00\"");
        size_t after = (size_t)(at + 5 - text), trailer = strlen("# crc32c: 01234567\n");
        buf_add(&edited, text + after, size - after - trailer);
        buf_printf(&edited, "# crc32c: %08x\n", crc32c(0, edited.data, edited.len));
        write_whole(dir, SNAPSHOT3, edited.data, edited.len);

        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_str_eq(buf_str(&w.reports), "corrupt-snapshot " SNAPSHOT3 "\n");
        char *now = world_contents(&w);
        world_close(&w);
        ck_assert(file_exists(dir, SNAPSHOT3 ".corrupt-1"));
        /* But for that one line it is the same. */
        size_t same = 0, n = strlen(now);
        while (same < n && now[same] == expected[same])
                same++;
        size_t rest = strlen(strchr(expected + same, '\n') + 1);
        ck_assert_uint_lt(n, strlen(expected));
        ck_assert_str_eq(now + n - rest, expected + strlen(expected) - rest);
        free(now);
        free(expected);
        free(text);
}
END_TEST

START_TEST(newer_version)
{
        struct world w;
        world_three_generations(&w, dir);
        world_close(&w);
        /* A sound header that says version 2. */
        static const char header[64] =
                "PeiosJnl\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
                "12345678\0\0\0\0\0\0\0\0\0\0\0\0\xee\x85\xdd\xaf";
        write_whole(dir, JOURNAL3, header, sizeof(header));
        char *before = directory_print(dir);
        ck_assert_int_eq(world_open(&w, dir, false), -EPROTONOSUPPORT);
        ck_assert_ptr_nonnull(strstr(w.d.text, "another format version"));
        world_close(&w);
        char *after = directory_print(dir);
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { damaged_snapshot, first_snapshot_damaged, nothing_left,
                missing_journal, values_that_cannot_be, snapshot_with_a_value_that_cannot_be,
                newer_version };
        return run_tests_with("state-damage", tests, ARRAY_SIZE(tests), setup, teardown);
}
