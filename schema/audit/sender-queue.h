/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The records of a sender in their order, with their states (sender.h), and the outcomes that its owner has
 * not seen yet: behind those that were sent and are not confirmed stand those that wait, the kept ones
 * first. Sends nothing, asks nobody, locks nothing. */

#include "sender.h"

/* So many records at most are remembered after they were sent. */
#define SENDER_UNCONFIRMED_MAX 64u

enum sender_item_state {
        SENDER_ITEM_QUEUED,
        SENDER_ITEM_KEPT,
        SENDER_ITEM_SENT,
        SENDER_ITEM_ENDED, /* confirmed or lost: out of the list, freed when all is reported */
};

struct sender_item;

/* An outcome on its way to the owner. It lies in the item: reporting it needs no memory and so cannot fail.
 */
struct sender_event {
        struct sender_event *next;
        struct sender_item *item;
        bool pending;
};

struct sender_item {
        struct sender_item *next;
        struct sender_event events[SENDER_OUTCOMES_N];
        enum sender_item_state state;
        struct sender_record record; /* its text is below */
        uint64_t sent_at;
        bool late; /* it was kept once, by an earlier run or by this one */
        char text[];
};

struct sender_queue {
        struct sender_item *items, **items_end;
        struct sender_item *busy; /* one that waits and is in use: neither dropped for others nor freed */
        struct sender_event *events, **events_end;
        size_t waiting, unconfirmed; /* queued or kept; sent */
        uint64_t sent, lost, kept;   /* as in sender_status */
        bool overflowed;             /* one was dropped since this was reset */
        int event_fd;                /* borrowed; readable while outcomes wait */
};

void sender_queue_init(struct sender_queue *q, int event_fd);
void sender_queue_done(struct sender_queue *q);

/* Behind all others, the oldest one that waits dropped where it is full. 0 or -ENOMEM. */
_must_check_ int sender_queue_add(struct sender_queue *q, const struct sender_record *r, bool late);
/* The one to send next; NULL: none. */
struct sender_item *sender_queue_first(const struct sender_queue *q);
/* All that wait: none may pass one that is kept. */
void sender_queue_keep(struct sender_queue *q);
/* The first that waits was sent. */
void sender_queue_sent(struct sender_queue *q, struct sender_item *i, uint64_t now);
void sender_queue_lose(struct sender_queue *q, struct sender_item *i);
/* What was sent at that time or before stayed with the kernel. Was there any? */
bool sender_queue_confirm(struct sender_queue *q, uint64_t sent_at);
/* All that is not confirmed is kept. */
void sender_queue_take_back(struct sender_queue *q);
/* False: none waits. */
bool sender_queue_next_event(struct sender_queue *q, uint64_t *ret_cookie, enum sender_outcome *ret_outcome);
