/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A kernel that takes records and loses them later, played: it says so by its count only. One sender on top
 * of it, and what its owner was told. */

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../../schema/audit/sender.h"

/* No timer of the sender's runs in these tests unless they say so. */
#define NEVER 3600000u
#define PATIENCE_MS 20000
#define LOG_MAX 8192
#define UNCONFIRMED_MAX 64u

struct fake_kernel {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int answer;        /* of send() */
        int status_answer; /* of status() */
        bool nobody_fetches;
        bool tight;
        bool disabled; /* auditing; what a look that hangs says was so when it began */
        uint64_t lost, loses_later;
        bool loses;           /* each record that it takes, by the next look */
        bool block, blocking; /* a look does not return; is in there */
        bool asked_at_once;   /* the next question is the one behind a send, no look */
        int fails_at_once;    /* of that one */
        bool block_at_once;   /* that one does not return */
        unsigned sends, looks, opens, closes;
        char log[LOG_MAX];         /* "1 ": what it took */
        char handed_over[LOG_MAX]; /* "+1 -1 " */
};

extern struct fake_kernel fake;
extern struct sender *sender;
extern unsigned n_outcomes, n_kept;
extern char outcomes[LOG_MAX]; /* "1s " sent, "1k " kept, "1l " lost */

void lock(void);
void unlock(void);
/* In a question that does not return. */
void lock_when_it_hangs(void);
void start(unsigned retry_ms, unsigned settle_ms);
void stop(void);
void submit(unsigned first, unsigned last);
void dispatch_one(int timeout_ms);
void wait_outcomes(const char *want);
void wait_n_outcomes(unsigned n);
void set_loses(bool on);
/* The count rises for what the kernel took already. */
void lose(void);
void wait_looks(unsigned n);
/* Nothing wakes any more: neither the owner nor the thread. */
void check_quiet(unsigned looks, unsigned sends);
void check_log(const char *want, const char *handed_over);
void check_status(uint64_t sent, uint64_t kept, bool in_doubt, const char *problem);

#define LOST SENDER_LOST_MEANWHILE
