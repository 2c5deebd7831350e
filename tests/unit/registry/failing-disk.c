/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failing-disk.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

unsigned disk_failing_syncs;
bool disk_is_full;
unsigned disk_failing_read;

/* The dynamic linker finds these before the C library's. */
#define _exported_ __attribute__((visibility("default")))

_exported_ int fdatasync(int fd)
{
        if (disk_failing_syncs == 0)
                return (int)syscall(SYS_fdatasync, fd);
        disk_failing_syncs--;
        errno = EIO;
        return -1;
}

_exported_ ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset)
{
        if (!disk_is_full)
                return syscall(SYS_pwrite64, fd, data, n, offset);
        errno = ENOSPC;
        return -1;
}

_exported_ ssize_t pread64(int fd, void *data, size_t n, off64_t offset)
{
        if (disk_failing_read == 0 || --disk_failing_read > 0)
                return syscall(SYS_pread64, fd, data, n, offset);
        /* EIO would be damage to SQLite. */
        errno = ENODEV;
        return -1;
}
