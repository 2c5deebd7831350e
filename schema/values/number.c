/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "value.h"

/* 0..35 for a digit or ASCII letter, else 255: not a digit in any base here. */
static uint8_t digit_value(char c)
{
        if (c >= '0' && c <= '9')
                return (uint8_t)(c - '0');
        char lower = (char)(c | 0x20);
        return lower >= 'a' && lower <= 'z' ? (uint8_t)(lower - 'a' + 10) : 255;
}

int number_parse(const char *s, size_t len, uint64_t max, uint64_t *ret)
{
        bool hex = len > 1 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
        unsigned base = hex ? 16 : 10;
        size_t start = hex ? 2 : 0;
        uint64_t v = 0;
        bool fits = true;

        if (len == start)
                return -EINVAL;
        for (size_t i = start; i < len; i++) {
                uint8_t digit = digit_value(s[i]);
                if (digit >= base)
                        return -EINVAL;
                fits = fits && !__builtin_mul_overflow(v, base, &v) && !__builtin_add_overflow(v, digit, &v);
        }
        if (!fits || v > max)
                return -ERANGE;
        *ret = v;
        return 0;
}

static bool between_pairs(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == ':' || c == '-';
}

int number_parse_hex(const char *s, size_t len, struct buf *ret)
{
        size_t before = ret->len;
        if (buf_reserve(ret, len / 2) < 0)
                return -ENOMEM;

        for (size_t i = 0; i < len; i++) {
                if (between_pairs(s[i]))
                        continue;
                uint8_t high = digit_value(s[i]);
                uint8_t low = i + 1 < len ? digit_value(s[i + 1]) : 255;
                if (high >= 16 || low >= 16) {
                        ret->len = before;
                        ret->data[before] = '\0';
                        return -EINVAL;
                }
                buf_putc(ret, (char)(high << 4 | low));
                i++;
        }
        return 0;
}

void number_format_hex(struct buf *out, const void *data, size_t n)
{
        static const char digits[] = "0123456789abcdef";
        const uint8_t *p = data;

        if (buf_reserve(out, 2 * n) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                out->data[out->len++] = digits[p[i] >> 4];
                out->data[out->len++] = digits[p[i] & 15];
        }
        out->data[out->len] = '\0';
}
