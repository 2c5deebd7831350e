/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kmsg-record.h"

#include <string.h>

#include "../../schema/values/value.h"

/* The number up to `stop`; moves *s behind it. */
static bool take_number(const char **s, const char *end, char stop, uint64_t max, uint64_t *ret)
{
        const char *p = memchr(*s, stop, (size_t)(end - *s));

        if (!p || number_parse(*s, (size_t)(p - *s), max, ret) < 0)
                return false;
        *s = p + 1;
        return true;
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void unescape(const char *s, const char *end, char *ret, size_t size)
{
        size_t n = 0;

        while (s < end && n + 1 < size) {
                int high = end - s >= 4 && s[0] == '\\' && s[1] == 'x' ? hex_digit(s[2]) : -1;
                int low = high >= 0 ? hex_digit(s[3]) : -1;
                if (low < 0) {
                        ret[n++] = *s++;
                        continue;
                }
                char c = (char)(high << 4 | low);
                ret[n++] = c == '\0' ? '?' : c;
                s += 4;
        }
        while (n > 0 && (ret[n - 1] == ' ' || ret[n - 1] == '\n'))
                n--;
        ret[n] = '\0';
}

static void parse_caller(const char *s, const char *end, struct kmsg_record *r)
{
        static const char key[] = "caller=";
        const char *at = memmem(s, (size_t)(end - s), key, sizeof(key) - 1);
        uint64_t number;

        if (!at || end - at < (ptrdiff_t)sizeof(key) + 1)
                return;
        at += sizeof(key) - 1;
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if ((*at != 'T' && *at != 'C') ||
                number_parse(at + 1, (size_t)(stop - at - 1), INT32_MAX, &number) < 0)
                return;
        r->caller_kind = *at == 'T' ? KMSG_CALLER_TASK : KMSG_CALLER_CPU;
        r->caller = (uint32_t)number;
}

bool kmsg_record_parse(const char *line, size_t n, struct kmsg_record *ret)
{
        const char *end = line + n, *s = line;
        const char *text = memchr(line, ';', n);
        uint64_t priority, seq, usec;

        if (!text || memchr(line, '\0', n))
                return false;
        if (!take_number(&s, text, ',', UINT32_MAX, &priority) ||
                !take_number(&s, text, ',', UINT64_MAX, &seq) ||
                !take_number(&s, text, ',', UINT64_MAX, &usec))
                return false;
        *ret = (struct kmsg_record){ .level = (unsigned)priority & 7,
                .facility = (unsigned)priority >> 3,
                .seq = seq,
                .usec = usec };
        parse_caller(s, text, ret);
        unescape(text + 1, end, ret->text, sizeof(ret->text));
        return true;
}
