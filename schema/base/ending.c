/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ending.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "date.h"

#define SECOND INT64_C(1000000)
/* The year 9999. */
#define AT_MAX (INT64_C(253402300799) * SECOND)

void ending_read_clocks(struct ending_clocks *ret)
{
        ret->wall = (int64_t)clock_of(CLOCK_REALTIME);
        ret->boottime = clock_of(CLOCK_BOOTTIME);
        /* Without it the wall clock alone counts. */
        (void)clock_boot_id("", ret->boot);
}

static int64_t up(int64_t usec)
{
        return (usec + SECOND - 1) / SECOND * SECOND;
}

struct ending ending_in(uint64_t usec, const struct ending_clocks *now)
{
        const int64_t most = AT_MAX - now->wall, length = usec < (uint64_t)most ? (int64_t)usec : most;
        struct ending e = {
                .at = up(now->wall + length), .since = now->wall / SECOND * SECOND, .boottime = UINT64_MAX
        };

        memcpy(e.boot, now->boot, sizeof(e.boot));
        if (e.boot[0])
                e.boottime = (uint64_t)up((int64_t)now->boottime + length);
        return e;
}

struct ending ending_at(int64_t wall, const struct ending_clocks *now)
{
        return ending_in(wall > now->wall ? (uint64_t)(wall - now->wall) : 0, now);
}

/* ---- As text ---- */

const char *ending_format(const struct ending *e, char s[static ENDING_TEXT_MAX])
{
        char at[DATE_TEXT_MAX], since[DATE_TEXT_MAX];

        (void)date_format_utc((time_t)(e->at / SECOND), at);
        (void)date_format_utc((time_t)(e->since / SECOND), since);
        if (e->since == INT64_MIN)
                (void)snprintf(s, ENDING_TEXT_MAX, "%s", at);
        else if (since[0] && !e->boot[0])
                (void)snprintf(s, ENDING_TEXT_MAX, "%s since %s", at, since);
        else
                (void)snprintf(s, ENDING_TEXT_MAX, "%s since %s boot %s %" PRIu64, at, since, e->boot,
                        e->boottime / (uint64_t)SECOND);
        return s;
}

bool ending_parse(const char *text, size_t n, struct ending *ret)
{
        struct ending e = { .since = INT64_MIN, .boottime = UINT64_MAX };
        char copy[ENDING_TEXT_MAX], again[ENDING_TEXT_MAX], at[32], since[32];
        uint64_t seconds;

        if (n >= sizeof(copy) || memchr(text, '\0', n))
                return false;
        *(char *)mempcpy(copy, text, n) = '\0';
        const int got =
                sscanf(copy, "%31s since %31s boot %36[0-9a-f-] %12" SCNu64, at, since, e.boot, &seconds);
        if ((got != 1 && got != 2 && got != 4) || !date_parse_utc(at, &e.at))
                return false;
        if (got > 1 && !date_parse_utc(since, &e.since))
                return false;
        if (got == 4)
                e.boottime = seconds * (uint64_t)SECOND;
        /* Signs, blanks and whatever follows make another text. */
        if (strcmp(ending_format(&e, again), copy) != 0)
                return false;
        *ret = e;
        return true;
}

/* ---- Whether it is over ---- */

bool ending_is_over(const struct ending *e, const struct ending_clocks *now)
{
        if (now->wall >= e->at || now->wall < e->since)
                return true;
        return e->boot[0] && strcmp(e->boot, now->boot) == 0 && now->boottime >= e->boottime;
}

bool ending_equal(const struct ending *a, const struct ending *b)
{
        return a->at == b->at && a->since == b->since && a->boottime == b->boottime &&
               strcmp(a->boot, b->boot) == 0;
}
