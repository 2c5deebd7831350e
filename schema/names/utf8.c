/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../base/buf.h"
#include "fold.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

static inline bool is_continuation(char c)
{
        return ((uint8_t)c & 0xC0) == 0x80;
}

size_t utf8_decode(const char *s, size_t n, uint32_t *ret)
{
        uint8_t lead = (uint8_t)s[0];
        if (lead < 0x80) {
                *ret = lead;
                return 1;
        }

        size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        if (lead < 0xC2 || lead > 0xF4 || n < len)
                return 0;
        uint32_t c = lead & (0x7Fu >> len);
        for (size_t i = 1; i < len; i++) {
                if (!is_continuation(s[i]))
                        return 0;
                c = c << 6 | ((uint8_t)s[i] & 0x3F);
        }
        if (len == 3 && (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF)))
                return 0;
        if (len == 4 && (c < 0x10000 || c > 0x10FFFF))
                return 0;
        *ret = c;
        return len;
}

static bool is_noncharacter(uint32_t c)
{
        return (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
}

static size_t good_prefix(const char *s, size_t n, bool with_noncharacters)
{
        size_t at = 0;
        while (at < n) {
                uint64_t word;
                if (n - at >= sizeof(word)) {
                        memcpy(&word, s + at, sizeof(word));
                        if ((word & UINT64_C(0x8080808080808080)) == 0) {
                                at += sizeof(word);
                                continue;
                        }
                }
                uint32_t c;
                size_t len = utf8_decode(s + at, n - at, &c);
                if (len == 0 || (!with_noncharacters && is_noncharacter(c)))
                        return at;
                at += len;
        }
        return n;
}

size_t utf8_valid_prefix(const char *s, size_t n)
{
        return good_prefix(s, n, true);
}

size_t utf8_sendable_prefix(const char *s, size_t n)
{
        return good_prefix(s, n, false);
}

bool utf8_sendable(const char *s, size_t n)
{
        return utf8_sendable_prefix(s, n) == n;
}

size_t utf8_count(const char *s, size_t n)
{
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
                count += !is_continuation(s[i]);
        return count;
}

void utf8_replace(struct buf *out, const char *s, size_t n)
{
        for (size_t at = 0, len; at < n; at += len) {
                uint32_t c;
                len = utf8_decode(s + at, n - at, &c);
                if (len > 0 && !is_noncharacter(c))
                        buf_add(out, s + at, len);
                else
                        buf_puts(out, REPLACEMENT);
                len = len > 0 ? len : 1;
        }
}

bool utf8_is_plain(uint32_t c)
{
        if (c < 0x20 || (c >= 0x7F && c < 0xA0))
                return false;
        return !(c >= 0x2028 && c <= 0x202E) && !(c >= 0x2066 && c <= 0x2069) && c != 0x200E &&
               c != 0x200F && c != 0x061C;
}

void utf8_put_safe(struct buf *out, const char *s, size_t n)
{
        size_t from = 0; /* what goes out in one piece */

        for (size_t i = 0; i < n;) {
                uint32_t c;
                size_t len = utf8_decode(s + i, n - i, &c);
                bool shown = len > 0 && utf8_is_plain(c);
                if (len == 0)
                        len = 1;
                if (!shown) {
                        buf_add(out, s + from, i - from);
                        for (size_t k = 0; k < len; k++)
                                buf_printf(out, "\\x%02x", (unsigned char)s[i + k]);
                        from = i + len;
                }
                i += len;
        }
        buf_add(out, s + from, n - from);
}

void utf8_put_between(struct buf *out, const char *before, const char *text, const char *behind)
{
        buf_puts(out, before);
        utf8_put_safe(out, text, strlen(text));
        buf_puts(out, behind);
}
