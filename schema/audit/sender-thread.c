/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sending thread: takes records from the queue, sends them, keeps what was not taken. */
#include "record.h"
#include "sender-internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "../base/privileges.h"

/* In its place; told of once. */
static void keep(struct sender *s, struct sender_item *i)
{
        sender_list_insert(&s->kept, i);
        if (i->was_kept)
                return;
        i->was_kept = i->late = true;
        s->status.kept++;
        sender_post(s, &i->kept, i, SENDER_KEPT);
}

/* They would pass those that are kept. */
static void keep_fresh(struct sender *s)
{
        struct sender_item *i;

        while ((i = sender_list_take(&s->fresh)))
                keep(s, i);
}

static void note_refused(struct sender *s, struct sender_item *i)
{
        s->next_retry = sender_now() + s->retry_nsec;
        s->retrying = s->kicked;
        keep(s, i);
        keep_fresh(s);
}

static void wait_for_work(struct sender *s)
{
        uint64_t until = s->look_at;

        if (s->kept.head && !s->paused && (until == 0 || s->next_retry < until))
                until = s->next_retry;
        if (until == 0) {
                (void)pthread_cond_wait(&s->wake, &s->lock);
                return;
        }
        struct timespec t = sender_timespec(until);
        (void)pthread_cond_timedwait(&s->wake, &s->lock, &t);
}

/* May the oldest of the kept ones go out now? A new one is a reason to try. */
static bool kept_is_due(const struct sender *s)
{
        /* At the end nobody would learn that the kernel lost it again. */
        if (s->stopping)
                return s->retrying && !s->status.in_doubt;
        return s->retrying || s->fresh.head || sender_now() >= s->next_retry;
}

/* Whose first one goes out next; NULL: nothing now. */
static struct sender_list *next_list(struct sender *s)
{
        if (s->paused && !s->stopping)
                return NULL;
        if (!s->kept.head)
                return s->fresh.head ? &s->fresh : NULL;
        return kept_is_due(s) ? &s->kept : NULL;
}

/* The next one to send; NULL when the thread is to end. Unless it goes without saying, the kernel is asked
 * before one is taken: what it lost comes back, and before that one. */
static struct sender_item *next_item(struct sender *s)
{
        for (bool asked = false; !s->abandoned;) {
                if (s->look_at > 0 && sender_now() >= s->look_at && !s->stopping) {
                        sender_look(s);
                        continue;
                }
                struct sender_list *next = next_list(s);
                s->unasked = !asked;
                if (next && (asked || sender_is_sure(s)))
                        return sender_list_take(next);
                asked = next != NULL;
                if (next) {
                        /* What comes from here on may not be in the answer. */
                        s->kicked = false;
                        sender_look(s);
                        continue;
                }
                if (s->stopping)
                        return NULL;
                s->retrying = false;
                keep_fresh(s);
                wait_for_work(s);
        }
        return NULL;
}

enum attempt {
        ATTEMPT_NOT_NOW,
        ATTEMPT_TAKEN,
        ATTEMPT_NEVER,
};

static enum attempt refuse(const char *what, int error, char *reason, size_t size)
{
        sender_explain(error, what, reason, size);
        return ATTEMPT_NOT_NOW;
}

/* Did the kernel take it? A broken connection is opened anew once, at once. */
static enum attempt attempt(
        struct sender *s, const struct sender_item *i, const char *text, char *reason, size_t size)
{
        const struct sender_backend *b = s->backend;
        int r = 0;

        for (int tries = 0; tries < 2; tries++) {
                reason[0] = '\0';
                if (s->fd < 0)
                        s->fd = b->open(b->ctx);
                if (s->fd < 0)
                        return refuse("cannot open the audit socket", -s->fd, reason, size);
                r = b->send(b->ctx, s->fd, text, i->record.success, reason, size);
                if (r >= 0 || r == -EINVAL)
                        return r > 0 ? ATTEMPT_TAKEN : r < 0 ? ATTEMPT_NEVER : ATTEMPT_NOT_NOW;
                b->close(b->ctx, s->fd);
                s->fd = -1;
        }
        return refuse("the audit socket is broken", -r, reason, size);
}

