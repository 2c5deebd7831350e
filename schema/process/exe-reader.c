/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exe-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../base/log.h"
#include "../base/privileges.h"
#include "../events/loop.h"

/* What it may do is in the filter: receive and send on descriptors that it has or is given, close them, read
 * the link `exe` and no other, and end. It cannot open anything, and so has no file system at all: what is
 * handed to it are directories of tasks, opened with O_PATH. */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#else
#define ARCHITECTURE 0u /* of no machine: it ends at its first call, and no exe is known */
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW 0u
#define HIGH 4u
#else
#define LOW 4u
#define HIGH 0u
#endif

/* The filter knows it by its address, which nothing can write to. */
static const char link_name[] = "exe";

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(field))
/* Goes on if it is the same, else leaves out so many. */
#define SAME(value, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, (otherwise))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define END BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define MAY(call) SAME(call, 1), ALLOW
#define PATH_ARGUMENT offsetof(struct seccomp_data, args[1])

static int filter_calls(void)
{
        const uint64_t path = (uintptr_t)link_name;
        struct sock_filter program[] = {
                LOAD(offsetof(struct seccomp_data, arch)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
                END,
                LOAD(offsetof(struct seccomp_data, nr)),
                MAY(SYS_recvmsg),
                MAY(SYS_sendmsg),
                MAY(SYS_close),
                MAY(SYS_exit_group),
#ifdef __SANITIZE_ADDRESS__
                MAY(SYS_sigaltstack), /* its runtime's, before a call that does not return */
#endif
                SAME(SYS_readlinkat, 5),
                LOAD(PATH_ARGUMENT + LOW),
                SAME(path, 3),
                LOAD(PATH_ARGUMENT + HIGH),
                SAME(path >> 32, 1),
                ALLOW,
                END,
        };
        const struct sock_fprog filter = { .len = ARRAY_SIZE(program), .filter = program };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
                return -errno;
        return 0;
}

int exe_reader_confine(int fd)
{
        /* The daemon's end is a reason to end, and nothing else is: it has its own way of stopping. */
        static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };

        for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
                (void)signal(ignored[i], SIG_IGN);
        (void)prctl(PR_SET_NAME, "exe-reader");
        /* Others of the daemon's uid may not look into it. */
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return -errno;
        if (dup2(fd, STDIN_FILENO) < 0 || close_range(STDOUT_FILENO, ~0u, 0) < 0)
                return -errno;
        int r = privileges_keep(PRIVILEGE(CAP_SYS_PTRACE));
        return r < 0 ? r : filter_calls();
}

/* More descriptors than one do not fit, and the kernel closes them. */
union control {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
};

static int descriptor_of(struct msghdr *m)
{
        const struct cmsghdr *c = CMSG_FIRSTHDR(m);
        int fd = -1;

        if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
                memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        return fd;
}

static bool answer(uint32_t number, int dir)
{
        struct exe_answer a = { .number = number };

        ssize_t n = readlinkat(dir, link_name, a.exe, sizeof(a.exe) - 1);
        struct iovec data = { .iov_base = &a,
                .iov_len = offsetof(struct exe_answer, exe) + (size_t)(n > 0 ? n : 0) };
        const struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };
        return sendmsg(STDIN_FILENO, &m, 0) >= 0;
}

_Noreturn void exe_reader_serve(void)
{
        for (bool goes_on = true; goes_on;) {
                uint32_t number = 0;
                union control control = { 0 };
                struct iovec data = { .iov_base = &number, .iov_len = sizeof(number) };
                struct msghdr m = { .msg_iov = &data,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof(control) };

                ssize_t n = recvmsg(STDIN_FILENO, &m, 0);
                int dir = n > 0 ? descriptor_of(&m) : -1;
                /* What is no question is answered with nothing, so that answers stay in step. */
                goes_on = n > 0 && answer(number, dir);
                if (dir >= 0)
                        (void)close(dir);
        }
        _exit(0);
}

/* Answers that are taken before others have their turn. */
#define AT_ONCE 32u

struct exe_question {
        exe_reader_fn fn; /* NULL: cancelled, or answered that it is not known */
        void *userdata;
        uint32_t number;
};

struct exe_reader {
        int fd; /* -1: it has ended */
        pid_t pid;
        sd_event_source *io, *timer;
        struct exe_question questions[EXE_READER_QUESTIONS_MAX]; /* a ring, in the order of their answers */
        unsigned first, n;
        uint32_t number;
        bool is_late, said_late;
};

static struct exe_question *question(struct exe_reader *x, unsigned i)
{
        return &x->questions[(x->first + i) % EXE_READER_QUESTIONS_MAX];
}

static void finish(struct exe_question *q, const char *exe)
{
        exe_reader_fn fn = q->fn;

        q->fn = NULL;
        if (fn)
                fn(exe, q->userdata);
}

