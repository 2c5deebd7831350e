/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state-faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

static struct {
        unsigned nth, calls;
        int error;
        bool for_good;
        size_t chunk;
} faults;
static char trace[1024];

void faults_arm(unsigned nth, int error, bool for_good)
{
        faults.nth = nth;
        faults.calls = 0;
        faults.error = error;
        faults.for_good = for_good;
        trace[0] = '\0';
}

bool faults_disarm(void)
{
        bool struck = faults.nth > 0 && faults.calls >= faults.nth;
        faults.nth = 0;
        return struck;
}

void faults_short_writes(size_t chunk)
{
        faults.chunk = chunk;
}

const char *faults_trace(void)
{
        return trace;
}

static bool strikes(const char *name)
{
        size_t n = strlen(trace);
        (void)snprintf(trace + n, sizeof(trace) - n, "%s%s", n ? " " : "", name);
        if (faults.nth == 0 || ++faults.calls < faults.nth)
                return false;
        if (faults.calls > faults.nth && !faults.for_good)
                return false;
        errno = faults.error;
        return true;
}

static size_t at_most(size_t n)
{
        return faults.chunk && n > faults.chunk ? faults.chunk : n;
}

#define WRAP(result, name, parameters, arguments)                                                           \
        result __real_##name parameters;                                                                    \
        result __wrap_##name parameters;                                                                    \
        result __wrap_##name parameters                                                                     \
        {                                                                                                   \
                return strikes(#name) ? -1 : __real_##name arguments;                                       \
        }

WRAP(ssize_t, pwrite64, (int fd, const void *data, size_t n, off_t at), (fd, data, at_most(n), at))
WRAP(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, at_most(n)))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
        (a, from, b, to, flags))
WRAP(int, ftruncate64, (int fd, off_t size), (fd, size))
WRAP(int, fallocate64, (int fd, int mode, off_t from, off_t size), (fd, mode, from, size))
WRAP(int, unlinkat, (int dir_fd, const char *name, int flags), (dir_fd, name, flags))

int __real_openat64(int dir_fd, const char *name, int flags, ...);
int __wrap_openat64(int dir_fd, const char *name, int flags, ...);

/* Only where a file is made: a file that cannot be read is another matter. */
int __wrap_openat64(int dir_fd, const char *name, int flags, ...)
{
        va_list ap;
        va_start(ap, flags);
        mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
        va_end(ap);
        if ((flags & O_CREAT) && strikes("open"))
                return -1;
        return __real_openat64(dir_fd, name, flags, mode);
}
