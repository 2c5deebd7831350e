/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../schema/base/date.h"
#include "../../../schema/base/macro.h"
#include "suite.h"

#define SECOND INT64_C(1000000)
/* 2026-03-01 12:00:00 UTC */
#define NOW (INT64_C(1772366400) * SECOND)

TEST(found)
{
        static const struct {
                const char *text;
                int64_t usec; /* -1: none */
        } cases[] = {
                { "2026-01-31T10:00:00Z host kernel: x", INT64_C(1769853600) * SECOND },
                { "2026-01-31T10:00:00.25Z x", INT64_C(1769853600) * SECOND + 250000 },
                { "2026-01-31T10:00:00+01:00 x", INT64_C(1769850000) * SECOND },
                { "2026-01-31T10:00:00-0500 x", INT64_C(1769871600) * SECOND },
                { "2026-01-31 10:00:00 x", INT64_C(1769853600) * SECOND },
                { "[139399.1][2026:01:31 10:00:00][pid:1]", INT64_C(1769853600) * SECOND },
                { "Jan 31 10:00:00 host kernel: x", INT64_C(1769853600) * SECOND },
                { "Dec 31 10:00:00 host kernel: x", INT64_C(1767175200) * SECOND }, /* last year's */
                { "Jan  3 10:00:00 host", INT64_C(1767434400) * SECOND },
                { "Jan 3 10:00:00 host", INT64_C(1767434400) * SECOND },
                { "[Sat Jan 31 10:00:00 2026] x", INT64_C(1769853600) * SECOND },
                { "[Wed Dec 19 03:36:07 2018] x", INT64_C(1545190567) * SECOND },
                { "[ 6141.921740] x", -1 },
                { "2026-01-31 x", -1 }, /* in a log the time of the day is there, too */
                { "2026-13-31 10:00:00", -1 },
                { "2026-01-31 25:00:00", -1 },
                { "12026-01-31 10:00:00", -1 },
                { "Jan 31 host", -1 },
                { "", -1 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int64_t usec = -1;
                bool is_found = date_find(cases[i].text, strlen(cases[i].text), NOW, &usec);
                ck_assert_msg(is_found == (cases[i].usec >= 0) && (!is_found || usec == cases[i].usec),
                        "'%s': %d %ld", cases[i].text, is_found, (long)usec);
        }
}

TEST(utc)
{
        static const char *const none[] = { "", "2026-01-31", "2026-01-31T10:00:00", "2026-01-31T10:00:00z",
                "2026-02-29T10:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T10:00:60Z",
                "2026-1-31T10:00:00Z", "2026-01-31T10:00:00Z ", " 2026-01-31T10:00:00Z",
                "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "99999-01-31T10:00:00Z" };
        int64_t usec = -1;

        for (size_t i = 0; i < ARRAY_SIZE(none); i++)
                ck_assert_msg(!date_parse_utc(none[i], &usec), "%s", none[i]);
        ck_assert_int_eq(usec, -1);
        ck_assert(date_parse_utc("2026-01-31T10:00:00Z", &usec));
        ck_assert_int_eq(usec, INT64_C(1769853600) * SECOND);
        ck_assert(date_parse_utc("9999-12-31T23:59:59Z", &usec));
        ck_assert_int_eq(usec, INT64_C(253402300799) * SECOND);
}

TEST(given)
{
        static const struct {
                const char *text;
                int64_t usec;
        } cases[] = {
                { "2026-01-31", INT64_C(1769817600) * SECOND },
                { "2026-01-31 10:00", INT64_C(1769853600) * SECOND },
                { "2026-01-31T10:00:00Z", INT64_C(1769853600) * SECOND },
                { "7d", NOW - 7 * 86400 * SECOND },
                { "90m", NOW - 5400 * SECOND },
                { "@1769853600", INT64_C(1769853600) * SECOND },
                { "yesterday", -1 },
                { "7", -1 },
                { "7dd", -1 },
                { "-7d", -1 },
                { "2026-01-31 and more", -1 },
                { "2026-02", -1 },
                { "@", -1 },
                { "", -1 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int64_t usec = -1;
                bool ok = date_parse(cases[i].text, NOW, &usec);
                ck_assert_msg(ok == (cases[i].usec >= 0) && (!ok || usec == cases[i].usec), "'%s': %d %ld",
                        cases[i].text, ok, (long)usec);
        }
}

TEST(ends)
{
        static const struct {
                const char *text;
                int64_t seconds; /* -1: none */
        } cases[] = {
                { "2026-01-31", 1769904000 },
                { "2026-01-31T10:00", 1769853600 },
                { "2026-01-31T10:00:00", 1769853600 },
                { "2026-01-31T10:00:00Z", 1769853600 },
                { "2026-01-31T11:00+01:00", 1769853600 },
                { "2028-02-29", 1835481600 },
                { "2026-02-29", -1 },
                { "2026-04-31", -1 },
                { "2026-01-31 10:00", -1 },
                { "2026-01-31T", -1 },
                { "2026-01-31Z", -1 },
                { "2026-01-31T24:00", -1 },
                { "2026-01", -1 },
                { "31.1.2026", -1 },
                { "7d", -1 },
                { "@1769853600", -1 },
                { "", -1 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int64_t usec = -1;
                bool ok = date_parse_end(cases[i].text, strlen(cases[i].text), &usec);
                ck_assert_msg(ok == (cases[i].seconds >= 0) && (!ok || usec == cases[i].seconds * SECOND),
                        "'%s': %d %ld", cases[i].text, ok, (long)usec);
        }
}

/* A day has 25 hours where clocks are set back. */
TEST(end_of_a_long_day)
{
        int64_t before, usec;

        ck_assert_int_eq(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
        tzset();
        ck_assert(date_parse_end("2026-10-24", 10, &before));
        ck_assert(date_parse_end("2026-10-25", 10, &usec));
        ck_assert_int_eq(usec - before, INT64_C(25) * 3600 * SECOND);
}

TEST(printed)
{
        char s[DATE_TEXT_MAX];

        ck_assert_str_eq(date_format(INT64_C(1769853600) * SECOND, s), "2026-01-31 10:00:00+0000");
        ck_assert_str_eq(date_format_utc(INT64_C(1769853600), s), "2026-01-31T10:00:00Z");
        ck_assert_str_eq(date_format_utc(INT64_MAX, s), "");
        ck_assert_str_eq(date_format_week(INT64_C(1769853600) * SECOND, s), "2026-W05");
        ck_assert_str_eq(
                date_format_week(INT64_C(1767175200) * SECOND, s), "2026-W01"); /* of 31 December 2025 */
}

Suite *test_suite(void)
{
        (void)setenv("TZ", "UTC", 1);
        tzset();
        return suite_of("date");
}
