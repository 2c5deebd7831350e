/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sender-queue.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "../base/privileges.h"
#include "../base/thread.h"
#include "record.h"

#define UNSURE "sent, but not confirmed"
#define DELIVERY_USEC 4000u

struct sender {
        const struct sender_backend *backend;
        uint64_t retry_usec, settle_usec;
        sender_handed_over_t handed_over;
        sender_done_t done;
        void *userdata;
        pthread_t thread;
        atomic_uint refs;            /* owner and thread: the last to go frees */
        int fd;                      /* the thread's own, as the next five are */
        struct sender_kernel kernel; /* the last answer */
        int kernel_error;            /* 0, or of the last question: -EPERM where we may not ask */
        bool no_socket;              /* that was the error */
        bool unasked;                /* the current one goes by an older answer */
        bool lossy;                  /* `lost` has risen under a daemon or a limit, for whomever */

        pthread_mutex_t lock;       /* for what follows */
        pthread_cond_t wake, ended; /* the thread is to go on; it has come to its end */
        struct sender_queue queue;  /* its busy one is being sent */
        bool taken;                 /* the kernel took that, and it is being seen whether it keeps it */
        uint64_t lost_seen;         /* the kernel's count before any unconfirmed one was sent */
        bool lost_known;
        bool unsure;      /* a look failed, and the problem says so */
        uint64_t look_at; /* 0: no look at `lost` is due */
        uint64_t settled; /* what was sent last is then */
        bool in_doubt;    /* as in sender_status, as the next one is */
        char problem[sizeof(((struct sender_status *)NULL)->problem)];
        uint64_t next_retry;
        bool retrying; /* a round over the kept ones is under way */
        bool paused;   /* nothing goes out until the look that is due, which ends it */
        bool kicked;   /* since the kernel was asked for the current one: another round is due */
        bool stopping;
        bool abandoned; /* the owner has gone: nothing is reported any more, and the busy one is nobody's */
        bool exited;
};

static void say(struct sender *s, const struct sender_item *i, bool taken)
{
        if (s->handed_over)
                s->handed_over(&i->record, taken, s->userdata);
}

static void note_overflow(struct sender *s)
{
        if (s->queue.overflowed && !*s->problem)
                (void)snprintf(s->problem, sizeof(s->problem), "the queue is full: sending takes too long");
        s->queue.overflowed = false;
}

/* With the lock held: what was sent counts as not handed over. */
static void take_back(struct sender *s)
{
        s->look_at = 0;
        for (const struct sender_item *i = s->queue.items; i && i->state == SENDER_ITEM_SENT; i = i->next)
                say(s, i, false);
        sender_queue_take_back(&s->queue);
        note_overflow(s);
}

/* What had had its time at `at` stayed with the kernel. Was there any? */
static bool confirm(struct sender *s, uint64_t at)
{
        bool any = at >= s->settle_usec && sender_queue_confirm(&s->queue, at - s->settle_usec);

        s->look_at = s->queue.unconfirmed > 0 ? s->settled : 0;
        return any;
}

static void explain(int error, const char *what, char *reason, size_t size)
{
        bool none = error == EPROTONOSUPPORT || error == EAFNOSUPPORT;
        char buffer[64];

        (void)snprintf(reason, size, "%s: %s", what,
                none ? "the kernel has no audit support" : strerror_r(error, buffer, sizeof(buffer)));
}

/* Without an audit daemon the kernel throws away what nobody fetches, and counts it: that others' records
 * were lost then says nothing of ours, which it took and shows in its log. */
static bool may_be_ours(const struct sender_kernel *before, const struct sender_kernel *after)
{
        return after->lost != before->lost && (after->fetched || after->tight);
}

/* Without the lock, as the next two. 0 and the answer in `s->kernel`, or what is in `s->kernel_error`. A
 * broken connection is opened anew once. */
static int ask(struct sender *s)
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

