/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dates as people and logs write them. Times are µs since 1970; what names no zone is local time. Pure but
 * for the zone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

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
