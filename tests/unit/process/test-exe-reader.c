/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process that reads links `exe`: what it answers, what it may do, and what becomes of questions when it
 * does not answer. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../../schema/base/privileges.h"
#include "../../../schema/process/exe-reader.h"
#include "suite.h"

#define NOBODY 65534
#define CALLS 14

static struct exe_reader *reader;
static sd_event *event;

static void setup(void)
{
        ck_assert_int_eq(exe_reader_new(&reader), 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_ge(exe_reader_attach(reader, event), 0);
}

static void teardown(void)
{
        reader = exe_reader_free(reader);
        event = sd_event_unref(event);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
}

struct asked {
        unsigned n;
        char exe[256];
        struct exe_question *question;
};

static void on_exe(const char *exe, void *userdata)
{
        struct asked *a = userdata;

        a->n++;
        (void)snprintf(a->exe, sizeof(a->exe), "%s", exe);
}

static int open_path(const char *path)
{
        int fd = open(path, O_PATH | O_CLOEXEC);

        ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
        return fd;
}

static int open_pid(pid_t pid)
{
        return open_path(textf("/proc/%d", (int)pid));
}

static int ask(int dir, struct asked *a)
{
        *a = (struct asked){ 0 };
        int r = exe_reader_ask(reader, dir, on_exe, a, &a->question);
        ck_assert_uint_eq(a->n, 0);
        return r;
}

static void await(struct asked *a)
{
        while (a->n == 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_C(20000000)), 1);
        ck_assert_uint_eq(a->n, 1);
}

static const char *own_exe(void)
{
        static char exe[256];
        ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

        ck_assert_int_gt(n, 0);
        exe[n] = '\0';
        return exe;
}

static void check_works(void)
{
        struct asked a;
        int dir = open_pid(getpid());

        ck_assert_int_eq(ask(dir, &a), 0);
        (void)close(dir);
        await(&a);
        ck_assert_str_eq(a.exe, own_exe());
}

static pid_t start_child(void (*prepare)(void))
{
        int ready[2];
        char c;

        ck_assert_int_eq(pipe(ready), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                if (prepare)
                        prepare();
                (void)!write(ready[1], "", 1);
                (void)pause();
                _exit(0);
        }
        (void)close(ready[1]);
        ck_assert_int_eq(read(ready[0], &c, 1), 1);
        (void)close(ready[0]);
        return pid;
}

static void end_child(pid_t pid)
{
        (void)kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* The only child of this process: the reader. */
static pid_t reader_pid(void)
{
        int pid = 0;

        FILE *f = fopen(textf("/proc/self/task/%d/children", (int)getpid()), "re");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
        (void)fclose(f);
        return pid;
}

static uint64_t status_number(pid_t pid, const char *key, int base)
{
        char path[64], line[256];
        uint64_t n = UINT64_MAX;

        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        FILE *f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        while (fgets(line, sizeof(line), f))
                if (strncmp(line, key, strlen(key)) == 0)
                        n = strtoull(line + strlen(key), NULL, base);
        (void)fclose(f);
        return n;
}

TEST(of_this_process)
{
        check_works();
        check_works();
}

static void become_nobody(void)
{
        ck_assert_int_eq(setgroups(0, NULL), 0);
        ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
        ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

/* What is given up by the daemon is not missed. */
TEST(of_another_user)
{
        struct asked a;
        char exe[256];

        if (geteuid() != 0 || !(status_number(getpid(), "CapPrm:", 16) & PRIVILEGE(CAP_SYS_PTRACE))) {
                (void)fprintf(stderr, "SKIP: not root: another user's program was not read\n");
                return;
        }
        pid_t pid = start_child(become_nobody);
        int dir = open_pid(pid);
        ck_assert_int_eq(privileges_drop(PRIVILEGE(CAP_SYS_PTRACE)), 0);
        ck_assert_int_lt(readlinkat(dir, "exe", exe, sizeof(exe)), 0);
        ck_assert_int_eq(errno, EACCES);
        ck_assert_int_eq(ask(dir, &a), 0);
        await(&a);
        ck_assert_str_eq(a.exe, own_exe());
        (void)close(dir);
        end_child(pid);
}

/* The directory stays that of the one that ended, whoever has the number now. */
TEST(of_one_that_is_gone)
{
        struct asked a;

        pid_t pid = start_child(NULL);
        int dir = open_pid(pid);
        end_child(pid);
        ck_assert_int_eq(ask(dir, &a), 0);
        await(&a);
        ck_assert_str_eq(a.exe, "");
        (void)close(dir);
}

TEST(of_what_is_no_process)
{
        static const char *const paths[] = { "/", "/etc/passwd", "/proc", "/proc/self/exe" };
        struct asked a;

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                int fd = open_path(paths[i]);
                ck_assert_int_eq(ask(fd, &a), 0);
                await(&a);
                ck_assert_str_eq(a.exe, "");
                (void)close(fd);
        }
        ck_assert_int_lt(ask(-1, &a), 0);
        check_works();
}

TEST(many_at_once)
{
        struct asked a[EXE_READER_QUESTIONS_MAX], more;
        int dir = open_pid(getpid());

        for (unsigned round = 0; round < 3; round++) {
                for (size_t i = 0; i < ARRAY_SIZE(a); i++)
                        ck_assert_int_eq(ask(dir, &a[i]), 0);
                ck_assert_int_eq(ask(dir, &more), -EBUSY);
                for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
                        await(&a[i]);
                        ck_assert_str_eq(a[i].exe, own_exe());
                }
        }
        (void)close(dir);
}