/* What is asked meanwhile is not among them. */
static void finish_all(struct exe_reader *x)
{
        for (unsigned i = 0, n = x->n; i < n; i++)
                finish(question(x, i), "");
}

static void end_process(struct exe_reader *x)
{
        if (x->fd < 0)
                return;
        x->io = sd_event_source_disable_unref(x->io);
        x->timer = sd_event_source_disable_unref(x->timer);
        (void)close(steal_fd(&x->fd));
        (void)kill(x->pid, SIGKILL);
        while (waitpid(x->pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

static void lose(struct exe_reader *x, const char *why)
{
        log_warning("the process that reads which program a caller runs %s: that is not known until the "
                    "service restarts",
                why);
        end_process(x);
        finish_all(x);
        x->n = 0;
}

/* False where it answers something else than what it was asked. */
static bool take_answer(struct exe_reader *x, struct exe_answer *a, size_t size)
{
        const size_t head = offsetof(struct exe_answer, exe);
        struct exe_question *q = question(x, 0);

        if (x->n == 0 || size < head || size >= sizeof(*a) || a->number != q->number)
                return false;
        a->exe[size - head] = '\0';
        x->is_late = false;
        x->first = (x->first + 1) % EXE_READER_QUESTIONS_MAX;
        x->n--;
        struct exe_question done = *q; /* its place may be taken by the next one */
        finish(&done, a->exe);
        return true;
}

static int on_readable(_unused_ sd_event_source *s, int fd, _unused_ uint32_t events, void *userdata)
{
        struct exe_reader *x = userdata;

        for (unsigned i = 0; i < AT_ONCE; i++) {
                struct exe_answer a;
                ssize_t n = recv(fd, &a, sizeof(a), MSG_DONTWAIT | MSG_TRUNC);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        break;
                if (n <= 0) {
                        lose(x, "has ended");
                        return 0;
                }
                if (!take_answer(x, &a, (size_t)n)) {
                        lose(x, "gave an invalid answer");
                        return 0;
                }
        }
        if (x->n > 0)
                return loop_timer_start(x->timer, EXE_READER_TIMEOUT_USEC);
        return sd_event_source_set_enabled(x->timer, SD_EVENT_OFF);
}

static int on_late(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct exe_reader *x = userdata;

        if (!x->said_late)
                log_warning("the process that reads which program a caller runs does not answer: that is "
                            "not known until it does");
        x->is_late = x->said_late = true;
        finish_all(x);
        return 0;
}

int exe_reader_new(struct exe_reader **ret)
{
        _cleanup_free_ struct exe_reader *x = calloc(1, sizeof(*x));
        int fds[2];

        if (!x)
                return -ENOMEM;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        _cleanup_close_ int own = fds[0], other = fds[1];
        x->pid = fork();
        if (x->pid < 0)
                return -errno;
        if (x->pid == 0) {
                if (exe_reader_confine(other) < 0)
                        _exit(EXIT_FAILURE);
                exe_reader_serve();
        }
        x->fd = steal_fd(&own);
        *ret = STEAL_PTR(x);
        return 0;
}

struct exe_reader *exe_reader_free(struct exe_reader *x)
{
        if (!x)
                return NULL;
        end_process(x);
        free(x);
        return NULL;
}

int exe_reader_attach(struct exe_reader *x, sd_event *event)
{
        int r = loop_timer_new(event, 0, on_late, x, &x->timer);
        return r < 0 ? r : sd_event_add_io(event, &x->io, x->fd, EPOLLIN, on_readable, x);
}

static int send_question(int fd, uint32_t number, int dir)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
                              .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS } };
        struct iovec data = { .iov_base = &number, .iov_len = sizeof(number) };
        const struct msghdr m = {
                .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };

        memcpy(CMSG_DATA(&control.header), &dir, sizeof(dir));
        if (sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                return 0;
        return errno == EAGAIN ? -EBUSY : errno == EPIPE || errno == ECONNRESET ? -ENOTCONN : -errno;
}

int exe_reader_ask(
        struct exe_reader *x, int dir, exe_reader_fn fn, void *userdata, struct exe_question **ret_question)
{
        if (!x || x->fd < 0)
                return -ENOTCONN;
        if (x->is_late || x->n == EXE_READER_QUESTIONS_MAX)
                return -EBUSY;
        int r = loop_timer_runs(x->timer) ? 0 : loop_timer_start(x->timer, EXE_READER_TIMEOUT_USEC);
        if (r >= 0)
                r = send_question(x->fd, x->number, dir);
        if (r < 0)
                return r;
        struct exe_question *q = question(x, x->n++);
        *q = (struct exe_question){ .fn = fn, .userdata = userdata, .number = x->number++ };
        *ret_question = q;
        return 0;
}

void exe_question_cancel(struct exe_question *q)
{
        if (q)
                q->fn = NULL;
}
