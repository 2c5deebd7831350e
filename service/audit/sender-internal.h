/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two sides of a sender share: the owner's (sender.c) and the sending thread's (sender-thread.c).
 */

#include "sender.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct sender_item;

/* An outcome on its way to the owner. Both that an item can have lie in the item: telling the owner needs no
 * memory and so cannot fail. */
struct sender_event {
        struct sender_event *next;
        struct sender_item *item;
        enum sender_outcome outcome;
};

struct sender_item {
        struct sender_item *next;
        struct sender_event kept, final;
        uint64_t cookie;
        bool success;
        bool was_kept;
        char text[];
};

struct sender_list {
        struct sender_item *head, *tail;
        size_t n;
};

struct sender {
        const struct sender_backend *backend;
        uint64_t retry_nsec;
        sender_sent_t sent;
        sender_done_t done;
        void *userdata;
        pthread_t thread;
        int event_fd;
        atomic_uint refs; /* owner and thread: the last to go frees */
        int fd;           /* the thread's own */

        pthread_mutex_t lock; /* for what follows */
        pthread_cond_t wake;  /* the thread */
        pthread_cond_t ended;
        struct sender_list fresh, kept;
        struct sender_item *current; /* out of the lists, being sent */
        struct sender_event *events, **events_end;
        struct sender_status status;
        uint64_t next_retry;
        bool retrying; /* a round over the kept ones is under way */
        bool kicked;   /* since the current one was taken: another round is due */
        bool stopping;
        bool abandoned; /* the owner has gone: nothing is told any more, and `current` is nobody's */
        bool exited;
};

uint64_t sender_now(void); /* ns of CLOCK_MONOTONIC, the clock of both conditions */
struct timespec sender_timespec(uint64_t nsec);

void sender_list_append(struct sender_list *l, struct sender_item *i);
void sender_list_prepend(struct sender_list *l, struct sender_item *i);
struct sender_item *sender_list_take(struct sender_list *l);

/* With the lock held. */
void sender_post(
        struct sender *s, struct sender_event *e, struct sender_item *i, enum sender_outcome outcome);
void sender_post_final(struct sender *s, struct sender_item *i, enum sender_outcome outcome);

void *sender_main(void *userdata);
/* Drops a reference. */
void sender_release(struct sender *s);
