/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../../schema/base/clock.h"
#include "../../../schema/base/file.h"
#include "../../../schema/process/process.h"
#include "fake-process.h"
#include "suite.h"

#define TICK_USEC 10000u /* 100 a second, as everywhere */

TEST(who_it_is)
{
        struct process p;

        fake_process_run(&scratch_root, 42, "insmod", "insmod foo.ko", 100);
        ck_assert_int_eq(process_read(scratch_root.root, 42, 100 * TICK_USEC, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 42);
        ck_assert_uint_eq(p.actor.uid, 1001);
        ck_assert_uint_eq(p.actor.loginuid, 1000);
        ck_assert_uint_eq(p.actor.session, 3);
        ck_assert_str_eq(p.actor.comm, "insmod");
        ck_assert_str_eq(p.actor.exe, "/usr/bin/kmod");
        ck_assert_str_eq(p.actor.context, "unconfined");
        ck_assert(!p.kernel_thread);
        ck_assert_uint_eq(p.parent, 1);
}

TEST(a_younger_one_is_another)
{
        struct process p;

        fake_process_run(&scratch_root, 42, "insmod", "insmod foo.ko", 100);
        ck_assert_int_eq(process_read(scratch_root.root, 42, 100 * TICK_USEC - 1, &p), -ESRCH);
        ck_assert_int_eq(process_read(scratch_root.root, 42, 0, &p), -ESRCH);
        ck_assert_int_eq(process_read(scratch_root.root, 43, UINT64_MAX, &p), -ESRCH);
}

TEST(names_may_hold_anything)
{
        static const char *const names[] = { "a b", "a) R 1 (b", ")", "(", "a (b) c" };
        struct process p;

        for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
                fake_process_run(&scratch_root, 50 + i, names[i], NULL, 7);
                ck_assert_int_eq(process_read(scratch_root.root, 50 + i, 7 * TICK_USEC, &p), 0);
                ck_assert_str_eq(p.actor.comm, names[i]);
                ck_assert_int_eq(process_read(scratch_root.root, 50 + i, 6 * TICK_USEC, &p), -ESRCH);
        }
}

TEST(kernel_threads)
{
        const struct fake_process t = { .pid = 9, .comm = "kworker/0:1", .kernel_thread = true };
        struct process p;

        fake_process_make(&scratch_root, &t);
        ck_assert_int_eq(process_read(scratch_root.root, 9, 1, &p), 0);
        ck_assert(p.kernel_thread);
        ck_assert_str_eq(p.actor.exe, "");
}

TEST(garbage_is_no_process)
{
        static const char *const bad[] = { "", "\n", "42", "42 (x", "42 x) S 1", "42 (x)", "42 (x) S",
                "42 (x) S 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 x 1\n",
                "42 (x) S a 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5 1\n" };
        struct process p;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                scratch_puts(&scratch_root, "/proc/42/stat", bad[i]);
                ck_assert_int_eq(process_read(scratch_root.root, 42, UINT64_MAX, &p), -ESRCH);
        }
        /* What is missing is unknown. */
        scratch_puts(&scratch_root, "/proc/42/stat", "42 (x) S 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5 1\n");
        scratch_puts(&scratch_root, "/proc/42/loginuid", "who");
        scratch_puts(&scratch_root, "/proc/42/status", "Uid:\t\nUid:\tx\n");
        ck_assert_int_eq(process_read(scratch_root.root, 42, UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.uid, AUDIT_ID_UNSET);
        ck_assert_uint_eq(p.actor.loginuid, AUDIT_ID_UNSET);
        ck_assert_uint_eq(p.actor.session, AUDIT_ID_UNSET);
        ck_assert_str_eq(p.actor.exe, "");
}

TEST(command_lines)
{
        _cleanup_buf_ struct buf line = BUF_INIT;

        fake_process_run(&scratch_root, 42, "insmod", "insmod /x/foo.ko a=1", 1);
        ck_assert_int_eq(process_command_line(scratch_root.root, 42, 4096, &line), 0);
        ck_assert_str_eq(buf_str(&line), "insmod /x/foo.ko a=1");
        buf_clear(&line);
        ck_assert_int_eq(process_command_line(scratch_root.root, 42, 8, &line), 0);
        ck_assert_str_eq(buf_str(&line), "insmod /");
        ck_assert_int_lt(process_command_line(scratch_root.root, 43, 8, &line), 0);
}

