/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static char root[256];

void tree_make(void)
{
        (void)snprintf(root, sizeof(root), "%s/peios-test-XXXXXX", suite_scratch());
        ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

void tree_remove(void)
{
        ck_assert_int_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *tree_root(void)
{
        return root;
}

/* The path, with its parents made. */
static const char *prepare(const char *path)
{
        static char full[PATH_MAX];
        int n = snprintf(full, sizeof(full), "%s%s", root, path);
        ck_assert(n > 0 && (size_t)n < sizeof(full));
        for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                ck_assert(mkdir(full, 0755) == 0 || errno == EEXIST);
                *p = '/';
        }
        return full;
}

static int create(const char *path)
{
        int fd = open(prepare(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        return fd;
}

void tree_put_bytes(const char *path, const void *data, size_t n)
{
        int fd = create(path);
        ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
        (void)close(fd);
}

void tree_put(const char *path, const char *text)
{
        if (text)
                tree_put_bytes(path, text, strlen(text));
        else
                ck_assert_int_eq(mkdir(prepare(path), 0755), 0);
}

void tree_put_size(const char *path, size_t n)
{
        int fd = create(path);
        ck_assert_int_eq(ftruncate(fd, (off_t)n), 0);
        (void)close(fd);
}

void tree_link(const char *path, const char *target)
{
        ck_assert_int_eq(symlink(target, prepare(path)), 0);
}

void tree_fifo(const char *path)
{
        ck_assert_int_eq(mkfifo(prepare(path), 0644), 0);
}

void tree_unlink(const char *path)
{
        ck_assert_int_eq(unlink(prepare(path)), 0);
}
