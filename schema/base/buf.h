/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A growing byte buffer whose first allocation failure sticks: callers append freely and check once, with
 * buf_finish() or `b->error`. The contents are always followed by a NUL that `len` does not count. */

#include <stdbool.h>
#include <stdint.h>

#include "macro.h"

struct buf {
        char *data;
        size_t len;
        size_t size;
        int error; /* 0 or -ENOMEM */
};

#define BUF_INIT ((struct buf){ 0 })

void buf_done(struct buf *b);
#define _cleanup_buf_ _cleanup_(buf_done)

/* Empties the buffer and keeps its memory. */
void buf_clear(struct buf *b);

/* Room for `n` more bytes; returns 0 or -ENOMEM (which also sticks). */
int buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
/* In decimal; a tenth of the time that buf_printf() takes. */
void buf_number(struct buf *b, uint64_t v);
_printf_(2, 3) void buf_printf(struct buf *b, const char *format, ...);
/* Fixed-size integers, little-endian. */
void buf_le32(struct buf *b, uint32_t v);
void buf_le64(struct buf *b, uint64_t v);

/* "" instead of NULL for a buffer that never grew. */
const char *buf_str(const struct buf *b);
bool buf_equal(const struct buf *a, const struct buf *b);

/* Hands the bytes over as a NUL-terminated malloc()ed string (never NULL on success) and empties the buffer.
 * Returns 0 or -ENOMEM. `ret_len` may be NULL. */
int buf_finish(struct buf *b, char **ret, size_t *ret_len);
