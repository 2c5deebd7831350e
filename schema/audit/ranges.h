/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ascending numbers for people: `5-7, 9`. */

#include <stdint.h>

#include "../base/buf.h"

struct ranges {
        struct buf text; /* without the last range */
        uint64_t first, last;
        size_t n; /* numbers */
};

#define RANGES_INIT                                                                                         \
        {                                                                                                   \
                .text = BUF_INIT                                                                            \
        }

void ranges_add(struct ranges *r, uint64_t number);
/* Good until the next change; "" where there is no memory. */
const char *ranges_text(struct ranges *r);

static inline void ranges_done(struct ranges *r)
{
        buf_done(&r->text);
}
#define _cleanup_ranges_ _cleanup_(ranges_done)
