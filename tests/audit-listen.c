/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints the configuration records (type 1111) that the kernel multicasts, and those of its own modules
 * (1316), a line each, until it is ended. Auditing is enabled meanwhile and put back as it was. For the
 * demonstration and for looking at things by hand. */
#include <errno.h>
#include <libaudit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int get_enabled(uint32_t *ret)
{
        int fd = audit_open();
        bool found = false;

        if (fd < 0 || audit_request_status(fd) <= 0)
                return -1;
        for (int i = 0; i < 50 && !found; i++) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                struct audit_reply reply;
                if (poll(&p, 1, 200) == 1 && audit_get_reply(fd, &reply, GET_REPLY_NONBLOCKING, 0) > 0 &&
                        reply.type == AUDIT_GET) {
                        *ret = reply.status->enabled;
                        found = true;
                }
        }
        audit_close(fd);
        return found ? 0 : -1;
}

static int set_enabled(uint32_t enabled)
{
        int fd = audit_open();
        int r = fd < 0 ? -1 : audit_set_enabled(fd, enabled);
        audit_close(fd);
        return r > 0 ? 0 : -1;
}

static int open_log(void)
{
        struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = 1u << (AUDIT_NLGRP_READLOG - 1) };
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
        if (fd < 0 || bind(fd, (struct sockaddr *)&group, sizeof(group)) < 0)
                return -1;
        return fd;
}

static void print_record(int fd)
{
        union {
                struct nlmsghdr header;
                char bytes[MAX_AUDIT_MESSAGE_LENGTH + 64];
        } m;
        ssize_t n = recv(fd, m.bytes, sizeof(m.bytes) - 1, 0);

        if (n <= (ssize_t)NLMSG_HDRLEN)
                return;
        if (m.header.nlmsg_type != AUDIT_USYS_CONFIG && m.header.nlmsg_type != AUDIT_KERNEL_OTHER)
                return;
        (void)printf("type=%s msg=%.*s\n",
                m.header.nlmsg_type == AUDIT_USYS_CONFIG ? "USYS_CONFIG" : "KERNEL_OTHER",
                (int)(n - NLMSG_HDRLEN), (char *)NLMSG_DATA(&m.header));
        (void)fflush(stdout);
}

int main(void)
{
        uint32_t before;
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return EXIT_FAILURE;
        int signals = signalfd(-1, &set, SFD_CLOEXEC), log = open_log();
        if (signals < 0 || log < 0 || get_enabled(&before) < 0 || set_enabled(1) < 0) {
                (void)fprintf(stderr, "audit-listen: the kernel's records are not available: %s\n",
                        strerror(errno));
                return EXIT_FAILURE;
        }
        (void)puts("listening");
        (void)fflush(stdout);
        for (;;) {
                struct pollfd p[] = { { .fd = log, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
                if (poll(p, 2, -1) < 0 && errno != EINTR)
                        break;
                if (p[0].revents)
                        print_record(log);
                if (p[1].revents)
                        break;
        }
        return set_enabled(before) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
