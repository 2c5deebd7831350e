/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A thread beside a loop, and what one waits for, in the time of clock_usec(): a wall clock that is set
 * neither prolongs nor shortens that. */

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "macro.h"

/* Signals are the loop's: it gets none. 0 or negative errno. */
_must_check_ static inline int thread_start(pthread_t *ret, void *(*run)(void *), void *userdata)
{
        sigset_t all, before;

        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        int r = pthread_create(ret, NULL, run, userdata);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

static inline void thread_cond_init(pthread_cond_t *ret)
{
        pthread_condattr_t attr;

        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(ret, &attr);
        (void)pthread_condattr_destroy(&attr);
}

/* UINT64_MAX: however long it takes. False: it is that late. */
static inline bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t usec)
{
        const struct timespec t = { .tv_sec = (time_t)(usec / 1000000),
                .tv_nsec = (long)(usec % 1000000) * 1000 };

        return (usec == UINT64_MAX ? pthread_cond_wait(cond, lock)
                                   : pthread_cond_timedwait(cond, lock, &t)) == 0;
}
