/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "date.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "file.h"

#define SECOND INT64_C(1000000)
#define DAY (INT64_C(86400) * SECOND)
#define YEAR_MIN 1970
#define YEAR_MAX 9999

struct scanner {
        const char *p, *end;
};

static bool take_number(struct scanner *s, size_t digits, int *ret)
{
        int v = 0;

        if ((size_t)(s->end - s->p) < digits)
                return false;
        for (size_t i = 0; i < digits; i++) {
                if (!isdigit((unsigned char)s->p[i]))
                        return false;
                v = v * 10 + (s->p[i] - '0');
        }
        s->p += digits;
        *ret = v;
        return true;
}

static bool take_one_of(struct scanner *s, const char *any)
{
        if (s->p == s->end || *s->p == '\0' || !strchr(any, *s->p))
                return false;
        s->p++;
        return true;
}

/* "10:00", "10:00:00", "10:00:00.5"; the fraction is added to *ret_usec. */
static bool take_clock(struct scanner *s, struct tm *tm, int64_t *ret_usec)
{
        struct scanner t = *s;

        if (!take_number(&t, 2, &tm->tm_hour) || !take_one_of(&t, ":") || !take_number(&t, 2, &tm->tm_min))
                return false;
        struct scanner seconds = t;
        tm->tm_sec = 0;
        if (take_one_of(&seconds, ":") && take_number(&seconds, 2, &tm->tm_sec))
                t = seconds;
        *ret_usec = 0;
        if (t.end - t.p > 1 && (*t.p == '.' || *t.p == ',') && isdigit((unsigned char)t.p[1])) {
                int64_t unit = SECOND / 10;
                for (t.p++; t.p < t.end && isdigit((unsigned char)*t.p); t.p++, unit /= 10)
                        *ret_usec += (*t.p - '0') * unit;
        }
        *s = t;
        return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

/* "Z", "+01:00", "+0100", "-05". */
static bool take_zone(struct scanner *s, int *ret_seconds)
{
        struct scanner t = *s;
        int hours, minutes = 0;

        if (take_one_of(s, "Z")) {
                *ret_seconds = 0;
                return true;
        }
        bool west = t.p < t.end && *t.p == '-';
        if (!take_one_of(&t, "+-") || !take_number(&t, 2, &hours))
                return false;
        struct scanner m = t;
        (void)take_one_of(&m, ":");
        if (take_number(&m, 2, &minutes))
                t = m;
        *s = t;
        *ret_seconds = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
        return true;
}

static int days_of_month(int month, int year)
{
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        return days[month] + (month == 1 && is_leap);
}

static bool is_day(const struct tm *tm)
{
        return tm->tm_year >= YEAR_MIN - 1900 && tm->tm_year <= YEAR_MAX - 1900 && tm->tm_mon >= 0 &&
               tm->tm_mon < 12 && tm->tm_mday >= 1 &&
               tm->tm_mday <= days_of_month(tm->tm_mon, tm->tm_year + 1900);
}

static bool to_usec(struct tm tm, const int *zone, int64_t usec, int64_t *ret)
{
        if (!is_day(&tm))
                return false;
        tm.tm_isdst = -1;
        time_t t = zone ? timegm(&tm) : mktime(&tm);
        if (t == (time_t)-1)
                return false;
        *ret = ((int64_t)t - (zone ? *zone : 0)) * SECOND + usec;
        return true;
}

/* "2026-01-31", and what may follow; *ret_clock: a time of the day did. */
static bool take_iso(struct scanner *s, int64_t *ret, bool *ret_clock)
{
        struct scanner t = *s;
        struct tm tm = { 0 };
        int64_t usec = 0;
        int zone;

        if (!take_number(&t, 4, &tm.tm_year) || !take_one_of(&t, "-/:") || !take_number(&t, 2, &tm.tm_mon) ||
                !take_one_of(&t, "-/:") || !take_number(&t, 2, &tm.tm_mday))
                return false;
        tm.tm_year -= 1900;
        tm.tm_mon--;
        struct scanner clock = t;
        *ret_clock = take_one_of(&clock, "T _") && take_clock(&clock, &tm, &usec);
        if (*ret_clock)
                t = clock;
        bool has_zone = *ret_clock && take_zone(&t, &zone);
        *s = t;
        return to_usec(tm, has_zone ? &zone : NULL, usec, ret);
}

static bool take_month(struct scanner *s, int *ret)
{
        static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

        for (int i = 0; i < 12 && s->end - s->p > 3; i++)
                if (memcmp(s->p, months + i * 3, 3) == 0) {
                        s->p += 3;
                        *ret = i;
                        return true;
                }
        return false;
}

static bool local(int64_t usec, struct tm *ret)
{
        time_t t = (time_t)(usec / SECOND);

        return localtime_r(&t, ret);
}

static int year_of(int64_t usec)
{
        struct tm tm;

        return local(usec, &tm) ? tm.tm_year : YEAR_MIN - 1900;
}

/* "Jan 31 10:00:00", "Jan  3 10:00:00 2026". */
static bool take_syslog(struct scanner *s, int64_t about, int64_t *ret)
{
        struct scanner t = *s;
        struct tm tm = { 0 };
        int64_t usec;
        int year;

        if (!take_month(&t, &tm.tm_mon) || !take_one_of(&t, " "))
                return false;
        (void)take_one_of(&t, " ");
        if (!(take_number(&t, 2, &tm.tm_mday) || take_number(&t, 1, &tm.tm_mday)) || !take_one_of(&t, " ") ||
                !take_clock(&t, &tm, &usec))
                return false;
        struct scanner behind = t;
        if (take_one_of(&behind, " ") && take_number(&behind, 4, &year) && year >= YEAR_MIN) {
                tm.tm_year = year - 1900;
                return to_usec(tm, NULL, usec, ret);
        }
        tm.tm_year = year_of(about);
        if (!to_usec(tm, NULL, usec, ret))
                return false;
        if (*ret <= about + DAY)
                return true;
        tm.tm_year--;
        return to_usec(tm, NULL, usec, ret);
}

bool date_find(const char *text, size_t n, int64_t about, int64_t *ret)
{
        const char *end = text + n;
        bool clock;

        for (const char *p = text; p < end; p++) {
                struct scanner s = { p, end };
                if (p > text && isalnum((unsigned char)p[-1]))
                        continue;
                if (isdigit((unsigned char)*p) ? take_iso(&s, ret, &clock) && clock
                                               : take_syslog(&s, about, ret))
                        return true;
        }
        return false;
}

bool date_parse_length(const char *text, int64_t *ret)
{
        static const struct {
                char unit;
                int64_t usec;
        } units[] = { { 's', SECOND }, { 'm', 60 * SECOND }, { 'h', 3600 * SECOND }, { 'd', DAY },
                { 'w', 7 * DAY } };
        char *end;

        long long v = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : -1;
        for (size_t i = 0; v >= 0 && v < 1000000 && i < sizeof(units) / sizeof(units[0]); i++)
                if (end[0] == units[i].unit && end[1] == '\0') {
                        *ret = v * units[i].usec;
                        return true;
                }
        return false;
}

bool date_parse(const char *text, int64_t now, int64_t *ret)
{
        struct scanner s = { text, text + strlen(text) };
        char *end;
        bool clock;

        if (text[0] == '@' && isdigit((unsigned char)text[1])) {
                long long v = strtoll(text + 1, &end, 10);
                *ret = v * SECOND;
                return *end == '\0' && v < INT64_MAX / SECOND;
        }
        if (date_parse_length(text, ret)) {
                *ret = now - *ret;
                return true;
        }
        return take_iso(&s, ret, &clock) && s.p == s.end;
}

/* Not 24 hours where the clocks are changed. */
static bool next_day(int64_t *usec)
{
        struct tm tm;

        if (!local(*usec, &tm))
                return false;
        tm.tm_mday++;
        tm.tm_isdst = -1;
        time_t t = mktime(&tm);
        *usec = (int64_t)t * SECOND;
        return t != (time_t)-1;
}

bool date_parse_end(const char *text, size_t n, int64_t *ret)
{
        struct scanner s = { text, text + n };
        bool clock;
        int64_t usec;

        if (memchr(text, ' ', n) || !take_iso(&s, &usec, &clock) || s.p != s.end)
                return false;
        if (!clock && !next_day(&usec))
                return false;
        *ret = usec;
        return true;
}

const char *date_format(int64_t usec, char s[static DATE_TEXT_MAX])
{
        struct tm tm;

        if (!local(usec, &tm) || strftime(s, DATE_TEXT_MAX, "%Y-%m-%d %H:%M:%S%z", &tm) == 0)
                s[0] = '\0';
        return s;
}

const char *date_format_week(int64_t usec, char s[static DATE_TEXT_MAX])
{
        struct tm tm;

        if (!local(usec, &tm) || strftime(s, DATE_TEXT_MAX, "%G-W%V", &tm) == 0)
                s[0] = '\0';
        return s;
}

#define BOOT_ID_LEN (BOOT_ID_MAX - 1)

uint64_t clock_of(clockid_t clock)
{
        struct timespec t = { 0 };

        (void)clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int clock_boot_id(const char *root, char ret[static BOOT_ID_MAX])
{
        _cleanup_free_ char *path = file_path(root, "/proc/sys/kernel/random/boot_id");
        _cleanup_buf_ struct buf text = BUF_INIT;

        ret[0] = '\0';
        if (!path)
                return -ENOMEM;
        int r = file_read(AT_FDCWD, path, 4096, &text, NULL, NULL);
        if (r < 0)
                return r;
        if (text.len != BOOT_ID_LEN + 1 || text.data[BOOT_ID_LEN] != '\n' ||
                strspn(text.data, "0123456789abcdef-") != BOOT_ID_LEN)
                return -EBADMSG;
        *(char *)mempcpy(ret, text.data, BOOT_ID_LEN) = '\0';
        return 0;
}

#define UTC_FORMAT "%Y-%m-%dT%H:%M:%SZ"

const char *date_format_utc(time_t seconds, char s[static DATE_TEXT_MAX])
{
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(s, DATE_TEXT_MAX, UTC_FORMAT, &tm) == 0)
                s[0] = '\0';
        return s;
}

bool date_parse_utc(const char *text, int64_t *ret)
{
        struct tm tm = { 0 };
        char again[DATE_TEXT_MAX];
        const char *end = strptime(text, UTC_FORMAT, &tm);
        const time_t seconds = end && !*end ? timegm(&tm) : 0;

        /* A 31st of February becomes another day. */
        if (seconds <= 0 || strcmp(date_format_utc(seconds, again), text) != 0)
                return false;
        return !__builtin_mul_overflow((int64_t)seconds, SECOND, ret);
}
