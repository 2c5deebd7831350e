/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failing-disk.h"

#include <errno.h>

int __wrap_fdatasync(int fd);
int __real_fdatasync(int fd);

bool disk_fails;
unsigned disk_syncs;

int __wrap_fdatasync(int fd)
{
        disk_syncs++;
        if (!disk_fails)
                return __real_fdatasync(fd);
        errno = EIO;
        return -1;
}
