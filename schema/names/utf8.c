/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fold.h"

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

size_t utf8_valid_prefix(const char *s, size_t n)
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
                if (len == 0)
                        return at;
                at += len;
        }
        return n;
}