/* What happens while a process is read: after the file of this name. */
static struct {
        const char *file;
        void (*happens)(void);
} during;

int __wrap_file_read(
        int dir_fd, const char *path, size_t limit, struct buf *ret, struct stat *ret_st, struct diag *d);
int __real_file_read(
        int dir_fd, const char *path, size_t limit, struct buf *ret, struct stat *ret_st, struct diag *d);

int __wrap_file_read(
        int dir_fd, const char *path, size_t limit, struct buf *ret, struct stat *ret_st, struct diag *d)
{
        int r = __real_file_read(dir_fd, path, limit, ret, ret_st, d);

        if (during.file && strcmp(path, during.file) == 0) {
                during.file = NULL;
                during.happens();
        }
        return r;
}

#define BEGAN (100 * TICK_USEC)

/* Process 42 of user 1001 (effective: 0), asked for as the caller of a connection that began at BEGAN. */
static int ask(uint32_t uid, uint64_t began, int pidfd, struct actor *ret)
{
        const struct process_claim claim = {
                .pid = 42, .uid = uid, .started_before = began, .pidfd = pidfd
        };
        int dir = -1;

        *ret = ACTOR_UNKNOWN;
        ret->pid = 42;
        ret->uid = uid;
        int r = process_read_caller(scratch_root.root, &claim, ret, &dir);
        ck_assert_int_eq(dir >= 0, r == 0);
        closep(&dir);
        return r;
}

static void check_nobody(const struct actor *a, uint32_t uid)
{
        ck_assert_uint_eq(a->pid, 42);
        ck_assert_uint_eq(a->uid, uid);
        ck_assert_uint_eq(a->loginuid, AUDIT_ID_UNSET);
        ck_assert_uint_eq(a->session, AUDIT_ID_UNSET);
        ck_assert_str_eq(a->comm, "");
        ck_assert_str_eq(a->exe, "");
        ck_assert_str_eq(a->context, "");
}

TEST(a_caller)
{
        struct actor a;

        fake_process_run(&scratch_root, 42, "peios-reg", "peios-reg set", 100);
        ck_assert_int_eq(ask(0, BEGAN, -1, &a), 0);
        ck_assert_uint_eq(a.pid, 42);
        ck_assert_uint_eq(a.uid, 0);
        ck_assert_uint_eq(a.loginuid, 1000);
        ck_assert_uint_eq(a.session, 3);
        ck_assert_str_eq(a.comm, "peios-reg");
        ck_assert_str_eq(a.context, "unconfined");
        /* Another process reads that. */
        ck_assert_str_eq(a.exe, "");
}

TEST(the_bus_knows_the_label_better)
{
        const struct process_claim claim = { .pid = 42, .uid = 0, .started_before = BEGAN, .pidfd = -1 };
        struct actor a = ACTOR_UNKNOWN;
        int dir = -1;

        fake_process_run(&scratch_root, 42, "peios-reg", NULL, 100);
        (void)strcpy(a.context, "from_the_bus");
        ck_assert_int_eq(process_read_caller(scratch_root.root, &claim, &a, &dir), 0);
        ck_assert_str_eq(a.context, "from_the_bus");
        closep(&dir);
}

TEST(another_users_process_is_not_the_caller)
{
        struct actor a;

        fake_process_run(&scratch_root, 42, "somebody", NULL, 1);
        ck_assert_int_eq(ask(1000, BEGAN, -1, &a), -ESRCH);
        check_nobody(&a, 1000);
        /* The real uid decides nothing: a set-user-ID program that the caller runs is another one. */
        ck_assert_int_eq(ask(1001, BEGAN, -1, &a), -ESRCH);
        check_nobody(&a, 1001);
        /* A caller whom the bus does not know is nobody's. */
        ck_assert_int_eq(ask(AUDIT_ID_UNSET, BEGAN, -1, &a), -ESRCH);
        check_nobody(&a, AUDIT_ID_UNSET);
}

TEST(a_younger_process_is_not_the_caller)
{
        struct actor a;

        fake_process_run(&scratch_root, 42, "somebody", NULL, 101);
        ck_assert_int_eq(ask(0, BEGAN, -1, &a), -ESRCH);
        check_nobody(&a, 0);
        ck_assert_int_eq(ask(0, BEGAN + TICK_USEC, -1, &a), 0);
}

static void change_hands(void)
{
        fake_process_end(&scratch_root, 42);
        fake_process_run(&scratch_root, 42, "somebody", NULL, 100000);
}

