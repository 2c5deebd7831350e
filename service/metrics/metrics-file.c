/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../schema/base/fileio.h"

/* The collector leaves alone what does not end in .prom. */
#define TEMPORARY_FORMAT ".%s.tmp"
#define TEMPORARY_EXTRA (sizeof("..tmp") - 1)

int metrics_file_check(const char *path, struct diag *d)
{
        static const char expected[] =
                "expected the absolute path of a file that ends in " METRICS_SUFFIX ", or nothing";
        const char *name = strrchr(path, '/');
        size_t n = strlen(path), suffix = strlen(METRICS_SUFFIX);

        if (n == 0)
                return 0;
        if (path[0] != '/')
                return diag_set(d, EINVAL, "`%s` is no absolute path, %s", path, expected);
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f)
                        return diag_set(d, EINVAL, "a control character in the path, %s", expected);
        if (strlen(name + 1) <= suffix || strcmp(path + n - suffix, METRICS_SUFFIX) != 0)
                return diag_set(
                        d, EINVAL, "`%s` does not end in the name of such a file, %s", path, expected);
        if (n + TEMPORARY_EXTRA >= PATH_MAX || strlen(name + 1) + TEMPORARY_EXTRA > NAME_MAX)
                return diag_set(d, EINVAL, "the path is too long, %s", expected);
        return 0;
}

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
        return write_all(fd, data, n);
}

static int write_in(int dir, const char *name, const void *data, size_t n)
{
        char temporary[NAME_MAX + 1];

        (void)snprintf(temporary, sizeof(temporary), TEMPORARY_FORMAT, name);
        /* Left behind by one that was killed. */
        (void)unlinkat(dir, temporary, 0);
        int r = write_temporary(dir, temporary, data, n);
        if (r == 0 && renameat(dir, temporary, dir, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(dir, temporary, 0);
        return r;
}

/* By one descriptor from beginning to end: who may replace the directory gets no file of ours elsewhere. */
int metrics_file_write(const char *path, const void *data, size_t n)
{
        const char *name = strrchr(path, '/');
        _cleanup_free_ char *folder = strndup(path, name > path ? (size_t)(name - path) : 1);

        if (!folder)
                return -ENOMEM;
        _cleanup_close_ int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return dir < 0 ? -errno : write_in(dir, name + 1, data, n);
}
