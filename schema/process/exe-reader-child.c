/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What it may do is in the filter: receive and send on descriptors that it has or is given, close them, read
 * the link `exe` and no other, and end. It cannot open anything, and so has no file system at all: what is
 * handed to it are directories of tasks, opened with O_PATH. */
#include "exe-reader-child.h"

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

#include "../base/privileges.h"

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
        /* Who has the daemon's uid may not look into it. */
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
