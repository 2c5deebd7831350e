/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What past.c, which has the threads and answers about earlier moments, and past-copies.c share. */

#include <pthread.h>

#include "../../schema/events/loop.h"
#include "../registry/restoration.h"
#include "../store/halt.h"
#include "../store/history.h"
#include "past.h"

struct method {
        const char *name;
        bool of_value;
        reader_answer_t answer; /* NULL: it takes options of its own */
        bool of_copy;
        bool of_now;
};

/* What the thread needs of it is copied: messages are the loop's. */
struct call {
        struct call *next;
        sd_bus_message *m;
        const struct method *method;
        uint32_t uid;
        bool may_write;
        unsigned n_before; /* calls of its user that waited when it came */
        char *key, *name;
        char *layer, *after; /* of ReadTree() and ReadTreeAt() */
        size_t keys_max;
        bool of_link, is_of_now, is_whole;
        enum history_scale scale;
        uint64_t number;

        struct restoration *copy;  /* of a copy */
        bool is_given_up;          /* answered while the thread is still at it; the loop's */
        struct registry *registry; /* of a moment; NULL: it failed */
        struct reader_tree *tree;  /* what is whole, as far as it is there; the loop's */
        int error;                 /* as a registry's */
        struct diag why;
};

/* A thread and its calls. */
struct lane {
        struct past *past;
        pthread_t thread;
        bool has_thread;
        struct halt halt;

        pthread_cond_t wake; /* of the past's lock, as what follows */
        bool has_ended;
        struct call *waiting, *working;
};

struct past {
        struct reader *reader;
        char *file;
        sd_event_source *source;
        sd_event_source *look; /* whether a copy can still be read */
        int event_fd;
        unsigned n;    /* calls that are not answered yet */
        bool is_stuck; /* a copy was given up, and its thread is not back yet */
        struct lane moments;
        struct lane copies; /* files of others': one that hangs keeps nobody from the history */
        struct lane wholes; /* no thread's: the loop works it, step by step */
        struct loop_deferred *turn;

        pthread_mutex_t lock; /* of what follows */
        bool stop;
        struct call *done;
};

struct call *past_call_free(struct call *c);
/* In a list of those who wait, or are done: whoever may write comes first, and then each user in turn. */
void past_put(struct call **list, struct call *c);
/* The first; NULL: there is none. */
struct call *past_take(struct call **list);
/* With the past's lock. */
void past_put_waiting(struct lane *l, struct call *c);

/* ---- past-copies.c ---- */

/* 0, or negative with `error` set. */
_must_check_ int past_read_copy(
        const struct past *p, sd_bus_message *m, struct call *c, sd_bus_error *error);
/* The thread has compared it. */
_must_check_ int past_answer_copy(const struct past *p, struct call *c, sd_bus_error *error);
/* Somebody has changed the registry meanwhile: it is the thread's again. */
bool past_compares_again(struct past *p, struct call *c);
/* Looks now and then whether a copy can still be read. 0 or negative errno. */
_must_check_ int past_watch_copies(struct past *p);