/* What the last answer says of the record that is to be sent. False: not now, for `reason`. */
static bool may_send(const struct sender *s, char *reason, size_t size)
{
        if (!s->backend->status || s->kernel_error == -EPERM)
                return true;
        if (s->kernel_error < 0) {
                explain(-s->kernel_error,
                        s->no_socket ? "cannot open the audit socket" : "the audit status cannot be read",
                        reason, size);
                return false;
        }
        if (!s->kernel.enabled)
                (void)snprintf(reason, size, "auditing is disabled in the kernel (enabled=0)");
        return s->kernel.enabled;
}

/* Asks again: does the kernel still have what it took after its last answer? False also where it does not
 * say: better twice than not at all. True where we may not ask; then `reason` says so. */
static bool has_stayed(struct sender *s, char *reason, size_t size)
{
        const struct sender_kernel before = s->kernel;

        if (!s->backend->status)
                return true;
        if (s->kernel_error == -EPERM) {
                (void)snprintf(reason, size, UNSURE ": reading the audit status needs CAP_AUDIT_CONTROL");
                return true;
        }
        int r = ask(s);
        if (r < 0)
                explain(-r, "the kernel does not say whether it kept the record", reason, size);
        else if (!s->kernel.enabled)
                (void)snprintf(reason, size, "auditing was disabled in the kernel meanwhile (enabled=0)");
        else if (may_be_ours(&before, &s->kernel))
                (void)snprintf(reason, size, SENDER_LOST_MEANWHILE);
        else
                return true;
        return false;
}

/* The problem has ended. */
static void end_problem(struct sender *s, const char *problem)
{
        if (strncmp(s->problem, problem, strlen(problem)) == 0)
                s->problem[0] = '\0';
        (void)eventfd_write(s->queue.event_fd, 1);
}

static void trust(struct sender *s, bool paused)
{
        s->retrying |= paused;
        if (s->in_doubt)
                end_problem(s, SENDER_LOST_MEANWHILE);
        s->in_doubt = false;
}

/* Without the lock meanwhile, so the owner may have gone afterwards. */
static void look(struct sender *s)
{
        uint64_t at = clock_usec();

        if (!s->backend->status)
                return;
        (void)pthread_mutex_unlock(&s->lock);
        int r = ask(s);
        (void)pthread_mutex_lock(&s->lock);
        if (s->abandoned)
                return;

        bool paused = s->paused;
        /* What the kernel lost may then not be ours, or nothing is known of it. */
        bool says_nothing = r == -EPERM || (r == 0 && !s->kernel.fetched);
        s->paused = false;
        if (s->unsure && (says_nothing || r == 0)) {
                s->unsure = false;
                end_problem(s, UNSURE);
        }
        if (says_nothing) {
                (void)confirm(s, UINT64_MAX);
                trust(s, paused);
        } else if (r < 0 && s->queue.unconfirmed == 0)
                s->look_at = 0;
        else if (r < 0) {
                /* The next look decides. */
                s->look_at = clock_usec() + s->retry_usec;
                s->unsure = true;
                explain(-r, UNSURE, s->problem, sizeof(s->problem));
                (void)eventfd_write(s->queue.event_fd, 1);
        } else if (s->queue.unconfirmed > 0 && s->kernel.lost != s->lost_seen) {
                s->in_doubt = true;
                (void)snprintf(s->problem, sizeof(s->problem), SENDER_LOST_MEANWHILE);
                s->next_retry = clock_usec() + s->retry_usec;
                take_back(s);
        } else if (confirm(s, at))
                trust(s, paused);
        else
                s->paused = paused;
        if (r == 0)
                s->lost_seen = s->kernel.lost;
        s->lost_known = !says_nothing && (r == 0 || s->lost_known);
}

static void wait_for_work(struct sender *s)
{
        uint64_t until = s->look_at;

        if (s->queue.kept > 0 && !s->paused && (until == 0 || s->next_retry < until))
                until = s->next_retry;
        (void)thread_wait_until(&s->wake, &s->lock, until == 0 ? UINT64_MAX : until);
}

