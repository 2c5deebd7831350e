/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_done(struct buf *b)
{
        free(b->data);
        *b = BUF_INIT;
}

void buf_clear(struct buf *b)
{
        b->len = 0;
        b->error = 0;
        if (b->data)
                b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t n)
{
        if (b->error)
                return b->error;
        if (n >= SIZE_MAX / 2 - b->len)
                return b->error = -ENOMEM;
        size_t need = b->len + n + 1;
        if (need <= b->size)
                return 0;
        size_t size = b->size ? b->size : 64;
        while (size < need)
                size *= 2;
        char *data = realloc(b->data, size);
        if (!data)
                return b->error = -ENOMEM;
        b->data = data;
        b->data[b->len] = '\0';
        b->size = size;
        return 0;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
        if (buf_reserve(b, n) < 0)
                return;
        if (n > 0)
                memcpy(b->data + b->len, bytes, n);
        b->len += n;
        b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
        buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
        if (buf_reserve(b, 1) < 0)
                return;
        b->data[b->len++] = c;
        b->data[b->len] = '\0';
}

void buf_number(struct buf *b, uint64_t v)
{
        char digits[20];
        size_t at = sizeof(digits);

        do {
                digits[--at] = (char)('0' + v % 10);
                v /= 10;
        } while (v > 0);
        buf_add(b, digits + at, sizeof(digits) - at);
}

/* Into the room that there is; only what does not fit is formatted twice. */
void buf_printf(struct buf *b, const char *format, ...)
{
        size_t room = b->error ? 0 : b->size - b->len;
        va_list ap, again;
        va_start(ap, format);
        va_copy(again, ap);
        int n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, format, ap);
        va_end(ap);
        bool fits = n >= 0 && (size_t)n < room;
        if (!fits && room > 0)
                b->data[b->len] = '\0';
        if (n < 0)
                b->error = -EINVAL;
        else if (!fits && buf_reserve(b, (size_t)n) == 0)
                fits = vsnprintf(b->data + b->len, (size_t)n + 1, format, again) == n;
        if (fits)
                b->len += (size_t)n;
        va_end(again);
}

static void add_le(struct buf *b, uint64_t v, size_t n)
{
        uint8_t bytes[8];
        for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t)(v >> (8 * i));
        buf_add(b, bytes, n);
}

void buf_le32(struct buf *b, uint32_t v)
{
        add_le(b, v, 4);
}

void buf_le64(struct buf *b, uint64_t v)
{
        add_le(b, v, 8);
}

const char *buf_str(const struct buf *b)
{
        return b->data ? b->data : "";
}

bool buf_equal(const struct buf *a, const struct buf *b)
{
        return a->len == b->len && memcmp(buf_str(a), buf_str(b), a->len) == 0;
}

int buf_finish(struct buf *b, char **ret, size_t *ret_len)
{
        if (buf_reserve(b, 0) < 0)
                return b->error;
        if (ret_len)
                *ret_len = b->len;
        *ret = STEAL_PTR(b->data);
        *b = BUF_INIT;
        return 0;
}