TEST(who_no_longer_asks_is_not_called)
{
        struct asked a, b;
        int dir = open_pid(getpid());

        ck_assert_int_eq(ask(dir, &a), 0);
        ck_assert_int_eq(ask(dir, &b), 0);
        exe_question_cancel(a.question);
        exe_question_cancel(NULL);
        await(&b);
        ck_assert_uint_eq(a.n, 0);
        (void)close(dir);
}

/* No question waits for ever, and a late answer is not taken for that of another one. */
TEST(one_that_is_stopped)
{
        struct asked a[EXE_READER_QUESTIONS_MAX / 2], more;
        int own = open_pid(getpid()), root = open_path("/");
        pid_t pid = reader_pid();

        (void)kill(pid, SIGSTOP);
        for (size_t i = 0; i < ARRAY_SIZE(a); i++)
                ck_assert_int_eq(ask(own, &a[i]), 0);
        for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
                await(&a[i]);
                ck_assert_str_eq(a[i].exe, "");
        }
        /* Nobody else waits for it. */
        ck_assert_int_eq(ask(own, &more), -EBUSY);
        (void)kill(pid, SIGCONT);
        while (ask(root, &more) == -EBUSY)
                ck_assert_int_ge(sd_event_run(event, UINT64_C(20000000)), 1);
        await(&more);
        ck_assert_str_eq(more.exe, "");
        check_works();
        for (size_t i = 0; i < ARRAY_SIZE(a); i++)
                ck_assert_uint_eq(a[i].n, 1);
        (void)close(own);
        (void)close(root);
}

static void check_lost(void)
{
        struct asked a;
        int dir = open_pid(getpid());

        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(ask(dir, &a), -ENOTCONN);
        (void)close(dir);
}

TEST(one_that_is_killed)
{
        struct asked a[3];
        int dir = open_pid(getpid());
        pid_t pid = reader_pid();

        (void)kill(pid, SIGSTOP);
        for (size_t i = 0; i < ARRAY_SIZE(a); i++)
                ck_assert_int_eq(ask(dir, &a[i]), 0);
        (void)kill(pid, SIGKILL);
        for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
                await(&a[i]);
                ck_assert_str_eq(a[i].exe, "");
        }
        (void)close(dir);
        check_lost();
}

/* Signals to all of a service's processes are the daemon's: it ends the reader. */
TEST(one_that_is_asked_to_end)
{
        static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

        check_works(); /* by now it has set itself up */
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
                (void)kill(reader_pid(), signals[i]);
        check_works();
}

