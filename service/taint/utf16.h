/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UTF-16, as PowerShell's `>` and other programs of Windows write it, to UTF-8. No I/O, no allocation. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf16 {
        bool big_endian;
        bool has_byte; /* half a unit is left from before */
        uint8_t byte;
        uint16_t high; /* the first half of a pair, 0 for none */
};

/* From the first bytes of a text, eight or all: a byte order mark, or a NUL in every second place. */
bool utf16_detect(const uint8_t *data, size_t n, struct utf16 *ret);

/* Converts n bytes; `out` has room for n / 2 * 3 + 3. Returns how many bytes it wrote. What is no character
 * becomes U+FFFD. */
size_t utf16_convert(struct utf16 *u, const uint8_t *data, size_t n, char *out);
