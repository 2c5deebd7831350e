/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories for the tests. */

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/file.h"
#include "registry-util.h"

char *path_join(const char *a, const char *b)
{
        struct buf buf = BUF_INIT;
        buf_printf(&buf, "%s/%s", a, b);
        ck_assert_int_eq(buf.error, 0);
        return buf.data;
}

static void for_each(const char *dir, void (*fn)(const char *path, const char *name, void *to), void *to)
{
        DIR *d = opendir(dir);
        ck_assert_msg(d != NULL, "%s", dir);
        for (const struct dirent *e; (e = readdir(d));) {
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                _cleanup_free_ char *path = path_join(dir, e->d_name);
                fn(path, e->d_name, to);
        }
        (void)closedir(d);
}

static void remove_one(const char *path, _unused_ const char *name, _unused_ void *to)
{
        if (unlink(path) < 0)
                remove_tree(path);
}

void remove_tree(const char *path)
{
        for_each(path, remove_one, NULL);
        ck_assert_int_eq(rmdir(path), 0);
}

static void copy_file(const char *from, const char *to)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        ck_assert_int_eq(file_read(AT_FDCWD, from, SIZE_MAX / 4, &text, NULL, NULL), 0);
        _cleanup_close_ int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(file_write_all(fd, buf_str(&text), text.len), 0);
}

static void copy_one(const char *path, const char *name, void *to)
{
        struct stat st;
        _cleanup_free_ char *target = path_join(to, name);
        ck_assert_int_eq(lstat(path, &st), 0);
        if (S_ISDIR(st.st_mode))
                copy_tree(path, target);
        else
                copy_file(path, target);
}

void copy_tree(const char *from, const char *to)
{
        ck_assert_int_eq(mkdir(to, 0700), 0);
        for_each(from, copy_one, (void *)to);
}

void world_write(struct world *w, const char *path, const char *text)
{
        _cleanup_free_ char *full = path_join(w->root, path);
        if (!text) {
                ck_assert_int_eq(unlink(full), 0);
                return;
        }
        char *slash = strrchr(full, '/');
        *slash = '\0';
        ck_assert_int_eq(file_make_dirs(full), 0);
        *slash = '/';
        _cleanup_close_ int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(file_write_all(fd, text, strlen(text)), 0);
}
