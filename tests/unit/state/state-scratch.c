/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/crc32c.h"
#include "../../../schema/base/fileio.h"
#include "state-util.h"

char *scratch_make(void)
{
        const char *base = getenv("TMPDIR");
        struct buf b = BUF_INIT;
        char *path;
        buf_printf(&b, "%s/test-state-XXXXXX", base ? base : "/tmp");
        ck_assert_int_eq(buf_finish(&b, &path, NULL), 0);
        ck_assert_ptr_nonnull(mkdtemp(path));
        return path;
}

char *scratch_path(const char *scratch, const char *name)
{
        struct buf b = BUF_INIT;
        char *path;
        buf_printf(&b, "%s/%s", scratch, name);
        ck_assert_int_eq(buf_finish(&b, &path, NULL), 0);
        return path;
}

static void remove_tree(const char *path)
{
        DIR *d = opendir(path);
        ck_assert_ptr_nonnull(d);
        for (const struct dirent *e; (e = readdir(d));) {
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                char *inner = scratch_path(path, e->d_name);
                if (unlink(inner) < 0)
                        remove_tree(inner);
                free(inner);
        }
        (void)closedir(d);
        ck_assert_int_eq(rmdir(path), 0);
}

void scratch_remove(char *scratch)
{
        remove_tree(scratch);
        free(scratch);
}

static int not_hidden(const struct dirent *e)
{
        return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, "lock") != 0;
}

char *read_whole(const char *dir, const char *name, size_t *ret_size)
{
        struct buf b = BUF_INIT;
        char *text, *path = scratch_path(dir, name);
        int r = read_file(AT_FDCWD, path, SIZE_MAX / 4, &b, NULL, NULL);
        ck_assert_msg(r == 0, "%s: %s", path, strerror(-r));
        ck_assert_int_eq(buf_finish(&b, &text, ret_size), 0);
        free(path);
        return text;
}

void write_whole(const char *dir, const char *name, const void *data, size_t size)
{
        char *path = scratch_path(dir, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write_all(fd, data, size), 0);
        (void)close(fd);
        free(path);
}

void copy_directory(const char *from, const char *to)
{
        struct dirent **list;
        int n = scandir(from, &list, not_hidden, alphasort);
        ck_assert_int_ge(n, 0);
        ck_assert(mkdir(to, 0700) == 0 || errno == EEXIST);
        for (int i = 0; i < n; i++) {
                size_t size;
                char *text = read_whole(from, list[i]->d_name, &size);
                write_whole(to, list[i]->d_name, text, size);
                free(text);
                free(list[i]);
        }
        free(list);
}

bool file_exists(const char *dir, const char *name)
{
        char *path = scratch_path(dir, name);
        bool exists = access(path, F_OK) == 0;
        free(path);
        return exists;
}

char *directory_print(const char *dir)
{
        struct dirent **list;
        struct buf b = BUF_INIT;
        char *text;
        int n = scandir(dir, &list, not_hidden, alphasort);
        ck_assert_int_ge(n, 0);
        for (int i = 0; i < n; i++) {
                size_t size;
                struct stat st;
                char *path = scratch_path(dir, list[i]->d_name);
                char *contents = read_whole(dir, list[i]->d_name, &size);
                ck_assert_int_eq(stat(path, &st), 0);
                buf_printf(&b, "%s inode %ju size %zu changed %jd.%09ld crc %08" PRIx32 "\n",
                        list[i]->d_name, (uintmax_t)st.st_ino, size, (intmax_t)st.st_ctim.tv_sec,
                        st.st_ctim.tv_nsec, crc32c(0, contents, size));
                free(contents);
                free(path);
                free(list[i]);
        }
        free(list);
        ck_assert_int_eq(buf_finish(&b, &text, NULL), 0);
        return text;
}