/* Its text says how late it is. */
static enum attempt attempt_late(struct sender *s, const struct sender_item *i, char *reason, size_t size)
{
        int64_t late = ((int64_t)clock_of(CLOCK_BOOTTIME) - i->record.since) / 1000000;
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (!i->late && late < 1)
                return attempt(s, i, i->text, reason, size);
        record_add_late(&text, i->text, late > 0 ? (uint64_t)late : 0);
        return text.error ? refuse("no late= for the record", -text.error, reason, size)
                          : attempt(s, i, buf_str(&text), reason, size);
}

static void tell(struct sender *s, const struct sender_item *i, bool taken)
{
        s->current_taken = taken;
        if (s->handed_over)
                s->handed_over(&i->record, taken, s->userdata);
}

/* Sends it, and sees whether it stayed. Without the lock meanwhile, so the owner may have gone afterwards.
 * The kernel's yes is told of before it is asked anything else: only a kill between these two makes the next
 * start send again what arrived. Where the kernel is likely to drop what it took, it is told of when it did
 * not. */
static enum attempt send_one(struct sender *s, const struct sender_item *i, char *reason, size_t size)
{
        reason[0] = '\0';
        if (!sender_may_send(s, reason, size))
                return ATTEMPT_NOT_NOW;
        (void)pthread_mutex_unlock(&s->lock);
        enum attempt result = attempt_late(s, i, reason, size);
        (void)pthread_mutex_lock(&s->lock);
        if (result != ATTEMPT_TAKEN || s->abandoned)
                return result;

        bool told = !s->kernel.tight;
        if (told)
                tell(s, i, true);
        (void)pthread_mutex_unlock(&s->lock);
        bool stayed = sender_stayed(s, reason, size);
        (void)pthread_mutex_lock(&s->lock);
        if (stayed != told && !s->abandoned)
                tell(s, i, stayed);
        /* The answer that it went by was an old one: once more, behind another. */
        if (!stayed && s->unasked)
                s->kicked = true;
        return stayed ? ATTEMPT_TAKEN : ATTEMPT_NOT_NOW;
}

static void note_sent(struct sender *s, struct sender_item *i, char *reason, size_t size)
{
        s->current_taken = false;
        if (sender_remember(s, i) < 0)
                (void)snprintf(reason, size, "sent, but not confirmed: out of memory");
        else if (s->status.in_doubt && !*reason)
                (void)snprintf(reason, size, SENDER_LOST_MEANWHILE);
        sender_post_final(s, i, SENDER_SENT);

        /* What is accepted now may be accepted of the others, too. In doubt that is seen first; and no more
         * of the kept ones go out than can be remembered. */
        bool full = s->look_at > 0 && s->unconfirmed.n == SENDER_UNCONFIRMED_MAX && !s->stopping;
        bool wait = s->status.in_doubt || (full && s->kept.head);
        s->paused = wait && s->look_at > 0;
        s->retrying = !wait;
        if (wait)
                s->next_retry = sender_now() + s->retry_nsec;
}

void *sender_main(void *userdata)
{
        struct sender *s = userdata;
        char reason[sizeof(s->status.problem)];
        struct sender_item *i;

        int r = privileges_keep(PRIVILEGE(CAP_AUDIT_WRITE) | PRIVILEGE(CAP_AUDIT_CONTROL));
        if (r < 0)
                log_debug("the sending thread keeps capabilities that it does not need: error %d; ignoring",
                        -r);
        (void)pthread_setname_np(pthread_self(), "audit-sender");
        (void)pthread_mutex_lock(&s->lock);
        while ((i = next_item(s))) {
                s->current = i;
                enum attempt result = send_one(s, i, reason, sizeof(reason));
                if (s->abandoned)
                        break;
                s->current = NULL;
                if (result == ATTEMPT_TAKEN)
                        note_sent(s, i, reason, sizeof(reason));
                else if (result == ATTEMPT_NEVER)
                        sender_post_final(s, i, SENDER_LOST);
                else
                        note_refused(s, i);
                memcpy(s->status.problem, reason, sizeof(reason));
        }
        if (!s->abandoned && s->unconfirmed.head)
                sender_look(s);
        (void)pthread_mutex_unlock(&s->lock);
        if (s->fd >= 0)
                s->backend->close(s->backend->ctx, s->fd);

        (void)pthread_mutex_lock(&s->lock);
        s->exited = true;
        (void)pthread_cond_signal(&s->ended);
        (void)pthread_mutex_unlock(&s->lock);
        sender_release(s);
        return NULL;
}
