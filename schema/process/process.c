/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "../base/file.h"
#include "../values/value.h"

#define FILE_MAX 65536u
#define PF_KTHREAD 0x00200000u
#define USEC_PER_SEC UINT64_C(1000000)
/* In proc/<pid>/stat, counted from the field behind the name. */
#define STAT_PPID 1u
#define STAT_FLAGS 6u
#define STAT_START 19u
/* Of the four numbers in the line `Uid:`. */
#define UID_REAL 0u
#define UID_EFFECTIVE 1u

static int open_process(const char *root, uint32_t pid)
{
        _cleanup_free_ char *proc = file_path(root, "/proc");
        char path[16];

        if (!proc)
                return -ENOMEM;
        _cleanup_close_ int dir = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        (void)snprintf(path, sizeof(path), "%" PRIu32, pid);
        int fd = openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? (errno == ENOENT ? -ESRCH : -errno) : fd;
}

/* A file of one line, without its end; "" where it cannot be read. */
static void read_line(int dir, const char *name, char *ret, size_t size)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        ret[0] = '\0';
        if (file_read(dir, name, FILE_MAX, &text, NULL, NULL) == 0)
                (void)snprintf(ret, size, "%.*s", (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
}

static uint32_t read_id(int dir, const char *name)
{
        char text[16];
        uint64_t number;

        read_line(dir, name, text, sizeof(text));
        return number_parse(text, strlen(text), UINT32_MAX, &number) == 0 ? (uint32_t)number
                                                                          : AUDIT_ID_UNSET;
}

struct stat_line {
        char comm[64];
        uint64_t ppid, flags, start; /* start: clock ticks since boot */
};

/* `12 (name) S 1 …`: the name may hold blanks and brackets. */
static bool parse_stat(const char *text, struct stat_line *ret)
{
        const char *open = strchr(text, '('), *close = strrchr(text, ')');
        uint64_t *const wanted[] = {
                [STAT_PPID] = &ret->ppid, [STAT_FLAGS] = &ret->flags, [STAT_START] = &ret->start
        };

        if (!open || !close || close < open || close[1] != ' ')
                return false;
        (void)snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)(close - open - 1), open + 1);
        const char *s = close + 2;
        for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
                size_t n = strcspn(s, " \n");
                if (wanted[i] && number_parse(s, n, UINT64_MAX, wanted[i]) < 0)
                        return false;
                s += n + (s[n] == ' ');
        }
        return true;
}

static bool read_stat(int dir, struct stat_line *ret)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        return file_read(dir, "stat", FILE_MAX, &text, NULL, NULL) == 0 && parse_stat(buf_str(&text), ret);
}

static bool started_by(const struct stat_line *stat, uint64_t usec)
{
        long ticks = sysconf(_SC_CLK_TCK);
        uint64_t hz = ticks > 0 ? (uint64_t)ticks : 100;

        return stat->start <= usec / USEC_PER_SEC * hz + usec % USEC_PER_SEC * hz / USEC_PER_SEC;
}

/* The number in column `column` of a line of proc/<pid>/status. */
static bool read_status(int dir, const char *key, unsigned column, bool hex, uint64_t *ret)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        char number[32];

        if (file_read(dir, "status", FILE_MAX, &text, NULL, NULL) < 0)
                return false;
        const char *line = strstr(buf_str(&text), key);
        if (!line)
                return false;
        line += strlen(key);
        for (; column > 0; column--) {
                line += strcspn(line, "\t\n");
                if (*line++ != '\t')
                        return false;
        }
        int n = snprintf(
                number, sizeof(number), "%s%.*s", hex ? "0x" : "", (int)strcspn(line, "\t\n"), line);
        return n < (int)sizeof(number) && number_parse(number, (size_t)n, UINT64_MAX, ret) == 0;
}

static uint32_t read_uid(int dir, unsigned which)
{
        uint64_t uid;

        return read_status(dir, "\nUid:\t", which, false, &uid) && uid <= UINT32_MAX ? (uint32_t)uid
                                                                                     : AUDIT_ID_UNSET;
}

/* All but pid, uid and exe. */
static void read_actor(int dir, const struct stat_line *stat, struct actor *ret)
{
        (void)snprintf(ret->comm, sizeof(ret->comm), "%s", stat->comm);
        ret->loginuid = read_id(dir, "loginuid");
        ret->session = read_id(dir, "sessionid");
        if (ret->context[0] == '\0')
                read_line(dir, "attr/current", ret->context, sizeof(ret->context));
}

/* The directory is the task's own: once it is gone, nothing more can be read from it. */
static bool is_still(int dir, const struct stat_line *stat)
{
        struct stat_line again;

        return read_stat(dir, &again) && again.start == stat->start;
}

int process_read(const char *root, uint32_t pid, uint64_t started_before, struct process *ret)
{
        struct stat_line stat;
        struct process p = { .actor = ACTOR_UNKNOWN };

        _cleanup_close_ int dir = open_process(root, pid);
        if (dir < 0)
                return dir;
        if (!read_stat(dir, &stat) || !started_by(&stat, started_before))
                return -ESRCH;
        p.kernel_thread = stat.flags & PF_KTHREAD;
        p.actor.pid = pid;
        p.actor.uid = read_uid(dir, UID_REAL);
        read_actor(dir, &stat, &p.actor);
        ssize_t n = readlinkat(dir, "exe", p.actor.exe, sizeof(p.actor.exe) - 1);
        p.actor.exe[n > 0 ? n : 0] = '\0';
        if (!is_still(dir, &stat))
                return -ESRCH;
        p.parent = (uint32_t)stat.ppid;
        *ret = p;
        return 0;
}

static bool is_alive(int pidfd)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) == 0;
}

/* The pid cannot have changed hands before the directory was opened if its first task lives now. */
static bool is_meant(const struct process_claim *claim, const struct stat_line *stat)
{
        return claim->pidfd >= 0 ? is_alive(claim->pidfd) : started_by(stat, claim->started_before);
}

int process_read_caller(
        const char *root, const struct process_claim *claim, struct actor *actor, int *ret_dir)
{
        struct stat_line stat;
        struct actor a = *actor;

        _cleanup_close_ int dir = open_process(root, claim->pid);
        if (dir < 0)
                return dir;
        if (!read_stat(dir, &stat) || !is_meant(claim, &stat) || claim->uid == AUDIT_ID_UNSET ||
                read_uid(dir, UID_EFFECTIVE) != claim->uid)
                return -ESRCH;
        read_actor(dir, &stat, &a);
        if (!is_still(dir, &stat))
                return -ESRCH;
        *actor = a;
        *ret_dir = steal_fd(&dir);
        return 0;
}

int process_command_line(const char *root, uint32_t pid, size_t limit, struct buf *ret)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        _cleanup_close_ int dir = open_process(root, pid);
        if (dir < 0)
                return dir;
        int r = file_read(dir, "cmdline", FILE_MAX, &text, NULL, NULL);
        if (r < 0)
                return r;
        size_t n = text.len < limit ? text.len : limit;
        while (n > 0 && text.data[n - 1] == '\0')
                n--;
        for (size_t i = 0; i < n; i++)
                buf_putc(ret, text.data[i] == '\0' ? ' ' : text.data[i]);
        return ret->error;
}

bool process_capabilities(const char *root, uint32_t pid, uint64_t *ret)
{
        _cleanup_close_ int dir = open_process(root, pid);

        return dir >= 0 && read_status(dir, "\nCapEff:\t", 0, true, ret);
}
