/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What became of the records that were handed over: remembers them for a while, and finds out from the
 * kernel's `lost` whether they may be gone. */
#include "sender-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

static uint64_t settle_nsec(const struct sender *s)
{
        return s->backend->settle_ms * UINT64_C(1000000);
}

int sender_remember(struct sender *s, const struct sender_item *i)
{
        if (!s->lost_known)
                return 0;
        struct sender_item *copy = sender_item_new(&i->record);
        if (!copy)
                return -ENOMEM;
        if (s->unconfirmed.n == SENDER_UNCONFIRMED_MAX)
                free(sender_list_take(&s->unconfirmed));
        copy->order = i->order;
        copy->sent_at = sender_now();
        sender_list_append(&s->unconfirmed, copy);
        s->look_at = copy->sent_at + settle_nsec(s);
        return 0;
}

void sender_take_back(struct sender *s)
{
        struct sender_item *i;

        s->look_at = 0;
        while ((i = sender_list_take(&s->unconfirmed))) {
                if (s->handed_over)
                        s->handed_over(&i->record, false, s->userdata);
                i->was_kept = i->late = true;
                s->status.sent--;
                s->status.kept++;
                sender_list_insert(&s->kept, i);
                sender_post(s, &i->kept, i, SENDER_KEPT);
        }
        sender_make_room(s, 0);
}

static void doubt(struct sender *s)
{
        s->status.in_doubt = true;
        (void)snprintf(s->status.problem, sizeof(s->status.problem), SENDER_LOST_MEANWHILE);
        s->next_retry = sender_now() + s->retry_nsec;
        sender_take_back(s);
}

static void trust(struct sender *s, bool paused)
{
        if (paused)
                s->retrying = true;
        if (!s->status.in_doubt)
                return;
        s->status.in_doubt = false;
        if (strcmp(s->status.problem, SENDER_LOST_MEANWHILE) == 0)
                s->status.problem[0] = '\0';
        (void)eventfd_write(s->event_fd, 1);
}

/* What had had its time at `at` stayed with the kernel. Was there any? */
static bool forget(struct sender *s, uint64_t at)
{
        bool any = false;

        for (; s->unconfirmed.head && s->unconfirmed.head->sent_at + settle_nsec(s) <= at; any = true)
                free(sender_list_take(&s->unconfirmed));
        s->look_at = s->unconfirmed.head ? s->unconfirmed.tail->sent_at + settle_nsec(s) : 0;
        return any;
}

/* The next look tells; until then they stay in the list. */
static void note_failure(struct sender *s, int error)
{
        char buffer[64];

        s->look_at = s->unconfirmed.head ? sender_now() + s->retry_nsec : 0;
        if (!s->unconfirmed.head)
                return;
        (void)snprintf(s->status.problem, sizeof(s->status.problem), SENDER_UNSURE ": %s",
                strerror_r(error, buffer, sizeof(buffer)));
        s->unsure = true;
        (void)eventfd_write(s->event_fd, 1);
}

/* The kernel answers again. */
static void note_answer(struct sender *s)
{
        if (s->unsure && strncmp(s->status.problem, SENDER_UNSURE, strlen(SENDER_UNSURE)) == 0) {
                s->status.problem[0] = '\0';
                (void)eventfd_write(s->event_fd, 1);
        }
        s->unsure = false;
}

void sender_look(struct sender *s)
{
        uint64_t at = sender_now();

        if (!s->backend->status)
                return;
        (void)pthread_mutex_unlock(&s->lock);
        int r = sender_ask(s);
        (void)pthread_mutex_lock(&s->lock);
        if (s->abandoned)
                return;

        bool paused = s->paused;
        /* What the kernel lost may then not be ours, or nothing is known of it. */
        bool says_nothing = r == -EPERM || (r == 0 && !s->kernel.fetched);
        s->paused = false;
        if (says_nothing || r == 0)
                note_answer(s);
        if (says_nothing) {
                (void)forget(s, UINT64_MAX);
                trust(s, paused);
        } else if (r < 0)
                note_failure(s, -r);
        else if (s->unconfirmed.head && s->kernel.lost != s->lost_seen)
                doubt(s);
        else if (forget(s, at))
                trust(s, paused);
        else
                s->paused = paused;
        if (r == 0)
                s->lost_seen = s->kernel.lost;
        s->lost_known = !says_nothing && (r == 0 || s->lost_known);
}
