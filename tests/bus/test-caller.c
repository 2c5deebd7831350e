/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which process a record names: the one that made the connection, or none. Never another one that has its
 * pid now. */
#include <errno.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "client.h"
#include "raw-client.h"

#define CALLER "the-caller"
#define SOMEBODY "somebody"

static void end(pid_t pid)
{
        (void)kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* A process of this name and user that has exactly this pid. */
static pid_t take_pid(pid_t pid, uid_t uid)
{
        const struct clone_args arguments = {
                .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1
        };

        pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
        if (child != 0)
                return child;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (setgroups(0, NULL) < 0 || setresuid(uid, uid, uid) < 0)
                _exit(1);
        (void)prctl(PR_SET_NAME, SOMEBODY);
        for (;;)
                (void)pause();
}

/* Who set the value, as the registry tells; waits until it is there. */
static const char *origin(const char *name)
{
        static char text[4096];

        for (uint64_t until = deadline(); strcmp(get_text(world.bus, "\\Test", name), "-") == 0;)
                ck_assert_msg(!is_past(until), "%s was not set", name);
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Resolve", "ss", "\\Test", name);
        (void)snprintf(text, sizeof(text), "%s", message_text(m));
        return text;
}

static void check(const char *origin, const char *key, const char *value)
{
        char expected[300];

        (void)snprintf(expected, sizeof(expected), "'%s'=%s", key, value);
        ck_assert_msg(strstr(origin, expected) != NULL, "no %s: %s", expected, origin);
}

static void check_pid(const char *origin, pid_t pid)
{
        check(origin, "pid", textf("u:%d", (int)pid));
        check(origin, "uid", "u:65534");
}

static void check_caller(const char *origin, pid_t pid)
{
        char exe[256], expected[260];
        ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

        ck_assert_int_gt(n, 0);
        exe[n] = '\0';
        (void)snprintf(expected, sizeof(expected), "s:'%s'", exe);
        check_pid(origin, pid);
        check(origin, "comm", "s:'" CALLER "'");
        /* The daemon itself may not read that. */
        check(origin, "exe", expected);
}

static void check_nobody(const char *origin, pid_t pid)
{
        check_pid(origin, pid);
        check(origin, "comm", "s:''");
        check(origin, "exe", "s:''");
        check(origin, "loginuid", "u:4294967295");
        check(origin, "session", "u:4294967295");
}

START_TEST(the_one_that_connected)
{
        int fd;

        registryd_start("--admin-group=nogroup");
        pid_t pid = raw_client_start(UID_NOBODY, CALLER, &fd);
        raw_client_set(fd, "A", "1");
        check_caller(origin("A"), pid);
        end(pid);
        (void)close(fd);
}
END_TEST

/* What was read at its first call stays, whatever becomes of it. */
START_TEST(what_was_read_stays)
{
        int fd;

        registryd_start("--admin-group=nogroup");
        pid_t pid = raw_client_start(UID_NOBODY, CALLER, &fd);
        raw_client_set(fd, "A", "1");
        check_caller(origin("A"), pid);
        end(pid);
        raw_client_set(fd, "B", "1");
        check_caller(origin("B"), pid);
        (void)close(fd);
}
END_TEST

START_TEST(one_that_is_gone)
{
        int fd;

        registryd_start("--admin-group=nogroup");
        pid_t pid = raw_client_start(UID_NOBODY, CALLER, &fd);
        end(pid);
        raw_client_set(fd, "A", "1");
        check_nobody(origin("A"), pid);
        (void)close(fd);
}
END_TEST

static void give_pid_away(uid_t uid)
{
        int fd;

        registryd_start("--admin-group=nogroup");
        pid_t pid = raw_client_start(UID_NOBODY, CALLER, &fd);
        /* Start times are told in hundredths of a second. */
        (void)usleep(100000);
        end(pid);
        pid_t somebody = take_pid(pid, uid);
        if (somebody < 0) {
                (void)fprintf(stderr,
                        "SKIP: no pid can be chosen here (%s): none was given to another process\n",
                        strerror(errno));
                (void)close(fd);
                return;
        }
        ck_assert_int_eq(somebody, pid);
        raw_client_set(fd, "A", "1");
        check_nobody(origin("A"), pid);
        end(somebody);
        (void)close(fd);
}

START_TEST(a_pid_given_to_the_same_user)
{
        give_pid_away(UID_NOBODY);
}
END_TEST

START_TEST(a_pid_given_to_another_user)
{
        give_pid_away(0);
}
END_TEST

int main(void)
{
        const TTest *const privileged[] = { the_one_that_connected, what_was_read_stays, one_that_is_gone,
                a_pid_given_to_the_same_user, a_pid_given_to_another_user };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "whose process a record names");
        return harness_main(NULL, 0);
}