/* May the first one that waits go out now? A new one is a reason to try the kept ones. */
static bool is_due(const struct sender *s)
{
        if (s->queue.waiting == 0 || (s->paused && !s->stopping))
                return false;
        if (s->queue.kept == 0)
                return true;
        /* At the end nobody would learn that the kernel lost it again. */
        if (s->stopping)
                return s->retrying && !s->in_doubt;
        return s->retrying || s->queue.waiting > s->queue.kept || clock_usec() >= s->next_retry;
}

/* By its last answer the kernel takes and keeps a record: it need not be asked before, only after. */
static bool is_sure(const struct sender *s)
{
        return s->backend->status && s->kernel_error >= 0 && s->kernel.enabled && !s->kernel.tight &&
               !s->lossy && s->queue.kept == 0 && !s->in_doubt;
}

/* The next one to send; NULL when the thread is to end. Unless it goes without saying, the kernel is asked
 * before one is taken: what it lost comes back, and before that one. */
static struct sender_item *next_item(struct sender *s)
{
        for (bool asked = false; !s->abandoned;) {
                if (s->look_at > 0 && clock_usec() >= s->look_at && !s->stopping) {
                        look(s);
                        continue;
                }
                bool due = is_due(s);
                s->unasked = !asked;
                if (due && (asked || is_sure(s)))
                        return sender_queue_first(&s->queue);
                asked = due;
                if (due) {
                        /* What comes from here on may not be in the answer. */
                        s->kicked = false;
                        look(s);
                        continue;
                }
                if (s->stopping)
                        return NULL;
                s->retrying = false;
                sender_queue_keep(&s->queue);
                wait_for_work(s);
        }
        return NULL;
}

/* As the backend's send(), but 0 where the connection is broken, which is opened anew once, at once. The
 * text says how late it is. */
static int attempt(struct sender *s, const struct sender_item *i, char *reason, size_t size)
{
        const int64_t late = ((int64_t)clock_of(CLOCK_BOOTTIME) - i->record.since) / 1000000;
        const struct sender_backend *b = s->backend;
        _cleanup_buf_ struct buf with_late = BUF_INIT;
        const char *text = i->text;
        int r = 0;

        if (i->late || late > 0) {
                record_add_late(&with_late, text, late > 0 ? (uint64_t)late : 0);
                text = buf_str(&with_late);
        }
        if (with_late.error < 0) {
                explain(-with_late.error, "no late= for the record", reason, size);
                return 0;
        }
        for (int tries = 0; tries < 2; tries++) {
                reason[0] = '\0';
                if (s->fd < 0)
                        s->fd = b->open(b->ctx);
                s->no_socket = s->fd < 0;
                if (s->no_socket)
                        break;
                r = b->send(b->ctx, s->fd, text, i->record.success, reason, size);
                if (r >= 0 || r == -EINVAL)
                        return r;
                b->close(b->ctx, s->fd);
                s->fd = -1;
        }
        explain(s->no_socket ? -s->fd : -r,
                s->no_socket ? "cannot open the audit socket" : "the audit socket is broken", reason, size);
        return 0;
}

/* 1: the kernel has it; 0: not now; -EINVAL: never. Without the lock meanwhile: the owner may go. The yes is
 * reported before all else: only a kill between the two makes the next start send again what arrived. Where
 * the kernel is likely to drop what it took, it is reported when it did not. */