static void end(void)
{
        fake_process_end(&scratch_root, 42);
}

TEST(a_pid_that_changes_hands_is_seen)
{
        static const char *const files[] = { "stat", "status", "loginuid", "sessionid", "attr/current" };
        static void (*const happens[])(void) = { change_hands, end };
        struct actor a;

        for (size_t i = 0; i < ARRAY_SIZE(files) * ARRAY_SIZE(happens); i++) {
                fake_process_run(&scratch_root, 42, "peios-reg", NULL, 100);
                during.file = files[i / ARRAY_SIZE(happens)];
                during.happens = happens[i % ARRAY_SIZE(happens)];
                ck_assert_int_eq(ask(0, BEGAN, -1, &a), -ESRCH);
                ck_assert_ptr_null(during.file);
                check_nobody(&a, 0);
                fake_process_end(&scratch_root, 42);
        }
}

TEST(who_is_gone_is_unknown)
{
        struct actor a;

        fake_process_run(&scratch_root, 43, "somebody", NULL, 1);
        ck_assert_int_eq(ask(0, BEGAN, -1, &a), -ESRCH);
        check_nobody(&a, 0);
}

TEST(what_cannot_be_read_is_unknown)
{
        struct actor a;

        fake_process_run(&scratch_root, 42, "peios-reg", NULL, 100);
        scratch_remove(&scratch_root, "/proc/42/loginuid");
        scratch_puts(&scratch_root, "/proc/42/sessionid", "three");
        scratch_remove(&scratch_root, "/proc/42/attr/current");
        ck_assert_int_eq(ask(0, BEGAN, -1, &a), 0);
        ck_assert_str_eq(a.comm, "peios-reg");
        ck_assert_uint_eq(a.loginuid, AUDIT_ID_UNSET);
        ck_assert_uint_eq(a.session, AUDIT_ID_UNSET);
        ck_assert_str_eq(a.context, "");
        /* Without a uid nobody knows whose it is. */
        static const char *const bad[] = { "", "Uid:\t", "\nUid:\t1001\n", "\nUid:\t1001\tx\t0\t0\n",
                "\nUid:\t1001\t4294967295\t0\t0\n", "\nUid:\t1001\t4294967296\t0\t0\n" };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                scratch_puts(&scratch_root, "/proc/42/status", bad[i]);
                ck_assert_int_eq(ask(0, BEGAN, -1, &a), -ESRCH);
                check_nobody(&a, 0);
        }
        scratch_remove(&scratch_root, "/proc/42/stat");
        ck_assert_int_eq(ask(0, BEGAN, -1, &a), -ESRCH);
}

/* A descriptor of the process tells for sure: no time has to be known, and the end is seen. */
TEST(a_descriptor_of_the_process)
{
        struct actor a;

        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                (void)pause();
                _exit(0);
        }
        int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
        ck_assert_int_ge(pidfd, 0);
        fake_process_run(&scratch_root, 42, "peios-reg", NULL, 100);
        ck_assert_int_eq(ask(0, 0, pidfd, &a), 0);
        ck_assert_str_eq(a.comm, "peios-reg");
        ck_assert_int_eq(ask(1000, 0, pidfd, &a), -ESRCH);
        (void)kill(child, SIGKILL);
        siginfo_t info;
        ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
        ck_assert_int_eq(ask(0, UINT64_MAX, pidfd, &a), -ESRCH); /* a zombie */
        check_nobody(&a, 0);
        (void)waitpid(child, NULL, 0);
        ck_assert_int_eq(ask(0, UINT64_MAX, pidfd, &a), -ESRCH);
        (void)close(pidfd);
}

/* The real thing: this process itself. */
TEST(of_this_machine)
{
        const struct process_claim claim = { .pid = (uint32_t)getpid(),
                .uid = geteuid(),
                .started_before = clock_of(CLOCK_BOOTTIME),
                .pidfd = -1 };
        struct process_claim early = claim;
        struct actor a = ACTOR_UNKNOWN;
        int dir = -1;

        ck_assert_int_eq(process_read_caller("", &claim, &a, &dir), 0);
        ck_assert_str_ne(a.comm, "");
        closep(&dir);
        dir = -1;
        early.started_before = 1;
        ck_assert_int_eq(process_read_caller("", &early, &a, &dir), -ESRCH);
}

Suite *test_suite(void)
{
        return suite_with("process", scratch_setup, scratch_teardown);
}
