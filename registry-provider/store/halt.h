/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a thread that works on databases is brought to its end: what it has open is interrupted, whichever
 * function opened it. */

#include <pthread.h>
#include <stdbool.h>

struct database;

struct halt {
        pthread_mutex_t lock; /* of what follows */
        struct database *first;
        bool is_called;
};

void halt_init(struct halt *h);
/* Nothing that the thread has opened may be open any more. */
void halt_done(struct halt *h);

/* What the calling thread opens from now on, until it ends, can be interrupted; also when another one has
 * taken it over. */
void halt_watch(struct halt *h);
/* Interrupts what is open now, from any thread: -ECANCELED. What is between two statements goes on, so it is
 * to be called again until the thread has ended. */
void halt_call(struct halt *h);
/* Whether that was called for this thread: for work that is no database's. */
bool halt_is_called(void);

/* database.c alone: it is open, and will be closed. */
void halt_opened(struct database *db);
void halt_closing(struct database *db);
