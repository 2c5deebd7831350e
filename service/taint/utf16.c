/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "utf16.h"

#define REPLACEMENT UINT32_C(0xfffd)
#define MARK UINT32_C(0xfeff)

bool utf16_detect(const uint8_t *data, size_t n, struct utf16 *ret)
{
        *ret = (struct utf16){ 0 };
        if (n < 2)
                return false;
        if (data[0] == 0xfe && data[1] == 0xff) {
                ret->big_endian = true;
                return true;
        }
        if (data[0] == 0xff && data[1] == 0xfe)
                return true;
        if (n < 8)
                return false;
        unsigned low = 0, high = 0;
        for (size_t i = 0; i < 8; i += 2) {
                low += data[i] != 0 && data[i + 1] == 0;
                high += data[i] == 0 && data[i + 1] != 0;
        }
        ret->big_endian = high == 4;
        return low == 4 || high == 4;
}

static size_t put(uint32_t c, char *out)
{
        if (c < 0x80) {
                out[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                out[0] = (char)(0xc0 | c >> 6);
                out[1] = (char)(0x80 | (c & 0x3f));
                return 2;
        }
        if (c < 0x10000) {
                out[0] = (char)(0xe0 | c >> 12);
                out[1] = (char)(0x80 | (c >> 6 & 0x3f));
                out[2] = (char)(0x80 | (c & 0x3f));
                return 3;
        }
        out[0] = (char)(0xf0 | c >> 18);
        out[1] = (char)(0x80 | (c >> 12 & 0x3f));
        out[2] = (char)(0x80 | (c >> 6 & 0x3f));
        out[3] = (char)(0x80 | (c & 0x3f));
        return 4;
}

/* A unit of its own, or half of a pair. */
static size_t take(struct utf16 *u, uint16_t unit, char *out)
{
        uint16_t high = u->high;
        size_t n = 0;

        u->high = 0;
        if (high != 0 && (unit & 0xfc00) == 0xdc00)
                return put(0x10000 + ((uint32_t)(high & 0x3ff) << 10) + (unit & 0x3ff), out);
        if (high != 0)
                n = put(REPLACEMENT, out);
        if ((unit & 0xfc00) == 0xd800) {
                u->high = unit;
                return n;
        }
        if (unit == MARK)
                return n;
        return n + put((unit & 0xfc00) == 0xdc00 ? REPLACEMENT : unit, out + n);
}

size_t utf16_convert(struct utf16 *u, const uint8_t *data, size_t n, char *out)
{
        size_t written = 0;

        for (size_t i = 0; i < n; i++) {
                if (!u->has_byte) {
                        u->byte = data[i];
                        u->has_byte = true;
                        continue;
                }
                unsigned first = u->byte, second = data[i];
                uint16_t unit = (uint16_t)(u->big_endian ? first << 8 | second : second << 8 | first);
                u->has_byte = false;
                written += take(u, unit, out + written);
        }
        return written;
}
