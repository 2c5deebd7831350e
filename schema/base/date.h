/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dates as people and logs write them. Times are µs since 1970; what names no zone is local time. Pure but
 * for the zone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "clock.h"

#define DATE_TEXT_MAX 32u

/* Where in the text the first date begins, and the time that it says: "2026-01-31 10:00:00", with T,
 * fractions and a zone (Z, +01:00); "Jan 31 10:00:00", with a year behind it or without: then it is the last
 * such day before `about`. False where there is none. */
bool date_find(const char *text, size_t n, int64_t about, int64_t *ret);

/* What a person gives: such a date, the time of the day left out or not; "7d", "12h", "30m": so long before
 * `now`;
 * "@SECONDS". False: it is none. */
bool date_parse(const char *text, int64_t now, int64_t *ret);

/* "7d", "12h", "30m", "90s", "2w" in microseconds. False: it is none. */
bool date_parse_length(const char *text, int64_t *ret);

/* When that ends: a day when it is over, a date with a time of the day at that moment. Nothing but digits
 * and their separators, and no blank. False: it is none. */
bool date_parse_end(const char *text, size_t n, int64_t *ret);

/* "2026-01-31T10:00:00Z" and no other spelling. False: it is none, or not after 1970 began. */
bool date_parse_utc(const char *text, int64_t *ret);

/* "2026-01-31 10:00:00+0100", in local time. Returns `s`. */
const char *date_format(int64_t usec, char s[static DATE_TEXT_MAX]);

/* "2026-01-31T10:00:00Z", of whole seconds since 1970; "" where that is no year. Returns `s`. */
const char *date_format_utc(time_t seconds, char s[static DATE_TEXT_MAX]);
/* "2026-W05", the week of ISO 8601, in local time. Returns `s`. */
const char *date_format_week(int64_t usec, char s[static DATE_TEXT_MAX]);

/* ---- Ends ---- */

/* The end of something that is meant for a time, in a form that outlives restarts and boots. It is over at
 * whichever comes first: the wall clock reaches the end or stands before the beginning, or, in the boot in
 * which it began, the clock that also counts while the machine sleeps reaches its own. So a wall clock that
 * is set back prolongs nothing beyond that boot. */

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
