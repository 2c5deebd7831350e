/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sender-internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

uint64_t sender_now(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

struct timespec sender_timespec(uint64_t nsec)
{
        return (struct timespec){
                .tv_sec = (time_t)(nsec / UINT64_C(1000000000)),
                .tv_nsec = (long)(nsec % UINT64_C(1000000000)),
        };
}

void sender_list_append(struct sender_list *l, struct sender_item *i)
{
        i->next = NULL;
        if (l->tail)
                l->tail->next = i;
        else
                l->head = i;
        l->tail = i;
        l->n++;
}

void sender_list_insert(struct sender_list *l, struct sender_item *i)
{
        struct sender_item **at = &l->head;

        while (*at && (*at)->order < i->order)
                at = &(*at)->next;
        i->next = *at;
        *at = i;
        if (!i->next)
                l->tail = i;
        l->n++;
}

struct sender_item *sender_list_take(struct sender_list *l)
{
        struct sender_item *i = l->head;

        if (!i)
                return NULL;
        l->head = i->next;
        if (!l->head)
                l->tail = NULL;
        l->n--;
        return i;
}

struct sender_item *sender_item_new(const struct sender_record *r)
{
        size_t n = strlen(r->text) + 1;
        struct sender_item *i = calloc(1, sizeof(*i) + n);

        if (!i)
                return NULL;
        memcpy(i->text, r->text, n);
        i->record = *r;
        i->record.text = i->text;
        return i;
}

/* The oldest kept one; where there is none, the oldest. */
static bool drop_one(struct sender *s)
{
        struct sender_item *i = sender_list_take(&s->kept);

        if (!i)
                i = sender_list_take(&s->fresh);
        if (!i)
                return false;
        if (!*s->status.problem)
                (void)snprintf(s->status.problem, sizeof(s->status.problem),
                        "the queue is full: sending takes too long");
        sender_post_final(s, i, SENDER_LOST);
        return true;
}

void sender_make_room(struct sender *s, size_t n)
{
        while (s->fresh.n + s->kept.n + (s->current != NULL) + n > SENDER_QUEUE_MAX)
                if (!drop_one(s))
                        return;
}

void sender_post(
        struct sender *s, struct sender_event *e, struct sender_item *i, enum sender_outcome outcome)
{
        *e = (struct sender_event){ .item = i, .outcome = outcome };
        *s->events_end = e;
        s->events_end = &e->next;
        (void)eventfd_write(s->event_fd, 1);
}

void sender_post_final(struct sender *s, struct sender_item *i, enum sender_outcome outcome)
{
        if (i->was_kept)
                s->status.kept--;
        if (outcome == SENDER_SENT)
                s->status.sent++;
        else
                s->status.lost++;
        sender_post(s, &i->final, i, outcome);
}

void sender_release(struct sender *s)
{
        struct sender_item *i;

        if (atomic_fetch_sub(&s->refs, 1) > 1)
                return;
        free(s->current);
        while ((i = sender_list_take(&s->unconfirmed)))
                free(i);
        (void)pthread_cond_destroy(&s->ended);
        (void)pthread_cond_destroy(&s->wake);
        (void)pthread_mutex_destroy(&s->lock);
        free(s);
}
