/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/base/file.h"
#include "suite.h"

void scratch_new(struct scratch *s)
{
        (void)snprintf(s->root, sizeof(s->root), "%s/peios-test-XXXXXX", suite_scratch());
        ck_assert_ptr_nonnull(mkdtemp(s->root));
}

void scratch_done(struct scratch *s)
{
        scratch_remove(s, "");
}

struct scratch scratch_root;

void scratch_setup(void)
{
        scratch_new(&scratch_root);
}

void scratch_teardown(void)
{
        scratch_done(&scratch_root);
}

const char *scratch_path(const struct scratch *s, const char *path)
{
        static char ring[4][PATH_MAX];
        static unsigned next;

        char *ret = ring[next++ % ARRAY_SIZE(ring)];
        (void)snprintf(ret, PATH_MAX, "%s%s%s", s->root, path[0] == '/' || !path[0] ? "" : "/", path);
        return ret;
}

/* Free, and with its parents. */
static const char *make_way(const struct scratch *s, const char *path)
{
        char parent[PATH_MAX];
        (void)strcpy(parent, scratch_path(s, path));
        *strrchr(parent, '/') = '\0';
        ck_assert_int_eq(file_make_dirs(parent), 0);
        scratch_remove(s, path);
        return scratch_path(s, path);
}

void scratch_write(const struct scratch *s, const char *path, const void *data, size_t n)
{
        _cleanup_close_ int fd = creat(make_way(s, path), 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(file_write_all(fd, data, n), 0);
}

void scratch_puts(const struct scratch *s, const char *path, const char *text)
{
        scratch_write(s, path, text, strlen(text));
}

void scratch_folder(const struct scratch *s, const char *path)
{
        ck_assert_int_eq(file_make_dirs(scratch_path(s, path)), 0);
}

void scratch_link(const struct scratch *s, const char *path, const char *target)
{
        ck_assert_int_eq(symlink(target, make_way(s, path)), 0);
}

void scratch_fifo(const struct scratch *s, const char *path)
{
        ck_assert_int_eq(mkfifo(make_way(s, path), 0644), 0);
}

void scratch_sparse(const struct scratch *s, const char *path, size_t n)
{
        scratch_puts(s, path, "");
        ck_assert_int_eq(truncate(scratch_path(s, path), (off_t)n), 0);
}

bool scratch_read(const struct scratch *s, const char *path, struct buf *ret)
{
        buf_clear(ret);
        int r = file_read(AT_FDCWD, scratch_path(s, path), SIZE_MAX / 4, ret, NULL, NULL);
        if (r == -ENOENT)
                return false;
        ck_assert_int_eq(r, 0);
        return true;
}

/* Both of the copy that is under way. */
static const struct scratch *copied, *copy;

static int copy_one(const char *path, _unused_ const struct stat *st, int type, _unused_ struct FTW *ftw)
{
        const char *below = path + strlen(copied->root);
        _cleanup_buf_ struct buf bytes = BUF_INIT;

        if (type == FTW_F && scratch_read(copied, below, &bytes))
                scratch_write(copy, below, buf_str(&bytes), bytes.len);
        else if (type == FTW_D)
                scratch_folder(copy, below);
        return 0;
}

void scratch_copy(const struct scratch *s, const struct scratch *from)
{
        copied = from;
        copy = s;
        ck_assert_int_eq(nftw(from->root, copy_one, 16, FTW_PHYS), 0);
}

bool scratch_exists(const struct scratch *s, const char *path)
{
        struct stat st;

        return lstat(scratch_path(s, path), &st) == 0;
}

static int remove_one(
        const char *path, _unused_ const struct stat *st, _unused_ int type, _unused_ struct FTW *ftw)
{
        return remove(path);
}

void scratch_remove(const struct scratch *s, const char *path)
{
        (void)nftw(scratch_path(s, path), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

unsigned scratch_count(const struct scratch *s, const char *path)
{
        DIR *dir = opendir(scratch_path(s, path));
        if (!dir)
                return 0;
        unsigned n = 0;
        while (readdir(dir))
                n++;
        (void)closedir(dir);
        return n - 2;
}
