/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RAW_SIZE ((size_t)64 * 1024)

static ssize_t read_some(int fd, void *buf, size_t n)
{
        for (;;) {
                ssize_t r = read(fd, buf, n);
                if (r >= 0 || errno != EINTR)
                        return r < 0 ? -errno : r;
        }
}

static int fill(struct source *s)
{
        ssize_t r = read_some(s->fd, s->raw, RAW_SIZE);

        if (r < 0)
                return (int)r;
        s->raw_at = 0;
        s->raw_len = (size_t)r;
        s->raw_ends = r == 0;
        s->consumed += (uint64_t)r;
        return 0;
}

/* A pipe may give the first bytes one by one. */
static int fill_magic(struct source *s)
{
        while (s->raw_len < 8 && !s->raw_ends) {
                ssize_t r = read_some(s->fd, s->raw + s->raw_len, RAW_SIZE - s->raw_len);
                if (r < 0)
                        return (int)r;
                s->raw_ends = r == 0;
                s->raw_len += (size_t)r;
                s->consumed += (uint64_t)r;
        }
        return 0;
}

int source_open(int fd, struct source *ret, struct diag *d)
{
        static const struct unpack_format *const formats[] = { &unpack_gzip, &unpack_xz, &unpack_zstd };
        struct source s = { .fd = fd, .raw = malloc(RAW_SIZE) };
        int r = s.raw ? fill_magic(&s) : -ENOMEM;

        for (size_t i = 0; i < ARRAY_SIZE(formats) && r == 0 && !s.format; i++)
                if (s.raw_len >= formats[i]->magic_len &&
                        memcmp(s.raw, formats[i]->magic, formats[i]->magic_len) == 0)
                        s.format = formats[i];
        const char *unread = r == 0 && !s.format ? unpack_unread(s.raw, s.raw_len) : NULL;
        if (unread)
                r = diag_set(
                        d, EOPNOTSUPP, "compressed with %s, which is not read; unpack it first", unread);
        else if (s.format && !s.format->open)
                r = diag_set(d, EOPNOTSUPP, "compressed with %s, and this program is built without %s",
                        s.format->name, s.format->library);
        else if (s.format)
                r = s.format->open(&s.state);
        if (r < 0) {
                free(s.raw);
                return r;
        }
        s.is_utf16 = !s.format && utf16_detect(s.raw, s.raw_len, &s.utf16);
        *ret = s;
        return 0;
}

void source_close(struct source *s)
{
        if (s->format && s->state)
                s->format->close(s->state);
        free(s->raw);
        *s = (struct source){ .fd = -1 };
}

static ssize_t read_plain(struct source *s, void *buf, size_t n)
{
        if (s->raw_at < s->raw_len) {
                size_t have = s->raw_len - s->raw_at;
                have = have < n ? have : n;
                memcpy(buf, s->raw + s->raw_at, have);
                s->raw_at += have;
                return (ssize_t)have;
        }
        ssize_t r = read_some(s->fd, buf, n);
        if (r > 0)
                s->consumed += (uint64_t)r;
        return r;
}

/* Two bytes become three at the most. */
static ssize_t read_utf16(struct source *s, char *buf, size_t n)
{
        uint8_t part[4096];
        size_t size = n / 2 < sizeof(part) ? n / 2 : sizeof(part);

        for (;;) {
                ssize_t r = read_plain(s, part, size);
                if (r <= 0)
                        return r;
                size_t written = utf16_convert(&s->utf16, part, (size_t)r, buf);
                if (written > 0)
                        return (ssize_t)written;
        }
}

ssize_t source_read(struct source *s, void *buf, size_t n)
{
        if (s->is_utf16)
                return read_utf16(s, buf, n);
        if (!s->format)
                return read_plain(s, buf, n);
        for (;;) {
                if (s->raw_at == s->raw_len && !s->raw_ends) {
                        int r = fill(s);
                        if (r < 0)
                                return r;
                }
                struct unpack_io io = { s->raw + s->raw_at, s->raw_len - s->raw_at, buf, n, s->raw_ends };
                int r = s->format->step(s->state, &io);
                s->raw_at = s->raw_len - io.in_len;
                if (io.out_len < n)
                        return (ssize_t)(n - io.out_len);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
}