START_TEST(there_is_none)
{
        struct asked a = { 0 };

        ck_assert_int_eq(exe_reader_ask(NULL, 0, on_exe, &a, &a.question), -ENOTCONN);
        ck_assert_ptr_null(exe_reader_free(NULL));
}
END_TEST

TEST(what_it_has)
{
        static const char *const sets[] = { "CapInh:", "CapPrm:", "CapEff:", "CapAmb:" };

        check_works();
        pid_t pid = reader_pid();
        for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
                uint64_t own = status_number(getpid(), sets[i], 16);
                ck_assert_uint_eq(status_number(pid, sets[i], 16), own & PRIVILEGE(CAP_SYS_PTRACE));
        }
        ck_assert_uint_eq(status_number(pid, "Seccomp:", 10), 2);
        ck_assert_uint_eq(status_number(pid, "NoNewPrivs:", 10), 1);
}

static void open_a_file(void)
{
        (void)open("/etc/passwd", O_RDONLY);
}

static void open_below(void)
{
        (void)openat(STDIN_FILENO, "status", O_RDONLY);
}

static void read_a_file(void)
{
        char c;
        (void)!read(STDIN_FILENO, &c, 1);
}

static void write_a_file(void)
{
        (void)!write(STDIN_FILENO, "", 1);
}

static void read_another_link(void)
{
        char text[64];
        (void)!readlinkat(AT_FDCWD, "/proc/self/root", text, sizeof(text));
}

static void read_a_name_of_its_own(void)
{
        char name[] = "exe", text[64];
        (void)!readlinkat(AT_FDCWD, name, text, sizeof(text));
}

static void call_the_network(void)
{
        (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void look_into_memory(void)
{
        (void)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static void start_a_process(void)
{
        (void)fork();
}

static void make_it_writable(void)
{
        (void)syscall(SYS_mprotect, NULL, 0, 0);
}

static void change_itself(void)
{
        (void)prctl(PR_SET_DUMPABLE, 1);
}

static void get_a_capability(void)
{
        (void)syscall(SYS_capset, NULL, NULL);
}

static void end_somebody(void)
{
        (void)kill(getppid(), SIGCONT);
}

/* The last one shows that it was not dead before. */
START_TEST(what_it_may_not_do)
{
        static void (*const calls[])(void) = { open_a_file, open_below, read_a_file, write_a_file,
                read_another_link, read_a_name_of_its_own, call_the_network, look_into_memory,
                start_a_process, make_it_writable, change_itself, get_a_capability, end_somebody, NULL };
        _Static_assert(ARRAY_SIZE(calls) == CALLS, "each is tried");
        int fds[2], status;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                if (exe_reader_confine(fds[1]) == 0 && calls[_i])
                        calls[_i]();
                _exit(3);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        if (calls[_i]) {
                ck_assert_msg(WIFSIGNALED(status), "%d: it may", _i);
                ck_assert_int_eq(WTERMSIG(status), SIGSYS);
        } else {
                ck_assert(WIFEXITED(status));
                ck_assert_int_eq(WEXITSTATUS(status), 3);
        }
}
END_TEST

/* A daemon that somebody else has taken over sends what it likes. */
START_TEST(garbage_is_answered_with_nothing)
{
        static const char text[] = "peios-registryd, please open /etc/shadow";
        struct exe_answer a;
        int fds[2], status;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                if (exe_reader_confine(fds[1]) == 0)
                        exe_reader_serve();
                _exit(3);
        }
        (void)close(fds[1]);
        for (size_t n = 1; n < sizeof(text); n++) {
                ck_assert_int_eq(send(fds[0], text, n, 0), (ssize_t)n);
                ck_assert_int_eq(recv(fds[0], &a, sizeof(a), 0), offsetof(struct exe_answer, exe));
        }
        (void)close(fds[0]);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

Suite *test_suite(void)
{
        Suite *suite = suite_with("exe-reader", setup, teardown);
        TCase *alone = tcase_create("alone");

        tcase_add_test(alone, there_is_none);
        tcase_add_loop_test(alone, what_it_may_not_do, 0, CALLS);
        tcase_add_test(alone, garbage_is_answered_with_nothing);
        suite_add_tcase(suite, alone);
        return suite;
}
