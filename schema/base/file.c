/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "log.h"

char *file_path(const char *root, const char *path)
{
        size_t n = root ? strlen(root) : 0;
        while (n > 0 && root[n - 1] == '/')
                n--;
        char *ret = malloc(n + strlen(path) + 1);
        if (!ret)
                return NULL;
        if (n > 0)
                memcpy(ret, root, n);
        (void)stpcpy(ret + n, path);
        return ret;
}

int file_check_root(const char *root, struct diag *d)
{
        struct stat st;

        if (root[0] == '\0')
                return diag_set(d, EINVAL, "--root=: expected a directory; the real root is /");
        if (stat(root, &st) < 0) {
                int error = errno;
                return diag_set(d, error, "--root=%s: %s", root, strerror(error));
        }
        return S_ISDIR(st.st_mode) ? 0 : diag_set(d, ENOTDIR, "--root=%s: expected a directory", root);
}

int file_read_fd(int fd, size_t limit, struct buf *ret)
{
        for (;;) {
                if (buf_reserve(ret, 16384) < 0)
                        return ret->error;
                ssize_t n = read(fd, ret->data + ret->len, ret->size - ret->len - 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                ret->len += (size_t)n;
                ret->data[ret->len] = '\0';
                if (ret->len > limit)
                        return -EFBIG;
        }
}

static int check_regular(const char *path, const struct stat *st, struct diag *d)
{
        if (S_ISDIR(st->st_mode))
                return diag_set(d, EISDIR, "%s: is a directory, expected a regular file", path);
        if (!S_ISREG(st->st_mode))
                return diag_set(d, EINVAL,
                        "%s: is not a regular file (a FIFO, socket or device), expected one", path);
        return 0;
}

int file_open(int dir_fd, const char *path, int flags, mode_t mode, struct stat *ret_st, struct diag *d)
{
        /* O_NONBLOCK: opening a FIFO whose other end nobody has must not hang. */
        _cleanup_close_ int fd = openat(dir_fd, path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
        if (fd < 0 && errno == ENOENT)
                return -ENOENT;
        if (fd < 0) {
                int error = errno;
                return diag_set(d, error, "%s: cannot be opened: %s", path, strerror(error));
        }

        struct stat st;
        if (fstat(fd, &st) < 0)
                return diag_set(d, errno, "%s: fstat failed", path);
        int r = check_regular(path, &st, d);
        if (r < 0)
                return r;
        if (ret_st)
                *ret_st = st;
        return steal_fd(&fd);
}

int file_read(
        int dir_fd, const char *path, size_t limit, struct buf *ret, struct stat *ret_st, struct diag *d)
{
        struct stat st;
        _cleanup_close_ int fd = file_open(dir_fd, path, O_RDONLY, 0, &st, d);
        if (fd < 0)
                return fd;
        if (st.st_size > 0 && (uint64_t)st.st_size > limit)
                return diag_set(d, EFBIG, "%s: is %lld bytes large, at most %zu are read", path,
                        (long long)st.st_size, limit);
        int r = file_read_fd(fd, limit, ret);
        if (r == -EFBIG)
                return diag_set(d, EFBIG, "%s: is larger than %zu bytes", path, limit);
        if (r < 0)
                return diag_set(d, -r, "%s: cannot be read: %s", path, strerror(-r));
        if (ret_st)
                *ret_st = st;
        return 0;
}

int file_write_all(int fd, const void *data, size_t n)
{
        for (const char *p = data; n > 0;) {
                ssize_t w = write(fd, p, n);
                if (w < 0 && errno == EINTR)
                        continue;
                if (w < 0)
                        return -errno;
                if (w == 0) /* no error, no progress: trying again could go on for ever */
                        return -EIO;
                p += w;
                n -= (size_t)w;
        }
        return 0;
}

static int write_and_sync(int dir_fd, const char *temporary, const void *data, size_t n, mode_t mode)
{
        _cleanup_close_ int fd =
                openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
                return -errno;
        int r = file_write_all(fd, data, n);
        if (r < 0)
                return r;
        return fsync(fd) < 0 ? -errno : 0;
}

int file_replace(int dir_fd, const char *name, const void *data, size_t n, mode_t mode)
{
        char temporary[NAME_MAX + 1];
        int len = snprintf(temporary, sizeof(temporary), ".%s.tmp", name);
        if (len < 0 || (size_t)len >= sizeof(temporary))
                return -ENAMETOOLONG;

        /* One writer a directory: a temporary file that is there was left behind by one that was killed. */
        (void)unlinkat(dir_fd, temporary, 0);
        int r = write_and_sync(dir_fd, temporary, data, n, mode);
        if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(dir_fd, temporary, 0);
                return r;
        }
        return fsync(dir_fd) < 0 ? -errno : 0;
}

static int make_dir(const char *path)
{
        struct stat st;
        if (mkdir(path, 0755) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        if (stat(path, &st) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_make_dirs(const char *path)
{
        if (*path == '\0')
                return -ENOENT;
        _cleanup_free_ char *copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        for (char *p = copy + 1;; p++) {
                if (*p != '/' && *p != '\0')
                        continue;
                char c = *p;
                *p = '\0';
                int r = make_dir(copy);
                if (r < 0 || c == '\0')
                        return r;
                *p = c;
        }
}

int file_take_run_dir(const char *path, int *ret_fd, struct diag *d)
{
        int r = file_make_dirs(path);
        int fd = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (r == 0 && (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0))
                r = -errno;
        if (r == 0) {
                *ret_fd = fd;
                return 0;
        }
        if (fd >= 0)
                (void)close(fd);
        *ret_fd = -1;
        if (r == -EWOULDBLOCK)
                return diag_set(d, EBUSY, "%s: another instance uses this directory", path);
        log_warning("%s: %s; ignoring", path, strerror(-r));
        return 0;
}
