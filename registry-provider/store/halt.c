/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "halt.h"

#include "database.h"

/* Of the thread. */
static _Thread_local struct halt *watching;

void halt_init(struct halt *h)
{
        *h = (struct halt){ 0 };
        (void)pthread_mutex_init(&h->lock, NULL);
}

void halt_done(struct halt *h)
{
        (void)pthread_mutex_destroy(&h->lock);
}

void halt_watch(struct halt *h)
{
        watching = h;
}

void halt_call(struct halt *h)
{
        (void)pthread_mutex_lock(&h->lock);
        h->is_called = true;
        for (struct database *db = h->first; db; db = db->halt_next)
                sqlite3_interrupt(db->sqlite);
        (void)pthread_mutex_unlock(&h->lock);
}

bool halt_is_called(void)
{
        bool is_called = false;

        if (watching) {
                (void)pthread_mutex_lock(&watching->lock);
                is_called = watching->is_called;
                (void)pthread_mutex_unlock(&watching->lock);
        }
        return is_called;
}

void halt_opened(struct database *db)
{
        db->halt = watching;
        if (!watching)
                return;
        (void)pthread_mutex_lock(&watching->lock);
        db->halt_next = watching->first;
        watching->first = db;
        (void)pthread_mutex_unlock(&watching->lock);
}

void halt_closing(struct database *db)
{
        if (!db->halt)
                return;
        (void)pthread_mutex_lock(&db->halt->lock);
        struct database **at = &db->halt->first;
        while (*at != db)
                at = &(*at)->halt_next;
        *at = db->halt_next;
        (void)pthread_mutex_unlock(&db->halt->lock);
        db->halt = NULL;
}
