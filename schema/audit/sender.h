/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only user of libaudit: one thread that sends records, because a full kernel backlog can hold a sender
 * for a minute. The owner submits and hears of outcomes. A record's states:
 *
 *        submitted          the kernel took it and         settle_ms have passed, and its
 *            |              says that it keeps it          count of lost ones did not rise
 *            v
 *         QUEUED -----------------------------> SENT -----------------------------> CONFIRMED
 *          |  |                                ^    |
 *     not  |  |                    sent again  |    |  the count rose: ours may be
 *     now  |  |                                |    v  among them
 *          |  +-----------------------------> KEPT (late=)
 *          |       the queue is full,          |
 *          +----------> LOST <-----------------+
 *                   or the end comes
 *
 * QUEUED: The kernel is asked for its status once, behind the record: a question takes longer than all else
 * that a record needs. Between the two the kernel has some milliseconds to bring the record to its readers,
 * unless another one comes or the outcome is awaited. It is asked before as well where its last answer is no
 * clear yes, where one is kept or in doubt, and for good once `lost` rose: against an old count, what was
 * others' loss would make ours go out again. Where we may not ask, or there is no audit daemon whose loss it
 * could be, SENT is CONFIRMED.
 *
 * KEPT: They go out in their order: no newer one passes one that is kept. The oldest is tried every retry_ms
 * and at once when a new one comes; where it gets through, the others follow, and where not, the new one is
 * kept as well. What was kept, or waited for a second or more, says so: late= (record_add_late()).
 *
 * SENT: The kernel may lose a record later, when the daemon does not fetch it: `lost` is looked at again
 * before the next send, and once settle_ms after the last one. Where it rose, all that were sent in that
 * time (64 at most: the oldest count as confirmed) are kept ones again, and until one stays only the oldest
 * goes out, once a try, and is looked at before the next.
 *
 * LOST: SENDER_QUEUE_MAX wait at most; then the oldest kept one (where there is none, the oldest) is
 * dropped.
 *
 * A record can so arrive twice: `lost` rises for others' records, too; its seqno shows it. A record that a
 * filter rule of the kernel drops counts as handed over: nothing shows it. */

#include <stdbool.h>
#include <stdint.h>

#include "../base/macro.h"

#define SENDER_QUEUE_MAX 1024u
/* With the NUL. Text of more than 8,560 bytes is cut on its way and loses its result. */
#define SENDER_TEXT_MAX 8192u
#define SENDER_LOST_MEANWHILE "the kernel lost records meanwhile (backlog or rate limit)"

/* SENDER_SENT comes at once, and is not always the last word: where the kernel lost records afterwards,
 * SENDER_KEPT follows for the same cookie, and then SENDER_SENT or SENDER_LOST; that may happen again. What
 * was not dispatched before it came again is reported once, in its last place. */
enum sender_outcome {
        SENDER_SENT, /* handed over */
        SENDER_KEPT, /* not now: will be tried again; reported once until the next of the other two */
        SENDER_LOST, /* dropped */
        SENDER_OUTCOMES_N,
};

/* On its way. */
struct sender_record {
        uint64_t cookie;
        bool success;
        bool awaited;  /* somebody waits for its outcome */
        int64_t since; /* CLOCK_BOOTTIME, µs: then it could have been sent first; below 0: before the boot */
        const char *text;
};

struct sender_status {
        uint64_t sent, lost, kept; /* kept: waiting now; `sent` falls when a sent one is kept again */
        /* The kernel lost what it had taken, and nothing that was sent since is known to have stayed. */
        bool in_doubt;
        /* Why the last one was not handed over, or could not be confirmed; "" when all is well. A state: it
         * stays while the cause does, so report it when the text changes. */
        char problem[128];
};

struct sender;

/* Runs on the caller's thread, from sender_dispatch() and, for the last ones, from sender_stop(). */
typedef void (*sender_done_t)(uint64_t cookie, enum sender_outcome outcome, void *userdata);

/* Runs on the sending thread as soon as the kernel took a record (`sent`), before anything else is asked of
 * it, and when it turned out that it may have lost it (also from within sender_stop(), not behind it). Must
 * not call the sender. */
typedef void (*sender_handed_over_t)(const struct sender_record *r, bool sent, void *userdata);

/* What the kernel says of its auditing. */
struct sender_kernel {
        bool enabled;
        bool fetched;  /* an audit daemon takes the records: a rise of `lost` may be for one of ours */
        bool tight;    /* a rate limit is set, or the backlog is full */
        uint64_t lost; /* so many records ever */
};

/* How records leave; tests put their own here. All run on the sending thread. `ctx` must outlive a call that
 * sender_stop() did not wait for. */
struct sender_backend {
        int (*open)(void *ctx); /* fd-like handle ≥ 0, or negative errno */
        /* 1: the kernel took it, which is no proof that it keeps it; 0: not now (reason filled); -EINVAL:
         * never, it is dropped (reason filled); another negative errno: broken, reopen. */
        int (*send)(void *ctx, int fd, const char *text, bool success, char *reason, size_t reason_size);
        void (*close)(void *ctx, int fd);
        /* 0; -EPERM where we may not ask; another negative errno: broken, reopen. NULL: nothing can be
         * asked, and what the kernel took counts as sent. */
        int (*status)(void *ctx, int fd, struct sender_kernel *ret);
        unsigned settle_ms; /* so long after a send `lost` may rise for it */
        void *ctx;
};

/* The real one: AUDIT_USYS_CONFIG through libaudit. Where Meson found no libaudit, or the kernel has no
 * audit, every send says so. */
extern const struct sender_backend sender_libaudit;

/* `handed_over` may be NULL. */
_must_check_ int sender_new(const struct sender_backend *backend, unsigned retry_ms,
        sender_handed_over_t handed_over, sender_done_t done, void *userdata, struct sender **ret);
/* Waits at most `timeout_ms` for what is queued (the kept ones have one more try, but not in doubt), then
 * counts the rest as lost, reports it, and frees everything but what a thread that is stuck in the kernel
 * still uses. The rest includes what was handed over last where it is in doubt. Accepts NULL. */
struct sender *sender_stop(struct sender *s, unsigned timeout_ms);

/* Takes a copy. `late`: an earlier run kept it. 0, -EMSGSIZE for text of SENDER_TEXT_MAX bytes or more,
 * -ESHUTDOWN from within sender_stop(), or -ENOMEM. Never blocks. */
_must_check_ int sender_submit(struct sender *s, const struct sender_record *r, bool late);
/* A record comes in a moment: its thread wakes meanwhile. */
void sender_wake(struct sender *s);
/* Becomes readable when outcomes wait; then call sender_dispatch(). */
int sender_fd(const struct sender *s);
void sender_dispatch(struct sender *s);
struct sender_status sender_status(struct sender *s);
/* Try the kept ones now, or as soon as a look that is due says that they stay. */
void sender_kick(struct sender *s);
