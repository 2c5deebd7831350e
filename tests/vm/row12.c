/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Row 12 of the benchmarks, in the virtual machine: how long it takes from setting a bit until its record is
 * out, against the write that sets a bit and one record of the same length sent by hand. Each lane ends when
 * the record comes back on the kernel's multicast group. The lanes take turns: row12 FIRST-BIT LAST-BIT. */
#include <errno.h>
#include <fcntl.h>
#include <libaudit.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RUN "/sys/module/taint_test/parameters/run"
#define BITS_MAX 64
#define PAUSE_USEC 300000

static void fail(const char *what)
{
        fprintf(stderr, "row12: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static double now_usec(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int open_log(void)
{
        struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = 1u << (AUDIT_NLGRP_READLOG - 1) };
        struct timeval limit = { .tv_sec = 60 };
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

        if (fd < 0 || bind(fd, (struct sockaddr *)&group, sizeof(group)) < 0 ||
                setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
                fail("the kernel's records are not available");
        return fd;
}

static void await_record(int log, const char *token)
{
        union {
                struct nlmsghdr header;
                char bytes[MAX_AUDIT_MESSAGE_LENGTH + 64];
        } m;

        for (;;) {
                ssize_t n = recv(log, m.bytes, sizeof(m.bytes) - 1, 0);
                if (n < 0)
                        fail(token);
                m.bytes[n] = '\0';
                if (n > (ssize_t)NLMSG_HDRLEN && m.header.nlmsg_type == AUDIT_USYS_CONFIG &&
                        strstr(NLMSG_DATA(&m.header), token))
                        return;
        }
}

static void set_bit(int run, unsigned bit)
{
        char word[32];
        int n = snprintf(word, sizeof(word), "task %u", bit);

        if (pwrite(run, word, (size_t)n, 0) != n)
                fail(RUN);
}

static double ours(int run, int log, unsigned bit)
{
        char token[32];
        double begin = now_usec();

        (void)snprintf(token, sizeof(token), " bit=%u ", bit);
        set_bit(run, bit);
        await_record(log, token);
        return now_usec() - begin;
}

/* The bit is set already, which leaves the write. */
static double floor_of(int run, int log, int audit, unsigned bit)
{
        char text[512], token[32];
        double begin = now_usec();

        (void)snprintf(token, sizeof(token), " floor=%u ", bit);
        (void)snprintf(text, sizeof(text),
                "op=row12 taint=TAINT_OOT_MODULE%s old=0x0 new=0x1000 reason=module-code name=\"taint_test\" "
                "mod-taint=OE attribution=exact context=task actor=known spid=4242 suid=0 sauid=1000 oses=3 scontext=? "
                "ocomm=\"row12\" cmd=\"/bin/row12\" seqno=7",
                token);
        set_bit(run, bit);
        if (audit_log_user_message(audit, AUDIT_USYS_CONFIG, text, NULL, NULL, "", 1) <= 0)
                fail("audit");
        await_record(log, token);
        return now_usec() - begin;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;
        return (x > y) - (x < y);
}

static double median(double *list, size_t n)
{
        qsort(list, n, sizeof(*list), compare);
        return list[n / 2];
}

int main(int argc, char **argv)
{
        double mine[BITS_MAX], theirs[BITS_MAX];
        size_t n = 0;
        int run, log, audit;

        if (argc != 3)
                return EXIT_FAILURE;
        run = open(RUN, O_WRONLY | O_CLOEXEC);
        log = open_log();
        audit = audit_open();
        if (run < 0 || audit < 0)
                fail(run < 0 ? RUN : "audit");
        for (unsigned bit = (unsigned)atoi(argv[1]); bit <= (unsigned)atoi(argv[2]) && n < BITS_MAX;
                bit++, n++) {
                mine[n] = ours(run, log, bit);
                /* What the daemon does behind its record is no part of the next turn. */
                (void)usleep(PAUSE_USEC);
                theirs[n] = floor_of(run, log, audit, bit);
                (void)usleep(PAUSE_USEC);
        }
        double own = median(mine, n), floor = median(theirs, n);
        printf("%zu %.0f %.0f %.2f\n", n, own, floor, own / floor);
        return EXIT_SUCCESS;
}