static int send_one(struct sender *s, const struct sender_item *i, char *reason, size_t size)
{
        reason[0] = '\0';
        if (!may_send(s, reason, size))
                return 0;
        (void)pthread_mutex_unlock(&s->lock);
        int r = attempt(s, i, reason, size);
        (void)pthread_mutex_lock(&s->lock);
        if (r <= 0 || s->abandoned)
                return r;

        bool said = !s->kernel.tight;
        s->taken = said;
        if (said)
                say(s, i, true);
        /* The kernel's threads bring it to its readers now, and a question takes more of them. */
        if (said && !i->record.awaited && s->queue.waiting == 1 && !s->stopping)
                (void)thread_wait_until(&s->wake, &s->lock, clock_usec() + DELIVERY_USEC);
        (void)pthread_mutex_unlock(&s->lock);
        bool stayed = has_stayed(s, reason, size);
        (void)pthread_mutex_lock(&s->lock);
        if (stayed != said && !s->abandoned)
                say(s, i, stayed);
        s->taken = false;
        /* The answer that it went by was an old one: once more, behind another. */
        if (!stayed && s->unasked)
                s->kicked = true;
        return stayed;
}

static void note_sent(struct sender *s, struct sender_item *i, char *reason, size_t size)
{
        uint64_t now = clock_usec();

        if (s->in_doubt && !*reason)
                (void)snprintf(reason, size, SENDER_LOST_MEANWHILE);
        sender_queue_sent(&s->queue, i, now);
        s->settled = now + s->settle_usec;
        if (!s->lost_known)
                (void)sender_queue_confirm(&s->queue, now);
        else
                s->look_at = s->settled;

        /* What is accepted now may be accepted of the others, too: in doubt, and when no more can be
         * remembered, that is seen first. */
        bool full = s->look_at > 0 && s->queue.unconfirmed == SENDER_UNCONFIRMED_MAX && !s->stopping;
        bool wait = s->in_doubt || (full && s->queue.kept > 0);
        s->paused = wait && s->look_at > 0;
        s->retrying = !wait;
        if (wait)
                s->next_retry = now + s->retry_usec;
}

static void release(struct sender *s)
{
        if (atomic_fetch_sub(&s->refs, 1) > 1)
                return;
        sender_queue_done(&s->queue);
        (void)pthread_cond_destroy(&s->ended);
        (void)pthread_cond_destroy(&s->wake);
        (void)pthread_mutex_destroy(&s->lock);
        free(s);
}

static void *run(void *userdata)
{
        struct sender *s = userdata;
        char reason[sizeof(s->problem)];
        struct sender_item *i;

        int r = privileges_keep(PRIVILEGE(CAP_AUDIT_WRITE) | PRIVILEGE(CAP_AUDIT_CONTROL));
        if (r < 0)
                log_debug("the sending thread keeps capabilities that it does not need: error %d; ignoring",
                        -r);
        (void)pthread_setname_np(pthread_self(), "audit-sender");
        (void)pthread_mutex_lock(&s->lock);
        while ((i = next_item(s))) {
                s->queue.busy = i;
                r = send_one(s, i, reason, sizeof(reason));
                if (s->abandoned)
                        break;
                s->queue.busy = NULL;
                if (r > 0)
                        note_sent(s, i, reason, sizeof(reason));
                else if (r < 0)
                        sender_queue_lose(&s->queue, i);
                else {
                        s->next_retry = clock_usec() + s->retry_usec;
                        s->retrying = s->kicked;
                        sender_queue_keep(&s->queue);
                }
                memcpy(s->problem, reason, sizeof(reason));
        }
        if (!s->abandoned && s->queue.unconfirmed > 0)
                look(s);
        (void)pthread_mutex_unlock(&s->lock);
        if (s->fd >= 0)
                s->backend->close(s->backend->ctx, s->fd);

        (void)pthread_mutex_lock(&s->lock);
        s->exited = true;
        (void)pthread_cond_signal(&s->ended);
        (void)pthread_mutex_unlock(&s->lock);
        release(s);
        return NULL;
}

