/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../schema/base/file.h"

/* The collector leaves alone what does not end in .prom. */
#define TEMPORARY_FORMAT ".%s.tmp"

/* Not synced: a file from before a power cut is out of date, and the service writes it anew when it starts.
 */
static int write_temporary(int dir, const char *temporary, const void *data, size_t n)
{
        _cleanup_close_ int fd =
                openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        if (fchmod(fd, 0644) < 0)
                return -errno;
        int r = file_write_all(fd, METRICS_MARK, strlen(METRICS_MARK));
        return r < 0 ? r : file_write_all(fd, data, n);
}

/* 1: ours; 0: there is none, or it is empty; -EEXIST: another's. */
static int find_own(int dir, const char *name)
{
        char text[sizeof(METRICS_MARK) - 1];

        _cleanup_close_ int fd = file_open(dir, name, O_RDONLY | O_NOFOLLOW, 0, NULL, NULL);
        if (fd == -ENOENT)
                return 0;
        if (fd == -ELOOP || fd == -EINVAL || fd == -EISDIR || fd == -ENXIO)
                return -EEXIST;
        if (fd < 0)
                return fd;
        ssize_t n = pread(fd, text, sizeof(text), 0);
        if (n <= 0)
                return n < 0 ? -errno : 0;
        return n == sizeof(text) && memcmp(text, METRICS_MARK, sizeof(text)) == 0 ? 1 : -EEXIST;
}

static int write_in(int dir, const char *name, const void *data, size_t n)
{
        char temporary[NAME_MAX + 1];

        (void)snprintf(temporary, sizeof(temporary), TEMPORARY_FORMAT, name);
        /* Left behind by one that was killed. */
        (void)unlinkat(dir, temporary, 0);
        int r = write_temporary(dir, temporary, data, n);
        /* As late as it can be: another collector may have begun to write there. */
        if (r == 0)
                r = find_own(dir, name);
        if (r >= 0)
                r = renameat(dir, temporary, dir, name) < 0 ? -errno : 0;
        if (r < 0)
                (void)unlinkat(dir, temporary, 0);
        return r;
}

static int open_folder(const char *path, const char **ret_name)
{
        const char *name = strrchr(path, '/');
        _cleanup_free_ char *folder = strndup(path, name > path ? (size_t)(name - path) : 1);

        if (!folder)
                return -ENOMEM;
        *ret_name = name + 1;
        int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return dir < 0 ? -errno : dir;
}

/* By one descriptor from beginning to end: who may replace the directory gets no file of ours elsewhere. */
int metrics_file_write(const char *path, const void *data, size_t n)
{
        const char *name;

        _cleanup_close_ int dir = open_folder(path, &name);
        return dir < 0 ? dir : write_in(dir, name, data, n);
}

int metrics_file_remove(const char *path)
{
        const char *name;

        _cleanup_close_ int dir = open_folder(path, &name);
        int r = dir < 0 ? dir : find_own(dir, name);
        if (r == -ENOENT || r == -EEXIST)
                return 0;
        return r > 0 && unlinkat(dir, name, 0) < 0 ? -errno : r < 0 ? r : 0;
}

const char *metrics_file_explain(int error)
{
        if (error == -EEXIST)
                return "the file is not this service's, expected no file, an empty one or one that it wrote";
        return strerror(-error);
}
