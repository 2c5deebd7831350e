/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ranges.h"

#include <inttypes.h>

static void put_range(struct buf *out, const struct ranges *r)
{
        if (out->len > 0)
                buf_puts(out, ", ");
        buf_printf(out, "%" PRIu64, r->first);
        if (r->last > r->first)
                buf_printf(out, "-%" PRIu64, r->last);
}

void ranges_add(struct ranges *r, uint64_t number)
{
        if (r->n == 0 || number != r->last + 1) {
                if (r->n > 0)
                        put_range(&r->text, r);
                r->first = number;
        }
        r->last = number;
        r->n++;
}

const char *ranges_text(struct ranges *r)
{
        size_t len = r->text.len;

        if (r->n > 0)
                put_range(&r->text, r);
        const char *text = buf_str(&r->text);
        r->text.len = len; /* the last range may grow yet */
        return text;
}
