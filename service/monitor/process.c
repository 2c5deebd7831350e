/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../../schema/values/value.h"

#define FILE_MAX 65536u
#define PF_KTHREAD 0x00200000u
#define USEC_PER_SEC UINT64_C(1000000)
/* In proc/<pid>/stat, counted from the field behind the name. */
#define STAT_PPID 1u
#define STAT_FLAGS 6u
#define STAT_START 19u

static int open_process(const char *root, uint32_t pid)
{
        _cleanup_free_ char *proc = root_path(root, "/proc");
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
        if (read_file(dir, name, FILE_MAX, &text, NULL, NULL) == 0)
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

        return read_file(dir, "stat", FILE_MAX, &text, NULL, NULL) == 0 && parse_stat(buf_str(&text), ret);
}

static bool started_by(const struct stat_line *stat, uint64_t usec)
{
        long ticks = sysconf(_SC_CLK_TCK);
        uint64_t hz = ticks > 0 ? (uint64_t)ticks : 100;

        return stat->start <= usec / USEC_PER_SEC * hz + usec % USEC_PER_SEC * hz / USEC_PER_SEC;
}

/* The first number of a line of proc/<pid>/status. */
static bool read_status(int dir, const char *key, bool hex, uint64_t *ret)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        char number[32];

        if (read_file(dir, "status", FILE_MAX, &text, NULL, NULL) < 0)
                return false;
        const char *line = strstr(buf_str(&text), key);
        if (!line)
                return false;
        line += strlen(key);
        int n = snprintf(
                number, sizeof(number), "%s%.*s", hex ? "0x" : "", (int)strcspn(line, "\t\n"), line);
        return n < (int)sizeof(number) && number_parse(number, (size_t)n, UINT64_MAX, ret) == 0;
}

static void read_actor(int dir, uint32_t pid, const struct stat_line *stat, struct actor *ret)
{
        uint64_t uid;

        *ret = ACTOR_UNKNOWN;
        ret->pid = pid;
        (void)snprintf(ret->comm, sizeof(ret->comm), "%s", stat->comm);
        if (read_status(dir, "\nUid:\t", false, &uid) && uid <= UINT32_MAX)
                ret->uid = (uint32_t)uid;
        ret->loginuid = read_id(dir, "loginuid");
        ret->session = read_id(dir, "sessionid");
        read_line(dir, "attr/current", ret->context, sizeof(ret->context));
        ssize_t n = readlinkat(dir, "exe", ret->exe, sizeof(ret->exe) - 1);
        ret->exe[n > 0 ? n : 0] = '\0';
}

int process_read(const char *root, uint32_t pid, uint64_t started_before, struct process *ret)
{
        struct stat_line stat, again;
        struct process p = { .context = CONTEXT_TASK };

        _cleanup_close_ int dir = open_process(root, pid);
        if (dir < 0)
                return dir;
        if (!read_stat(dir, &stat) || !started_by(&stat, started_before))
                return -ESRCH;
        if (stat.flags & PF_KTHREAD)
                p.context = CONTEXT_KERNEL_THREAD;
        read_actor(dir, pid, &stat, &p.actor);
        /* The directory is the task's own: once it is gone, nothing more can be read from it. */
        if (!read_stat(dir, &again) || again.start != stat.start)
                return -ESRCH;
        p.parent = (uint32_t)stat.ppid;
        *ret = p;
        return 0;
}

int process_command_line(const char *root, uint32_t pid, size_t limit, struct buf *ret)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        _cleanup_close_ int dir = open_process(root, pid);
        if (dir < 0)
                return dir;
        int r = read_file(dir, "cmdline", FILE_MAX, &text, NULL, NULL);
        if (r < 0)
                return r;
        size_t n = text.len < limit ? text.len : limit;
        while (n > 0 && text.data[n - 1] == '\0')
                n--;
        for (size_t i = 0; i < n; i++)
                buf_putc(ret, text.data[i] == '\0' ? ' ' : text.data[i]);
        return ret->error;
}

bool module_file_matches(const char *file, const char *module)
{
        const char *slash = strrchr(file, '/');
        const char *s = slash ? slash + 1 : file;

        for (; *module != '\0'; s++, module++)
                if ((*s == '-' ? '_' : *s) != (*module == '-' ? '_' : *module))
                        return false;
        return *s == '\0' || strncmp(s, ".ko", 3) == 0;
}

enum loader {
        LOADER_NONE,
        LOADER_EXACT, /* loads what its command line says */
        LOADER_LOOSE, /* may load what depends on it, or what an alias or a file stands for */
};

static enum loader loader_kind(const char *comm)
{
        static const struct {
                const char *comm;
                enum loader kind;
        } loaders[] = { { "insmod", LOADER_EXACT }, { "rmmod", LOADER_EXACT }, { "modprobe", LOADER_LOOSE },
                { "kmod", LOADER_LOOSE }, { "systemd-modules", LOADER_LOOSE } };

        for (size_t i = 0; i < ARRAY_SIZE(loaders); i++)
                if (strcmp(loaders[i].comm, comm) == 0)
                        return loaders[i].kind;
        return LOADER_NONE;
}

/* Anybody can give a task such a name. */
static bool may_load(const char *root, uint32_t pid)
{
        uint64_t capabilities;
        _cleanup_close_ int dir = open_process(root, pid);

        return dir >= 0 && read_status(dir, "\nCapEff:\t", true, &capabilities) &&
               (capabilities & UINT64_C(1) << CAP_SYS_MODULE);
}

static bool names_module(const char *root, uint32_t pid, const char *module)
{
        _cleanup_buf_ struct buf line = BUF_INIT;

        if (module[0] == '\0' || process_command_line(root, pid, FILE_MAX, &line) < 0 || line.len == 0)
                return false;
        char *rest = line.data;
        for (char *arg = strsep(&rest, " "); arg; arg = strsep(&rest, " "))
                if (module_file_matches(arg, module))
                        return true;
        return false;
}

struct search {
        const char *root, *module;
        uint64_t started_before;
        struct process found;
        unsigned n;
};

/* True: this one it is, no need to look on. */
static bool try_loader(struct search *s, int proc, const char *name)
{
        char file[NAME_MAX + sizeof("/comm")], comm[64];
        struct process p;
        uint64_t pid;

        if (number_parse(name, strlen(name), INT32_MAX, &pid) < 0)
                return false;
        (void)stpcpy(stpcpy(file, name), "/comm");
        read_line(proc, file, comm, sizeof(comm));
        enum loader kind = loader_kind(comm);
        if (kind == LOADER_NONE || !may_load(s->root, (uint32_t)pid))
                return false;
        bool named = names_module(s->root, (uint32_t)pid, s->module);
        if ((!named && kind == LOADER_EXACT) ||
                process_read(s->root, (uint32_t)pid, s->started_before, &p) < 0)
                return false;
        s->found = p;
        s->n = named ? 1 : s->n + 1;
        return named;
}

int process_find_loader(const char *root, const char *module, uint64_t started_before, struct process *ret)
{
        struct search s = { .root = root, .module = module, .started_before = started_before };
        _cleanup_free_ char *path = root_path(root, "/proc");
        DIR *dir = path ? opendir(path) : NULL;

        if (!dir)
                return path ? -ESRCH : -ENOMEM;
        for (struct dirent *e = readdir(dir); e; e = readdir(dir))
                if (try_loader(&s, dirfd(dir), e->d_name))
                        break;
        (void)closedir(dir);
        if (s.n != 1)
                return -ESRCH;
        *ret = s.found;
        return 0;
}
