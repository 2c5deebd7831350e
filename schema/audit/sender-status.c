/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own word on its auditing: asked for before a record is sent and after, and what it says of
 * that record. */
#include "sender-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void sender_explain(int error, const char *what, char *reason, size_t size)
{
        char buffer[64];

        if (error == EPROTONOSUPPORT || error == EAFNOSUPPORT)
                (void)snprintf(reason, size, "%s: the kernel has no audit support", what);
        else
                (void)snprintf(reason, size, "%s: %s", what, strerror_r(error, buffer, sizeof(buffer)));
}

/* Without an audit daemon the kernel throws away what nobody fetches, and counts it: that others' records
 * were lost then says nothing of ours, which it took and shows in its log. */
static bool may_be_ours(const struct sender_kernel *before, const struct sender_kernel *after)
{
        return after->lost != before->lost && (after->fetched || after->tight);
}

int sender_ask(struct sender *s)
{
        const struct sender_backend *b = s->backend;
        const struct sender_kernel before = s->kernel;

        for (int tries = 0; tries < 2; tries++) {
                if (s->fd < 0)
                        s->fd = b->open(b->ctx);
                s->no_socket = s->fd < 0;
                s->kernel_error = s->no_socket ? s->fd : b->status(b->ctx, s->fd, &s->kernel);
                if (s->no_socket || s->kernel_error >= 0 || s->kernel_error == -EPERM)
                        break;
                b->close(b->ctx, s->fd);
                s->fd = -1;
        }
        if (s->kernel_error >= 0 && before.enabled && may_be_ours(&before, &s->kernel))
                s->lossy = true;
        return s->kernel_error;
}

bool sender_is_sure(const struct sender *s)
{
        return s->backend->status && s->kernel_error >= 0 && s->kernel.enabled && !s->kernel.tight &&
               !s->lossy && !s->kept.head && !s->status.in_doubt;
}

bool sender_may_send(const struct sender *s, char *reason, size_t size)
{
        if (!s->backend->status || s->kernel_error == -EPERM)
                return true;
        if (s->kernel_error < 0) {
                sender_explain(-s->kernel_error,
                        s->no_socket ? "cannot open the audit socket" : "the audit status cannot be read",
                        reason, size);
                return false;
        }
        if (!s->kernel.enabled)
                (void)snprintf(reason, size, "auditing is disabled in the kernel (enabled=0)");
        return s->kernel.enabled;
}

bool sender_stayed(struct sender *s, char *reason, size_t size)
{
        const struct sender_kernel before = s->kernel;

        if (!s->backend->status)
                return true;
        if (s->kernel_error == -EPERM) {
                (void)snprintf(
                        reason, size, SENDER_UNSURE ": reading the audit status needs CAP_AUDIT_CONTROL");
                return true;
        }
        int r = sender_ask(s);
        if (r < 0)
                sender_explain(-r, "the kernel does not say whether it kept the record", reason, size);
        else if (!s->kernel.enabled)
                (void)snprintf(reason, size, "auditing was disabled in the kernel meanwhile (enabled=0)");
        else if (may_be_ours(&before, &s->kernel))
                (void)snprintf(reason, size, SENDER_LOST_MEANWHILE);
        else
                return true;
        return false;
}
