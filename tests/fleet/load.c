/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../schema/base/macro.h"

double load_cpu(pid_t pid)
{
        char path[64], text[512] = "";
        unsigned long user = 0, kernel = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
                return 0;
        const char *end = strrchr(text, ')');
        if (!end ||
                sscanf(end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
                return 0;
        return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* A line "WHAT: NUMBER" of a file of the process; 0 where there is none. */
static unsigned long number_of(const char *path, const char *what)
{
        const size_t n = strlen(what);
        unsigned long number = 0;
        char line[256];

        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                if (strncmp(line, what, n) == 0 && line[n] == ':')
                        number = strtoul(line + n + 1, NULL, 10);
        if (f)
                (void)fclose(f);
        return number;
}

unsigned long load_memory(pid_t pid, const char *what)
{
        char path[64];

        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        return number_of(path, what);
}

unsigned long load_wakes(pid_t pid)
{
        unsigned long wakes = 0;
        char pattern[64];
        glob_t threads;

        (void)snprintf(pattern, sizeof(pattern), "/proc/%d/task/*/status", (int)pid);
        if (glob(pattern, 0, NULL, &threads) != 0)
                return 0;
        for (size_t i = 0; i < threads.gl_pathc; i++)
                wakes += number_of(threads.gl_pathv[i], "voluntary_ctxt_switches");
        globfree(&threads);
        return wakes;
}

/* ---- bytes ---- */

static uint64_t bytes;
static bool counts = true;

uint64_t load_bytes(void)
{
        return bytes;
}

void load_count_bytes(bool on)
{
        counts = on;
}

static ssize_t count(ssize_t n)
{
        if (counts && n > 0)
                bytes += (uint64_t)n;
        return n;
}

/* The dynamic linker has libcurl call these, and not the C library's: the program's own come first. */
#define _visible_ __attribute__((visibility("default")))

_visible_ ssize_t send(int fd, const void *data, size_t n, int flags)
{
        return count(sendto(fd, data, n, flags, NULL, 0));
}

_visible_ ssize_t recv(int fd, void *data, size_t n, int flags)
{
        return count(recvfrom(fd, data, n, flags, NULL, NULL));
}
