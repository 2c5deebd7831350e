/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Child processes of a world. They die with the test, whatever becomes of it. */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/file.h"
#include "harness-internal.h"

#define POLL_MS 50
#define LOG_MAX (16u * 1024u * 1024u)

const char *program_of(const char *variable)
{
        const char *path = getenv(variable);
        ck_assert_msg(path, "%s is not set", variable);
        return path;
}

/* After fork(): only what may be called then. */
_Noreturn static void become(const char *path, char *const *arguments, int log_fd, pid_t parent)
{
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* For tests that limit the size of files: the write is to fail, and that is all. */
        (void)signal(SIGXFSZ, SIG_IGN);
        if (getppid() != parent || dup2(log_fd, STDERR_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0)
                _exit(126);
        (void)execv(path, arguments);
        _exit(127);
}

void daemon_spawn(struct daemon *d, const char *path, char *const *arguments)
{
        ck_assert_int_eq(d->pid, 0);
        _cleanup_close_ int log_fd = open(d->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        ck_assert_msg(log_fd >= 0, "%s: %m", d->log);
        pid_t parent = getpid(), pid = fork();
        if (pid == 0)
                become(path, arguments, log_fd, parent);
        ck_assert_msg(pid > 0, "fork: %m");
        d->pid = pid;
}

static int exit_code(int status)
{
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int daemon_end(struct daemon *d)
{
        uint64_t end = deadline();
        int status;
        pid_t pid;

        ck_assert_int_gt(d->pid, 0);
        while ((pid = waitpid(d->pid, &status, WNOHANG)) == 0) {
                ck_assert_msg(!is_past(end), "%s does not end", d->name);
                (void)poll(NULL, 0, 1);
        }
        ck_assert_int_eq(pid, d->pid);
        d->pid = 0;
        return exit_code(status);
}

void daemon_signal(const struct daemon *d, int sig)
{
        ck_assert_int_gt(d->pid, 0);
        ck_assert_int_eq(kill(d->pid, sig), 0);
}

void daemon_stop(struct daemon *d)
{
        if (d->pid == 0)
                return;
        daemon_signal(d, SIGTERM);
        int code = daemon_end(d);
        ck_assert_msg(code == 0, "%s ends with %d", d->name, code);
}

void daemon_kill(struct daemon *d)
{
        if (d->pid == 0)
                return;
        daemon_signal(d, SIGKILL);
        ck_assert_int_eq(daemon_end(d), 128 + SIGKILL);
}

unsigned daemon_count(const struct daemon *d, const char *text)
{
        _cleanup_buf_ struct buf log = BUF_INIT;
        unsigned n = 0;

        if (file_read(AT_FDCWD, d->log, LOG_MAX, &log, NULL, NULL) < 0)
                return 0;
        for (const char *at = buf_str(&log); (at = strstr(at, text)); at += strlen(text))
                n++;
        return n;
}

bool daemon_said(const struct daemon *d, const char *text)
{
        return daemon_count(d, text) > 0;
}

bool records_are_logged(void)
{
        return access("/run/systemd/journal/socket", F_OK) < 0;
}

/* ---- READY=1 ---- */

static void notify_open(struct daemon *d)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s.notify", world.dir, d->name);
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
        closep(&d->notify_fd);
        (void)unlink(address.sun_path);
        d->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(d->notify_fd, 0);
        ck_assert_int_eq(bind(d->notify_fd, (const struct sockaddr *)&address, sizeof(address)), 0);
}

static void wait_ready(struct daemon *d)
{
        struct pollfd p = { .fd = d->notify_fd, .events = POLLIN };
        uint64_t end = deadline();
        char text[1024];

        for (;;) {
                ck_assert_msg(!is_past(end), "%s does not become ready", d->name);
                ck_assert_msg(waitpid(d->pid, NULL, WNOHANG) == 0, "%s ends before it is ready", d->name);
                if (poll(&p, 1, POLL_MS) <= 0)
                        continue;
                ssize_t n = recv(d->notify_fd, text, sizeof(text) - 1, 0);
                if (n <= 0)
                        continue;
                text[n] = '\0';
                if (strstr(text, "READY=1"))
                        break;
        }
        /* Nobody reads what comes later, and a full socket would hold the daemon for ever. */
        (void)close(steal_fd(&d->notify_fd));
}

/* Root needs no group. Anybody else who runs the tests is to be allowed to write. */
static const char *own_group(void)
{
        const struct group *group = geteuid() == 0 ? NULL : getgrgid(getegid());
        return group ? group->gr_name : "";
}

static void start(struct daemon *d, const char *variable, const char *second, const char *third)
{
        _cleanup_free_ char *root = NULL;

        ck_assert(asprintf(&root, "--root=%s", world.root) > 0);
        char *const arguments[] = { (char *)program_of(variable), root, (char *)second, (char *)third,
                NULL };
        notify_open(d);
        daemon_spawn(d, arguments[0], arguments);
}

void registryd_spawn(void)
{
        start(&world.registryd, "PEIOS_REGISTRYD", NULL, NULL);
}

void policyd_spawn(void)
{
        start(&world.policyd, "PEIOS_POLICYD", NULL, NULL);
}

void registryd_start(const char *argument)
{
        _cleanup_free_ char *group = NULL;

        ck_assert(asprintf(&group, "--admin-group=%s", own_group()) > 0);
        start(&world.registryd, "PEIOS_REGISTRYD", group, argument);
        wait_ready(&world.registryd);
}

void policyd_start(const char *argument)
{
        start(&world.policyd, "PEIOS_POLICYD", "--recheck=1", argument);
        wait_ready(&world.policyd);
}

#define FOLLOWING "following the registry"

bool is_connected(unsigned times)
{
        return daemon_count(&world.policyd, FOLLOWING) >= times;
}

void policyd_follow(void)
{
        unsigned before = daemon_count(&world.policyd, FOLLOWING);

        policyd_start(NULL);
        WAIT(is_connected(before + 1));
}

void spawn_program(
        struct daemon *d, const char *variable, const char *first, const char *second, const char *third)
{
        const char *words[] = { first, second, third };
        char *arguments[6] = { (char *)program_of(variable) };
        _cleanup_free_ char *root = NULL;
        size_t n = 1;

        /* peios-reg has files of its own for `lint` alone. */
        if (strcmp(variable, "PEIOS_REG") != 0) {
                ck_assert(asprintf(&root, "--root=%s", world.root) > 0);
                arguments[n++] = root;
        }
        for (size_t i = 0; i < ARRAY_SIZE(words) && words[i]; i++)
                arguments[n++] = (char *)words[i];
        daemon_spawn(d, arguments[0], arguments);
}

int run_program(struct daemon *d, const char *variable, const char *argument)
{
        spawn_program(d, variable, argument, NULL, NULL);
        return daemon_end(d);
}
