/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The time since some moment, for what is measured and what is waited for. */

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, microseconds. */
static inline uint64_t clock_usec(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * UINT64_C(1000000) + (uint64_t)ts.tv_nsec / 1000;
}
