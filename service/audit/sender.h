/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only user of libaudit: one thread that sends records, because a full kernel backlog can hold a sender
 * for a minute. The queue is bounded. A record counts as handed over when the send was positive, auditing is
 * enabled and the kernel's `lost` did not rise (where an audit daemon takes them); else it is kept and sent again (every few seconds, oldest
 * first, and at once when another one gets through) until the queue is full, when the oldest kept ones
 * (where there are none, the oldest) are dropped and counted. A record can arrive twice: `lost` rises for
 * others' records, too; its seqno tells. A record that a filter rule of the kernel drops counts as handed
 * over: nothing shows it. */

#include <stdbool.h>
#include <stdint.h>

#include "../../schema/base/macro.h"

#define SENDER_QUEUE_MAX 1024u
/* With the NUL. Text of more than 8,560 bytes is cut on its way and loses its result. */
#define SENDER_TEXT_MAX 8192u

enum sender_outcome {
        SENDER_SENT, /* handed over */
        SENDER_KEPT, /* not now: will be tried again; reported once a record */
        SENDER_LOST, /* dropped */
};

struct sender_status {
        uint64_t sent, lost, kept; /* kept: waiting now */
        /* Why the last one was not handed over, or could not be confirmed; "" when all is well. A state: it
         * stays while the cause does, so report it when the text changes. */
        char problem[128];
};

struct sender;

/* Runs on the caller's thread, from sender_dispatch() and, for the last ones, from sender_stop(). */
typedef void (*sender_done_t)(uint64_t cookie, enum sender_outcome outcome, void *userdata);

/* Runs on the sending thread as soon as a record was handed over, and not behind sender_stop(). Must not
 * call the sender. */
typedef void (*sender_sent_t)(uint64_t cookie, void *userdata);

/* How records leave; tests put their own here. All run on the sending thread. `ctx` must outlive a call that
 * sender_stop() did not wait for. */
struct sender_backend {
        int (*open)(void *ctx); /* fd-like handle ≥ 0, or negative errno */
        /* 1: handed over (reason filled where it could not be confirmed); 0: not (reason filled); negative
         * errno: broken, reopen. */
        int (*send)(void *ctx, int fd, const char *text, bool success, char *reason, size_t reason_size);
        void (*close)(void *ctx, int fd);
        void *ctx;
};

/* The real one: AUDIT_USYS_CONFIG through libaudit. Where Meson found no libaudit, or the kernel has no
 * audit, every send says so. */
extern const struct sender_backend sender_libaudit;

/* `sent` may be NULL. */
_must_check_ int sender_new(const struct sender_backend *backend, unsigned retry_ms, sender_sent_t sent,
        sender_done_t done, void *userdata, struct sender **ret);
/* Waits at most `timeout_ms` for what is queued (the kept ones have one more try), then counts the rest as
 * lost, tells of it, and frees everything but what a thread that is stuck in the kernel still uses. Accepts
 * NULL. */
struct sender *sender_stop(struct sender *s, unsigned timeout_ms);

/* Takes a copy. 0, -EMSGSIZE for text of SENDER_TEXT_MAX bytes or more, -ESHUTDOWN from within
 * sender_stop(), or -ENOMEM. Never blocks. */
_must_check_ int sender_submit(struct sender *s, const char *text, bool success, uint64_t cookie);
/* Becomes readable when outcomes wait; then call sender_dispatch(). */
int sender_fd(const struct sender *s);
void sender_dispatch(struct sender *s);
struct sender_status sender_status(struct sender *s);
/* Try the kept ones now. */
void sender_kick(struct sender *s);
