/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Little-endian integers in memory, for records, frames and headers. */

#include <stddef.h>
#include <stdint.h>

static inline uint64_t get_le(const uint8_t *p, size_t n)
{
        uint64_t v = 0;
        for (size_t i = 0; i < n; i++)
                v |= (uint64_t)p[i] << (8 * i);
        return v;
}

static inline void put_le(uint8_t *p, uint64_t v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                p[i] = (uint8_t)(v >> (8 * i));
}
