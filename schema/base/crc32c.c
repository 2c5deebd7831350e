/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crc32c.h"

#include "macro.h"

#define POLYNOMIAL_REFLECTED UINT32_C(0x82F63B78)

/* Slicing by four: a table of 4 x 256 entries, made on first use. Building it twice in a race would write
 * the same values, and all callers are on one thread anyway. */
static uint32_t table[4][256];

static void make_table(void)
{
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t c = i;
                for (int k = 0; k < 8; k++)
                        c = (c & 1) ? (c >> 1) ^ POLYNOMIAL_REFLECTED : c >> 1;
                table[0][i] = c;
        }
        for (uint32_t i = 0; i < 256; i++)
                for (size_t t = 1; t < ARRAY_SIZE(table); t++)
                        table[t][i] = (table[t - 1][i] >> 8) ^ table[0][table[t - 1][i] & 0xFF];
}

uint32_t crc32c(uint32_t crc, const void *data, size_t n)
{
        const uint8_t *p = data;

        if (table[0][1] == 0)
                make_table();
        crc = ~crc;
        for (; n >= 4; n -= 4, p += 4) {
                crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
                crc = table[3][crc & 0xFF] ^ table[2][(crc >> 8) & 0xFF] ^ table[1][(crc >> 16) & 0xFF] ^
                      table[0][crc >> 24];
        }
        for (; n > 0; n--, p++)
                crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xFF];
        return ~crc;
}
