/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory that is given back in one go, down to a mark, in the order in which it was taken. */

#include <stddef.h>

struct arena {
        struct arena_chunk *last;
        size_t total; /* bytes taken */
};

/* Aligned for anything; not cleared. NULL: out of memory. */
void *arena_take(struct arena *a, size_t size);
/* A copy with a NUL behind it. NULL: out of memory. */
void *arena_copy(struct arena *a, const void *data, size_t size);
/* Gives back what was taken since `total` was `mark`. One chunk is kept for the next. */
void arena_trim(struct arena *a, size_t mark);
void arena_done(struct arena *a);
