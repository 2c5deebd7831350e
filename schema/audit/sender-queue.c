/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sender-queue.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

void sender_queue_init(struct sender_queue *q, int event_fd)
{
        *q = (struct sender_queue){ .event_fd = event_fd };
        q->items_end = &q->items;
        q->events_end = &q->events;
}

void sender_queue_done(struct sender_queue *q)
{
        for (struct sender_item *i = q->items, *next; i; i = next) {
                next = i->next;
                free(i);
        }
        if (q->busy && q->busy->state == SENDER_ITEM_ENDED)
                free(q->busy);
}

static void free_ended(const struct sender_queue *q, struct sender_item *i)
{
        bool pending = i == q->busy;

        for (size_t k = 0; k < SENDER_OUTCOMES_N; k++)
                pending |= i->events[k].pending;
        if (!pending)
                free(i);
}

static void take_event(struct sender_queue *q, struct sender_event *e)
{
        struct sender_event **at = &q->events;

        while (*at != e)
                at = &(*at)->next;
        *at = e->next;
        if (!*at)
                q->events_end = at;
        e->pending = false;
}

static void report(struct sender_queue *q, struct sender_item *i, enum sender_outcome outcome)
{
        struct sender_event *e = &i->events[outcome];

        if (e->pending)
                take_event(q, e);
        *e = (struct sender_event){ .item = i, .pending = true };
        *q->events_end = e;
        q->events_end = &e->next;
        (void)eventfd_write(q->event_fd, 1);
}

bool sender_queue_next_event(struct sender_queue *q, uint64_t *ret_cookie, enum sender_outcome *ret_outcome)
{
        struct sender_event *e = q->events;
        eventfd_t count;

        if (!e) {
                (void)eventfd_read(q->event_fd, &count);
                return false;
        }
        struct sender_item *i = e->item;
        *ret_cookie = i->record.cookie;
        *ret_outcome = (enum sender_outcome)(e - i->events);
        take_event(q, e);
        if (i->state == SENDER_ITEM_ENDED)
                free_ended(q, i);
        return true;
}

static void end_item(struct sender_queue *q, struct sender_item *i)
{
        struct sender_item **at = &q->items;

        while (*at != i)
                at = &(*at)->next;
        *at = i->next;
        if (!*at)
                q->items_end = at;
        i->state = SENDER_ITEM_ENDED;
        free_ended(q, i);
}

struct sender_item *sender_queue_first(const struct sender_queue *q)
{
        struct sender_item *i = q->items;

        while (i && i->state == SENDER_ITEM_SENT)
                i = i->next;
        return i;
}

void sender_queue_lose(struct sender_queue *q, struct sender_item *i)
{
        q->kept -= i->state == SENDER_ITEM_KEPT;
        q->lost++;
        q->waiting--;
        report(q, i, SENDER_LOST);
        end_item(q, i);
}

/* Kept ones stand before those that were never tried, so the first goes. */
static void make_room(struct sender_queue *q, size_t n)
{
        while (q->waiting + n > SENDER_QUEUE_MAX) {
                struct sender_item *i = sender_queue_first(q);
                sender_queue_lose(q, i == q->busy ? i->next : i);
                q->overflowed = true;
        }
}

int sender_queue_add(struct sender_queue *q, const struct sender_record *r, bool late)
{
        size_t n = strlen(r->text) + 1;
        struct sender_item *i = calloc(1, sizeof(*i) + n);

        if (!i)
                return -ENOMEM;
        i->record = *r;
        i->record.text = memcpy(i->text, r->text, n);
        i->late = late;
        make_room(q, 1);
        *q->items_end = i;
        q->items_end = &i->next;
        q->waiting++;
        return 0;
}

static void keep(struct sender_queue *q, struct sender_item *i)
{
        if (i->state == SENDER_ITEM_KEPT)
                return;
        i->state = SENDER_ITEM_KEPT;
        i->late = true;
        q->kept++;
        report(q, i, SENDER_KEPT);
}

void sender_queue_keep(struct sender_queue *q)
{
        for (struct sender_item *i = sender_queue_first(q); i; i = i->next)
                keep(q, i);
}

void sender_queue_sent(struct sender_queue *q, struct sender_item *i, uint64_t now)
{
        q->kept -= i->state == SENDER_ITEM_KEPT;
        q->sent++;
        q->waiting--;
        i->state = SENDER_ITEM_SENT;
        i->sent_at = now;
        report(q, i, SENDER_SENT);
        if (++q->unconfirmed > SENDER_UNCONFIRMED_MAX) {
                q->unconfirmed--;
                end_item(q, q->items);
        }
}

bool sender_queue_confirm(struct sender_queue *q, uint64_t sent_at)
{
        bool any = false;

        for (; q->unconfirmed > 0 && q->items->sent_at <= sent_at; any = true) {
                q->unconfirmed--;
                end_item(q, q->items);
        }
        return any;
}

void sender_queue_take_back(struct sender_queue *q)
{
        for (struct sender_item *i = q->items; i && i->state == SENDER_ITEM_SENT; i = i->next) {
                q->sent--;
                q->waiting++;
                keep(q, i);
        }
        q->unconfirmed = 0;
        make_room(q, 0);
}
