/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Most need no more than the first. */
#define FIRST_BYTES 1024u
#define CHUNK_BYTES (16u * 1024u)

struct arena_chunk {
        struct arena_chunk *before;
        size_t begin; /* the arena's total where it begins */
        size_t size;
        alignas(max_align_t) char bytes[];
};

void *arena_take(struct arena *a, size_t size)
{
        struct arena_chunk *c = a->last;

        size = (size + alignof(max_align_t)) & ~(alignof(max_align_t) - 1);
        if (!c || size > c->size - (a->total - c->begin)) {
                size_t room = c ? CHUNK_BYTES : FIRST_BYTES;
                room = size > room ? size : room;
                c = malloc(sizeof(*c) + room);
                if (!c)
                        return NULL;
                *c = (struct arena_chunk){ .before = a->last, .begin = a->total, .size = room };
                a->last = c;
        }
        char *taken = c->bytes + (a->total - c->begin);
        a->total += size;
        return taken;
}

void *arena_copy(struct arena *a, const void *data, size_t size)
{
        char *copy = arena_take(a, size + 1);

        if (!copy)
                return NULL;
        if (size > 0)
                memcpy(copy, data, size);
        copy[size] = '\0';
        return copy;
}

void arena_trim(struct arena *a, size_t mark)
{
        struct arena_chunk *c;

        while ((c = a->last) && c->begin >= mark && (mark > 0 || c->before || c->size > CHUNK_BYTES)) {
                a->last = c->before;
                free(c);
        }
        a->total = mark;
}

void arena_done(struct arena *a)
{
        for (struct arena_chunk *c; (c = a->last);) {
                a->last = c->before;
                free(c);
        }
        a->total = 0;
}
