/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Somebody changes the files of a running provider. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/test-util.h"
#include "state-util.h"

#define SNAPSHOT2 "snapshot-0000000000000002.yaml"
#define JOURNAL1 "journal-0000000000000001"
#define JOURNAL2 "journal-0000000000000002"

static char *scratch, *dir;
static struct world w;

/* Four batches; the snapshot holds two of them, journal 2 the others. */
static void setup(void)
{
        scratch = scratch_make();
        dir = scratch_path(scratch, "state");
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 2);
        ck_assert_int_eq(world_fold(&w), 0);
        world_run(&w, 2, 4);
}

static void teardown(void)
{
        world_close(&w);
        free(dir);
        scratch_remove(scratch);
}

static void edit_in_place(const char *name)
{
        char *path = scratch_path(dir, name);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(pwrite(fd, "#", 1, 100), 1);
        (void)close(fd);
        free(path);
}

static void append(const char *name)
{
        char *path = scratch_path(dir, name);
        int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "x\n", 2), 2);
        (void)close(fd);
        free(path);
}

static void delete (const char *name)
{
        char *path = scratch_path(dir, name);
        ck_assert_int_eq(unlink(path), 0);
        free(path);
}

/* As editors do: a new file under the old name. The same bytes count as an edit, too. */
static void replace(const char *name)
{
        size_t size;
        char *text = read_whole(dir, name, &size);
        char *from = scratch_path(dir, "new"), *to = scratch_path(dir, name);
        write_whole(dir, "new", text, size);
        ck_assert_int_eq(rename(from, to), 0);
        free(text);
        free(from);
        free(to);
}

static const struct {
        const char *name;
        void (*change)(const char *name);
        bool stays; /* there is something to set aside */
} edits[] = {
        { SNAPSHOT2, edit_in_place, true },
        { SNAPSHOT2, append, true },
        { SNAPSHOT2, delete, false },
        { SNAPSHOT2, replace, true },
        { JOURNAL1, edit_in_place, true },
        { JOURNAL1, append, true },
        { JOURNAL1, delete, false },
        { JOURNAL2, append, true },
        { JOURNAL2, delete, false },
        { JOURNAL2, replace, true },
};

static void assert_all_there(unsigned n)
{
        char *text = directory_contents(dir), *expected = script_contents(n);
        ck_assert_ptr_nonnull(text);
        ck_assert_str_eq(text, expected);
        free(text);
        free(expected);
}

static void assert_aside(const char *name, bool expected)
{
        char corrupt[64];
        (void)snprintf(corrupt, sizeof(corrupt), "%s.corrupt-1", name);
        ck_assert_int_eq(file_exists(dir, corrupt), expected);
        ck_assert(!file_exists(dir, name));
}

START_TEST(nothing_changed)
{
        state_check_edits(w.state);
        ck_assert_uint_eq(w.reports.len, 0);
        /* Touched, and not changed. */
        char *path = scratch_path(dir, SNAPSHOT2);
        ck_assert_int_eq(chmod(path, 0640), 0);
        free(path);
        path = scratch_path(dir, JOURNAL1);
        ck_assert_int_eq(chmod(path, 0640), 0);
        free(path);
        state_check_edits(w.state);
        ck_assert_uint_eq(w.reports.len, 0);
        ck_assert_uint_lt(state_journal_size(w.state), SIZE_MAX);
}
END_TEST

START_TEST(told_once_then_folded)
{
        for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
                char expected[64];
                (void)snprintf(expected, sizeof(expected), "edited %s\n", edits[i].name);
                edits[i].change(edits[i].name);
                state_check_edits(w.state);
                state_check_edits(w.state);
                ck_assert_msg(
                        strcmp(buf_str(&w.reports), expected) == 0, "case %zu: %s", i, buf_str(&w.reports));
                ck_assert_uint_eq(state_journal_size(w.state), SIZE_MAX);
                ck_assert_int_eq(world_fold(&w), 0);
                ck_assert_uint_eq(state_journal_size(w.state), 0);
                assert_aside(edits[i].name, edits[i].stays);
                assert_all_there(4);
                world_run(&w, 4, 5);
                assert_all_there(5);
                teardown();
                setup();
        }
}
END_TEST

/* What is written after an edit that nobody noticed, or before the fold, is not lost. */
START_TEST(written_on)
{
        for (size_t i = 0; i < 2 * ARRAY_SIZE(edits); i++) {
                const char *name = edits[i / 2].name;
                bool current = strcmp(name, JOURNAL2) == 0;
                /* Nobody can see that the name is another file's unless told to look. */
                if (i % 2 == 0 && edits[i / 2].change == replace)
                        continue;
                edits[i / 2].change(name);
                if (i % 2)
                        state_check_edits(w.state);
                ck_assert_int_eq(state_sync(w.state, &w.d), 0);
                world_run(&w, 4, 6);
                ck_assert_int_eq(world_reported(&w, "edited"), i % 2 || current);
                assert_all_there(6);
                if (current)
                        assert_aside(name, edits[i / 2].stays);
                teardown();
                setup();
        }
}
END_TEST

/* A file that nobody looked at is looked at before it is removed. */
START_TEST(old_files_are_kept_if_changed)
{
        edit_in_place(SNAPSHOT2);
        append(JOURNAL1);
        ck_assert_int_eq(world_fold(&w), 0);
        ck_assert_str_eq(buf_str(&w.reports), "corrupt-journal " JOURNAL1 "\n");
        assert_aside(JOURNAL1, true);
        world_run(&w, 4, 5);
        ck_assert_int_eq(world_fold(&w), 0);
        assert_aside(SNAPSHOT2, true);
        ck_assert(world_reported(&w, "corrupt-snapshot " SNAPSHOT2));
        assert_all_there(5);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { nothing_changed, told_once_then_folded, written_on,
                old_files_are_kept_if_changed };
        return run_tests_with("state-edits", tests, ARRAY_SIZE(tests), setup, teardown);
}