int sender_new(const struct sender_backend *backend, unsigned retry_ms, sender_handed_over_t handed_over,
        sender_done_t done, void *userdata, struct sender **ret)
{
        _cleanup_close_ int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (event_fd < 0)
                return -errno;
        struct sender *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->backend = backend;
        s->retry_usec = retry_ms * UINT64_C(1000);
        s->settle_usec = backend->settle_ms * UINT64_C(1000);
        s->handed_over = handed_over;
        s->done = done;
        s->userdata = userdata;
        s->fd = -1;
        sender_queue_init(&s->queue, event_fd);
        atomic_init(&s->refs, 2);

        (void)pthread_mutex_init(&s->lock, NULL);
        thread_cond_init(&s->wake);
        thread_cond_init(&s->ended);

        int r = thread_start(&s->thread, run, s);
        if (r < 0) {
                atomic_store(&s->refs, 1);
                release(s);
                return r;
        }
        (void)steal_fd(&event_fd);
        *ret = s;
        return 0;
}

/* Nothing that is still there will be sent; what becomes of the one under way nobody will know. */
static void lose_rest(struct sender *s)
{
        struct sender_item *i;

        /* Sent again by the next start rather than missed. */
        if (s->in_doubt || s->abandoned || (s->kernel_error < 0 && s->kernel_error != -EPERM))
                take_back(s);
        if (s->taken)
                say(s, s->queue.busy, false);
        while ((i = sender_queue_first(&s->queue)))
                sender_queue_lose(&s->queue, i);
}

struct sender *sender_stop(struct sender *s, unsigned timeout_ms)
{
        if (!s)
                return NULL;
        const uint64_t until = clock_usec() + timeout_ms * UINT64_C(1000);
        bool is_early = true;

        (void)pthread_mutex_lock(&s->lock);
        s->stopping = true;
        s->retrying = true; /* the kept ones have a last try */
        (void)pthread_cond_signal(&s->wake);
        while (!s->exited && is_early)
                is_early = thread_wait_until(&s->ended, &s->lock, until);
        s->abandoned = !s->exited;
        lose_rest(s);
        (void)pthread_mutex_unlock(&s->lock);

        sender_dispatch(s);
        (void)close(s->queue.event_fd);
        /* A thread in the middle of sendto() can be held there for a minute and cannot be cancelled safely.
         * It is let go, and frees the rest when it comes back. */
        (void)(s->abandoned ? pthread_detach(s->thread) : pthread_join(s->thread, NULL));
        release(s);
        return NULL;
}

int sender_submit(struct sender *s, const struct sender_record *r, bool late)
{
        if (strlen(r->text) >= SENDER_TEXT_MAX)
                return -EMSGSIZE;
        (void)pthread_mutex_lock(&s->lock);
        int e = s->stopping ? -ESHUTDOWN : sender_queue_add(&s->queue, r, late);
        (void)pthread_cond_signal(&s->wake);
        note_overflow(s);
        (void)pthread_mutex_unlock(&s->lock);
        return e;
}

void sender_wake(struct sender *s)
{
        (void)pthread_cond_signal(&s->wake);
}

int sender_fd(const struct sender *s)
{
        return s->queue.event_fd;
}

void sender_dispatch(struct sender *s)
{
        enum sender_outcome outcome;
        uint64_t cookie;

        (void)pthread_mutex_lock(&s->lock);
        while (sender_queue_next_event(&s->queue, &cookie, &outcome)) {
                (void)pthread_mutex_unlock(&s->lock);
                s->done(cookie, outcome, s->userdata);
                (void)pthread_mutex_lock(&s->lock);
        }
        (void)pthread_mutex_unlock(&s->lock);
}

struct sender_status sender_status(struct sender *s)
{
        (void)pthread_mutex_lock(&s->lock);
        struct sender_status status = {
                .sent = s->queue.sent, .lost = s->queue.lost, .kept = s->queue.kept, .in_doubt = s->in_doubt
        };
        memcpy(status.problem, s->problem, sizeof(status.problem));
        (void)pthread_mutex_unlock(&s->lock);
        return status;
}

void sender_kick(struct sender *s)
{
        (void)pthread_mutex_lock(&s->lock);
        /* A round that waits for the kernel's word goes on by itself. */
        if (!s->paused)
                s->retrying = s->kicked = true;
        (void)pthread_cond_signal(&s->wake);
        (void)pthread_mutex_unlock(&s->lock);
}
