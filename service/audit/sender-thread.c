/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sending thread: takes records from the queue, sends them, keeps what was not taken. */
#include "sender-internal.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/base/privileges.h"

static void keep(struct sender *s, struct sender_item *i)
{
        if (i->was_kept) {
                sender_list_insert(&s->kept, i);
                s->retrying = s->kicked;
                s->next_retry = sender_now() + s->retry_nsec;
                return;
        }
        if (!s->kept.head)
                s->next_retry = sender_now() + s->retry_nsec;
        i->was_kept = true;
        s->status.kept++;
        sender_list_append(&s->kept, i);
        sender_post(s, &i->kept, i, SENDER_KEPT);
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

/* The next one to send; NULL when the thread is to end. */
static struct sender_item *next_item(struct sender *s)
{
        struct sender_item *i;

        for (;;) {
                if (s->abandoned)
                        return NULL;
                uint64_t now = sender_now();
                if (s->look_at > 0 && now >= s->look_at && !s->stopping) {
                        sender_look(s);
                        continue;
                }
                if (s->kept.head && !s->retrying && !s->stopping && !s->paused)
                        s->retrying = now >= s->next_retry;
                /* At the end nobody would learn that the kernel lost it again. */
                if (s->stopping && s->status.in_doubt)
                        s->retrying = false;
                if (s->retrying && (i = sender_list_take(&s->kept)))
                        return i;
                s->retrying = false;
                if ((i = sender_list_take(&s->fresh)))
                        return i;
                if (s->stopping)
                        return NULL;
                wait_for_work(s);
        }
}

/* Did the kernel take it? A broken connection is opened anew once, at once. */
static bool attempt(struct sender *s, const struct sender_item *i, char *reason, size_t size)
{
        const struct sender_backend *b = s->backend;

        for (int tries = 0; tries < 2; tries++) {
                reason[0] = '\0';
                if (s->fd < 0)
                        s->fd = b->open(b->ctx);
                if (s->fd < 0) {
                        sender_explain(-s->fd, "cannot open the audit socket", reason, size);
                        return false;
                }
                int r = b->send(b->ctx, s->fd, i->text, i->success, reason, size);
                if (r >= 0)
                        return r > 0;
                b->close(b->ctx, s->fd);
                s->fd = -1;
                sender_explain(-r, "the audit socket is broken", reason, size);
        }
        return false;
}

static void tell(struct sender *s, const struct sender_item *i, bool taken)
{
        s->current_taken = taken;
        if (s->handed_over)
                s->handed_over(i->cookie, taken, i->success, i->text, s->userdata);
}

/* Sends it, and sees whether it stayed. Without the lock meanwhile, so the owner may have gone afterwards.
 * The kernel's yes is told of before it is asked anything else: only a kill between these two makes the next
 * start send again what arrived. Where the kernel is likely to drop what it took, it is told of when it did
 * not. */
static bool send_one(struct sender *s, const struct sender_item *i, char *reason, size_t size)
{
        reason[0] = '\0';
        if (!sender_may_send(s, reason, size))
                return false;
        (void)pthread_mutex_unlock(&s->lock);
        bool sent = attempt(s, i, reason, size);
        (void)pthread_mutex_lock(&s->lock);
        if (!sent || s->abandoned)
                return sent;

        bool told = !s->kernel.tight;
        if (told)
                tell(s, i, true);
        (void)pthread_mutex_unlock(&s->lock);
        sent = sender_stayed(s, reason, size);
        (void)pthread_mutex_lock(&s->lock);
        if (sent != told && !s->abandoned)
                tell(s, i, sent);
        return sent;
}

static void note_sent(struct sender *s, struct sender_item *i, char *reason, size_t size)
{
        s->current_taken = false;
        if (sender_remember(s, i) < 0)
                (void)snprintf(reason, size, "sent, but not confirmed: out of memory");
        else if (s->status.in_doubt && !*reason)
                (void)snprintf(reason, size, SENDER_LOST_MEANWHILE);
        sender_post_final(s, i, SENDER_SENT);

        /* What is accepted now may be accepted of the older ones, too. In doubt that is seen first; and no
         * more go out than can be remembered. */
        bool wait = s->status.in_doubt ||
                    (s->look_at > 0 && s->unconfirmed.n == SENDER_UNCONFIRMED_MAX && !s->stopping);
        s->paused = wait && s->look_at > 0 && s->kept.head;
        s->retrying = !wait && s->kept.head;
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
                s->kicked = false;
                sender_look(s);
                if (s->abandoned)
                        break;
                bool sent = send_one(s, i, reason, sizeof(reason));
                if (s->abandoned)
                        break;
                s->current = NULL;
                if (sent)
                        note_sent(s, i, reason, sizeof(reason));
                else
                        keep(s, i);
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
