/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file system that really is full. Needs root, for a small tmpfs in a mount namespace of its own. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../base/test-util.h"
#include "state-util.h"

static char *scratch, *dir;

static void setup(void)
{
        scratch = scratch_make();
        dir = scratch_path(scratch, "state");
        ck_assert_int_eq(mount("none", scratch, "tmpfs", 0, "size=3m"), 0);
}

static void teardown(void)
{
        ck_assert_int_eq(umount2(scratch, MNT_DETACH), 0);
        free(dir);
        scratch_remove(scratch);
}

/* Leaves at most a page. */
static void fill(void)
{
        static const char page[4096];
        char *path = scratch_path(scratch, "filler");
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        while (write(fd, page, sizeof(page)) > 0)
                ;
        ck_assert_int_eq(errno, ENOSPC);
        (void)close(fd);
        free(path);
}

/* Enough for a journal's header, not for a snapshot. */
static void leave_pages(void)
{
        struct stat st;
        char *path = scratch_path(scratch, "filler");
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(truncate(path, st.st_size - 16 * 4096), 0);
        free(path);
}

static void make_room(void)
{
        char *path = scratch_path(scratch, "filler");
        ck_assert_int_eq(unlink(path), 0);
        free(path);
}

static void assert_on_disk(const struct world *w)
{
        char *memory = world_contents(w), *disk = directory_contents(dir);
        ck_assert_ptr_nonnull(disk);
        ck_assert_str_eq(memory, disk);
        free(memory);
        free(disk);
}

static int write_value(struct world *w, const void *data, size_t size)
{
        ck_assert_int_eq(store_begin(w->store), 0);
        world_op(w, (struct store_op){ .code = STORE_SET_VALUE,
                            .guid = test_guid(3),
                            .name = "filler",
                            .layer = "base",
                            .type = 3,
                            .data = data,
                            .size = size,
                            .sequence = store_take_sequence(w->store) });
        int r = state_sync(w->state, &w->d);
        if (r < 0)
                store_rollback(w->store);
        else
                store_commit(w->store);
        return r;
}

START_TEST(journal_does_not_fit)
{
        static char data[300000];
        struct world w;
        unsigned written = 0;
        int r;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 4);
        while ((r = write_value(&w, data, sizeof(data))) == 0)
                written++;
        ck_assert_int_eq(r, -ENOSPC);
        ck_assert_uint_gt(written, 3);
        ck_assert_msg(strstr(w.d.text, "journal-0000000000000001: ") && strstr(w.d.text, "No space left"),
                "%s", w.d.text);
        assert_on_disk(&w);
        fill();
        ck_assert_int_eq(write_value(&w, data, sizeof(data)), -ENOSPC);
        assert_on_disk(&w);
        make_room();
        ck_assert_int_eq(write_value(&w, data, 1000), 0);
        assert_on_disk(&w);
        world_close(&w);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_uint_eq(w.reports.len, 0);
        assert_on_disk(&w);
        world_close(&w);
}
END_TEST

START_TEST(snapshot_does_not_fit)
{
        static char data[300000];
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 4);
        ck_assert_int_eq(write_value(&w, data, sizeof(data)), 0);
        fill();
        leave_pages();
        char *before = directory_print(dir);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(world_fold(&w), -ENOSPC);
                ck_assert_msg(strstr(w.d.text, "No space left") != NULL, "%s", w.d.text);
                ck_assert(world_reported(&w, "fold-failed\n"));
                char *after = directory_print(dir);
                ck_assert_str_eq(before, after);
                free(after);
        }
        free(before);
        assert_on_disk(&w);
        /* There is preallocated room in the journal. */
        ck_assert_int_eq(write_value(&w, data, 1000), 0);
        assert_on_disk(&w);
        make_room();
        ck_assert_int_eq(world_fold(&w), 0);
        assert_on_disk(&w);
        world_close(&w);
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        ck_assert_uint_eq(w.reports.len, 0);
        world_close(&w);
}
END_TEST

int main(void)
{
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                (void)fprintf(stderr,
                        "SKIP: no mount namespace (%s; needs root): a full file system was not tested\n",
                        strerror(errno));
                return 77;
        }
        const TTest *const tests[] = { journal_does_not_fit, snapshot_does_not_fit };
        return run_tests_with("state-full-disk", tests, ARRAY_SIZE(tests), setup, teardown);
}
