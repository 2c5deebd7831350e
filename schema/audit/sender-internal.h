/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two sides of a sender share: the owner's (sender.c) and the sending thread's (sender-thread.c,
 * sender-status.c, sender-confirm.c). */

#include "sender.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* So many records at most are remembered after they were handed over. */
#define SENDER_UNCONFIRMED_MAX 64u
#define SENDER_UNSURE "sent, but not confirmed"

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
        struct sender_record record; /* its text is below */
        uint64_t order;              /* of the submitting */
        uint64_t sent_at;            /* of an unconfirmed one */
        bool was_kept;
        bool late; /* it was kept, by an earlier run or by this one */
        char text[];
};

struct sender_list {
        struct sender_item *head, *tail;
        size_t n;
};

struct sender {
        const struct sender_backend *backend;
        uint64_t retry_nsec;
        sender_handed_over_t handed_over;
        sender_done_t done;
        void *userdata;
        pthread_t thread;
        int event_fd;
        atomic_uint refs;            /* owner and thread: the last to go frees */
        int fd;                      /* the thread's own, as the next five are */
        struct sender_kernel kernel; /* the last answer */
        int kernel_error;            /* 0, or of the last question: -EPERM where we may not ask */
        bool no_socket;              /* that was the error */
        bool unasked;                /* the current one goes by an older answer */
        bool lossy;                  /* `lost` has risen under a daemon or a limit, for whomever */

        pthread_mutex_t lock; /* for what follows */
        pthread_cond_t wake;  /* the thread */
        pthread_cond_t ended;
        struct sender_list fresh, kept;
        /* Copies of what was handed over: the kernel may yet lose it. Oldest first; none of them was sent
         * before `lost` was `lost_seen`. */
        struct sender_list unconfirmed;
        uint64_t lost_seen;
        bool lost_known;
        bool unsure;                 /* a look failed, and the problem says so */
        uint64_t look_at;            /* 0: no look at `lost` is due */
        struct sender_item *current; /* out of the lists, being sent */
        bool current_taken;          /* the kernel took it, and it is being seen whether it keeps it */
        struct sender_event *events, **events_end;
        struct sender_status status;
        uint64_t submitted;
        uint64_t next_retry;
        bool retrying; /* a round over the kept ones is under way */
        bool paused;   /* nothing goes out until the look that is due, which ends it */
        bool kicked;   /* since the kernel was asked for the current one: another round is due */
        bool stopping;
        bool abandoned; /* the owner has gone: nothing is told any more, and `current` is nobody's */
        bool exited;
};

uint64_t sender_now(void); /* ns of CLOCK_MONOTONIC, the clock of both conditions */
struct timespec sender_timespec(uint64_t nsec);

void sender_list_append(struct sender_list *l, struct sender_item *i);
/* By their order. */
void sender_list_insert(struct sender_list *l, struct sender_item *i);
struct sender_item *sender_list_take(struct sender_list *l);
struct sender_item *sender_item_new(const struct sender_record *r);

/* With the lock held. */
/* That the kernel takes and keeps a record goes by its last answer: it need not be asked before, only after.
 */
bool sender_is_sure(const struct sender *s);
/* Drops what is over the limit when `n` more come. */
void sender_make_room(struct sender *s, size_t n);
void sender_post(
        struct sender *s, struct sender_event *e, struct sender_item *i, enum sender_outcome outcome);
void sender_post_final(struct sender *s, struct sender_item *i, enum sender_outcome outcome);

/* With the lock held. */
/* A copy of what was just handed over. 0 or -ENOMEM. */
_must_check_ int sender_remember(struct sender *s, const struct sender_item *i);
/* Asks the kernel what became of those: without the lock meanwhile, so the owner may have gone afterwards.
 * On the sending thread. */
void sender_look(struct sender *s);
/* They count as not handed over. */
void sender_take_back(struct sender *s);

/* On the sending thread, the first and the third without the lock. */
/* A handle that works, 0 and the kernel's answer in `s->kernel`; or what is in `s->kernel_error`. A broken
 * connection is opened anew once. */
int sender_ask(struct sender *s);
/* What the last answer says of the record that is to be sent. False: not now, for `reason`. */
bool sender_may_send(const struct sender *s, char *reason, size_t size);
/* Asks again: does the kernel still have what it took after its last answer? False also where it does not
 * say: better twice than not at all. True where we may not ask; then `reason` says so. */
bool sender_stayed(struct sender *s, char *reason, size_t size);
void sender_explain(int error, const char *what, char *reason, size_t size);

void *sender_main(void *userdata);
/* Drops a reference. */
void sender_release(struct sender *s);
