/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../../schema/base/file.h"
#include "lanes.h"
#include "process.h"

#define SCRIPT_WORDS_MAX 8u

extern char **environ;

struct process_lane {
        char *const *argv;
        char *reset; /* lines `path=value`; NULL: none */
};

int process_start(char *const *argv, pid_t *ret)
{
        posix_spawn_file_actions_t actions;

        int r = posix_spawn_file_actions_init(&actions);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawnp(ret, argv[0], &actions, NULL, argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int process_wait(pid_t pid)
{
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int write_line(const char *path, const char *value)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
        return fd < 0 ? -errno : file_write_all(fd, value, strlen(value));
}

static int reset(const char *lines)
{
        _cleanup_free_ char *copy = strdup(lines);
        char *at = copy;
        int r = copy ? 0 : -ENOMEM;

        for (char *line; r == 0 && (line = strsep(&at, "\n")) && *line;) {
                const char *path = strsep(&line, "=");
                r = line ? write_line(path, line) : -EINVAL;
        }
        return r;
}

static int run(struct lane *lane, _unused_ unsigned round, double *ret_usec)
{
        const struct process_lane *p = lane->context;
        pid_t pid;

        int r = p->reset ? reset(p->reset) : 0;
        if (r < 0)
                return r;
        double start = now_usec();
        r = process_start(p->argv, &pid);
        if (r == 0)
                r = process_wait(pid);
        *ret_usec = now_usec() - start;
        return r;
}

void lane_process(struct lane *lane, char *const *argv)
{
        struct process_lane *p = calloc(1, sizeof(*p));
        if (!p)
                abort();
        p->argv = argv;
        lane->context = p;
        lane->run = run;
}

void lane_process_reset(struct lane *lane, char *const *argv, const char *file)
{
        _cleanup_buf_ struct buf lines = BUF_INIT;
        struct process_lane *p;

        lane_process(lane, argv);
        p = lane->context;
        int r = file_read(AT_FDCWD, file, 1 << 20, &lines, NULL, NULL);
        if (r < 0)
                die(file, r);
        p->reset = text("%s", buf_str(&lines));
}

static int run_step(char *const *words, const char *step, unsigned round, double *ret_usec)
{
        _cleanup_free_ char *number = text("%u", round);
        char *argv[SCRIPT_WORDS_MAX + 3] = { words[0], (char *)step };
        size_t n = 2;
        pid_t pid;

        for (char *const *w = words + 1; *w && n < SCRIPT_WORDS_MAX + 1; w++)
                argv[n++] = *w;
        argv[n] = number;
        double start = now_usec();
        int r = process_start(argv, &pid);
        if (r == 0)
                r = process_wait(pid);
        *ret_usec = now_usec() - start;
        return r;
}

static int run_script(struct lane *lane, unsigned round, double *ret_usec)
{
        int r = run_step(lane->context, "prepare", round, ret_usec);
        return r < 0 ? r : run_step(lane->context, "run", round, ret_usec);
}

void lane_script(struct lane *lane, char *const *argv)
{
        lane->context = (void *)argv;
        lane->run = run_script;
}

static int run_append(struct lane *lane, unsigned round, double *ret_usec)
{
        char record[128] = "";
        int fd = *(int *)lane->context;

        (void)snprintf(record, sizeof(record), "%u", round);
        double start = now_usec();
        int r = file_write_all(fd, record, sizeof(record));
        if (r == 0 && fdatasync(fd) < 0)
                r = -errno;
        *ret_usec = now_usec() - start;
        return r;
}

void lane_append(struct lane *lane, const char *file)
{
        int *fd = malloc(sizeof(*fd));
        if (!fd)
                abort();
        *fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (*fd < 0)
                die(file, -errno);
        lane->context = fd;
        lane->run = run_append;
}
