/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A positive return of libaudit is no proof: it also comes with auditing disabled and where the rate limit
 * or the backlog swallowed the record. So the kernel's status is read before and after each send, and the
 * sender looks at `lost` again later. Nothing is remembered here. */
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

/* What a send that was not positive says: 0 with the reason, or a negative errno where the socket is broken.
 */
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
                return 0;
        default:
                if (r < 0)
                        return r;
                (void)snprintf(reason, size, "the kernel refused the record: %s",
                        strerror_r(error, buffer, sizeof(buffer)));
                return 0;
        }
}

static int refuse(char *reason, size_t size, const char *text)
{
        (void)snprintf(reason, size, "%s", text);
        return 0;
}

/* Without an audit daemon the kernel throws away what nobody fetches, and counts it: that others' records
 * were lost then says nothing of ours, which it took and shows in its log. */
static bool may_be_ours(const struct audit_status *before, const struct audit_status *after)
{
        if (after->lost == before->lost)
                return false;
        return after->pid != 0 || after->rate_limit > 0 ||
               (after->backlog_limit > 0 && after->backlog >= after->backlog_limit);
}

static int send_audit(void *ctx _unused_, int fd, const char *text, bool success, char *reason, size_t size)
{
        struct audit_status before = { 0 }, after = { 0 };

        drain(fd);
        int status = read_status(fd, &before);
        if (status < 0 && status != -EPERM && status != -ECONNREFUSED)
                return status;
        if (status == 0 && before.enabled == 0)
                return refuse(reason, size, "auditing is disabled in the kernel (enabled=0)");

        errno = 0;
        int r = audit_log_user_message(fd, AUDIT_USYS_CONFIG, text, NULL, NULL, "", success);
        if (r <= 0)
                return explain_refusal(r, errno, reason, size);
        if (status < 0) {
                (void)snprintf(reason, size,
                        "sent, but not confirmed: reading the audit status needs CAP_AUDIT_CONTROL");
                return 1;
        }
        /* Where this fails the record goes out a second time: better twice than not at all. */
        r = read_status(fd, &after);
        if (r < 0)
                return r;
        if (after.enabled == 0)
                return refuse(reason, size, "auditing was disabled in the kernel meanwhile (enabled=0)");
        if (may_be_ours(&before, &after))
                return refuse(reason, size, SENDER_LOST_MEANWHILE);
        return 1;
}

static int read_lost(void *ctx _unused_, int fd, uint64_t *ret)
{
        struct audit_status status = { 0 };

        drain(fd);
        int r = read_status(fd, &status);
        if (r == -EPERM || r == -ECONNREFUSED || (r == 0 && status.pid == 0))
                return -ENODATA;
        if (r < 0)
                return r;
        *ret = status.lost;
        return 0;
}

const struct sender_backend sender_libaudit = {
        .open = open_audit,
        .send = send_audit,
        .close = close_audit,
        .lost = read_lost,
        .settle_ms = SETTLE_MS,
};
