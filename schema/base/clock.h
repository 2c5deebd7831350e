/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What time it is, and in which boot. */

#include <stdint.h>
#include <time.h>

#include "macro.h"

#define BOOT_ID_MAX 37u /* with the NUL */

/* In microseconds. */
uint64_t clock_of(clockid_t clock);

/* The time since some moment, for what is measured and what is waited for. */
static inline uint64_t clock_usec(void)
{
        return clock_of(CLOCK_MONOTONIC);
}

/* proc/sys/kernel/random/boot_id; "" and an error where it cannot be had. */
int clock_boot_id(const char *root, char ret[static BOOT_ID_MAX]);
