/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io-faults.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

struct io_fault on_write, on_read, on_fsync, on_rename;

ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __real_read(int fd, void *data, size_t n);
int __real_fsync(int fd);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
ssize_t __wrap_write(int fd, const void *data, size_t n);
ssize_t __wrap_read(int fd, void *data, size_t n);
int __wrap_fsync(int fd);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);

void io_faults_none(void)
{
        on_write = on_read = on_fsync = on_rename = (struct io_fault){ 0 };
}

static bool strikes(struct io_fault *fault)
{
        if (++fault->calls != fault->at)
                return false;
        errno = fault->error;
        return true;
}

static size_t at_most(const struct io_fault *fault, size_t n)
{
        return fault->chunk && n > fault->chunk ? fault->chunk : n;
}

ssize_t __wrap_write(int fd, const void *data, size_t n)
{
        if (strikes(&on_write))
                return on_write.error ? -1 : 0;
        return __real_write(fd, data, at_most(&on_write, n));
}

ssize_t __wrap_read(int fd, void *data, size_t n)
{
        return strikes(&on_read) ? -1 : __real_read(fd, data, at_most(&on_read, n));
}

int __wrap_fsync(int fd)
{
        return strikes(&on_fsync) ? -1 : __real_fsync(fd);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return strikes(&on_rename) ? -1 : __real_renameat(from_fd, from, to_fd, to);
}
