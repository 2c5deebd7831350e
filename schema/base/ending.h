/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of something that is meant for a time, in a form that outlives restarts and boots. It is over at
 * whichever comes first: the wall clock reaches the end or stands before the beginning, or, in the boot in
 * which it began, the clock that also counts while the machine sleeps reaches its own. So a wall clock that
 * is set back prolongs nothing beyond that boot. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

/* As it is written: "END", "END since BEGIN" or "END since BEGIN boot ID SECONDS", where times are
 * 2026-01-31T10:00:00Z and the seconds are those of CLOCK_BOOTTIME. */
#define ENDING_TEXT_MAX 128u
#define ENDING_EXPECTED "a time as 2026-01-31T10:00:00Z (UTC), with or without its beginning"

/* In microseconds; all fields of a whole one are whole seconds. */
struct ending {
        int64_t at;    /* CLOCK_REALTIME */
        int64_t since; /* the same; INT64_MIN: not said */
        char boot[BOOT_ID_MAX];
        uint64_t boottime; /* CLOCK_BOOTTIME, in that boot; UINT64_MAX: not said */
};

struct ending_clocks {
        int64_t wall;
        uint64_t boottime;
        char boot[BOOT_ID_MAX]; /* "": not known */
};

void ending_read_clocks(struct ending_clocks *ret);

/* That begins now. */
struct ending ending_in(uint64_t usec, const struct ending_clocks *now);
struct ending ending_at(int64_t wall, const struct ending_clocks *now);

/* Exactly as ending_format() writes it; false: it is none. */
bool ending_parse(const char *text, size_t n, struct ending *ret);
/* Returns `s`. */
const char *ending_format(const struct ending *e, char s[static ENDING_TEXT_MAX]);

bool ending_is_over(const struct ending *e, const struct ending_clocks *now);
bool ending_equal(const struct ending *a, const struct ending *b);
