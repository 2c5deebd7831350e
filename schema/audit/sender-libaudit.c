/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A positive return of libaudit is no proof: it also comes with auditing disabled and where the rate limit
 * or the backlog swallowed the record. So the sender asks for the kernel's status, too. Nothing is decided
 * and nothing is remembered here. */
#include "sender.h"

#include <errno.h>
#include <libaudit.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define STATUS_WAIT_MS 2000
#define STATUS_REPLIES_MAX 64
/* The kernel tries the daemon five times with a tenth of a second each before it gives a queue up, and goes
 * through up to three queues, the last one of which a new record may just have missed. */
#define SETTLE_MS 3000

static int open_audit(void *ctx _unused_)
{
        int fd = audit_open();

        return fd < 0 ? -errno : fd;
}

static void close_audit(void *ctx _unused_, int fd)
{
        audit_close(fd);
}

/* libaudit takes the first packet that it finds for the acknowledgement of what it just sent, so none may
 * stay. */
static void drain(int fd)
{
        struct audit_reply reply;

        for (int i = 0; i < STATUS_REPLIES_MAX; i++)
                if (audit_get_reply(fd, &reply, GET_REPLY_NONBLOCKING, 0) <= 0)
                        return;
}

/* 0, -EPERM or -ECONNREFUSED where we may not ask, or another negative errno where the socket is of no more
 * use. */
static int read_status(int fd, struct audit_status *ret)
{
        int seq = audit_request_status(fd);
        if (seq <= 0)
                return seq < 0 ? seq : -EPROTO;

        /* A thread of the kernel's sends the answer: it need not be there yet. */
        for (int i = 0; i < STATUS_REPLIES_MAX; i++) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                int r = poll(&p, 1, STATUS_WAIT_MS);
                if (r <= 0)
                        return r < 0 ? -errno : -ETIMEDOUT;
                struct audit_reply reply;
                r = audit_get_reply(fd, &reply, GET_REPLY_NONBLOCKING, 0);
                if (r < 0 && r != -EAGAIN)
                        return r;
                if (r <= 0 || reply.type != AUDIT_GET || reply.nlh->nlmsg_seq != (uint32_t)seq)
                        continue;
                *ret = *reply.status;
                drain(fd);
                return 0;
        }
        return -EPROTO;
}

/* What a send that was not positive says: 0 or -EINVAL with the reason, or another negative errno where the
 * socket is broken. */
static int explain_refusal(int r, int error, char *reason, size_t size)
{
        char buffer[64];

        if (r < 0)
                error = -r;
        switch (error) {
        case EPERM:
                (void)snprintf(reason, size, "the kernel refused the record: CAP_AUDIT_WRITE is missing");
                return 0;
        case ECONNREFUSED:
                (void)snprintf(
                        reason, size, "the kernel refused the record: no auditing in this user namespace");
                return 0;
        case EINVAL:
                (void)snprintf(reason, size, "the kernel refused the record: invalid type or length");
                return -EINVAL;
        default:
                if (r < 0)
                        return r;
                (void)snprintf(reason, size, "the kernel refused the record: %s",
                        strerror_r(error, buffer, sizeof(buffer)));
                return 0;
        }
}

static int send_audit(void *ctx _unused_, int fd, const char *text, bool success, char *reason, size_t size)
{
        drain(fd);
        errno = 0;
        int r = audit_log_user_message(fd, AUDIT_USYS_CONFIG, text, NULL, NULL, "", success);
        return r > 0 ? 1 : explain_refusal(r, errno, reason, size);
}

static int ask_audit(void *ctx _unused_, int fd, struct sender_kernel *ret)
{
        struct audit_status status = { 0 };

        drain(fd);
        int r = read_status(fd, &status);
        if (r == -ECONNREFUSED)
                return -EPERM;
        if (r < 0)
                return r;
        *ret = (struct sender_kernel){
                .enabled = status.enabled != 0,
                .fetched = status.pid != 0,
                .tight = status.rate_limit > 0 ||
                         (status.backlog_limit > 0 && status.backlog >= status.backlog_limit),
                .lost = status.lost,
        };
        return 0;
}

const struct sender_backend sender_libaudit = {
        .open = open_audit,
        .send = send_audit,
        .close = close_audit,
        .status = ask_audit,
        .settle_ms = SETTLE_MS,
};
