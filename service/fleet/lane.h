/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Work with etcd that is tried again until it succeeds, each time later, and never by all machines at once.
 */

#include "etcd.h"

#define LANE_FIRST_USEC UINT64_C(1000000)
#define LANE_MOST_USEC UINT64_C(120000000)
#define LANE_NEVER UINT64_MAX

struct lane {
        const char *what; /* for people: what it does */
        uint64_t due;     /* CLOCK_MONOTONIC: when to try again; LANE_NEVER where it did not fail */
        unsigned failures;
        enum etcd_status status;
        char text[256]; /* why it is not ETCD_OK */
        int64_t since;  /* it is so: µs since 1970 */
};

void lane_failed(struct lane *l, enum etcd_status status, const char *text);
void lane_succeeded(struct lane *l);
/* It failed, and its time has come: then it waits for an answer. */
bool lane_begins(struct lane *l, uint64_t now);

/* At random, for what many machines would do at the same time: less than this. */
uint64_t lane_spread(uint64_t usec);
