/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLACEMENT UINT32_C(0xfffd)
#define MARK UINT32_C(0xfeff)

bool utf16_detect(const uint8_t *data, size_t n, struct utf16 *ret)
{
        *ret = (struct utf16){ 0 };
        if (n < 2)
                return false;
        if (data[0] == 0xfe && data[1] == 0xff) {
                ret->big_endian = true;
                return true;
        }
        if (data[0] == 0xff && data[1] == 0xfe)
                return true;
        if (n < 8)
                return false;
        unsigned low = 0, high = 0;
        for (size_t i = 0; i < 8; i += 2) {
                low += data[i] != 0 && data[i + 1] == 0;
                high += data[i] == 0 && data[i + 1] != 0;
        }
        ret->big_endian = high == 4;
        return low == 4 || high == 4;
}

static size_t put(uint32_t c, char *out)
{
        if (c < 0x80) {
                out[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                out[0] = (char)(0xc0 | c >> 6);
                out[1] = (char)(0x80 | (c & 0x3f));
                return 2;
        }
        if (c < 0x10000) {
                out[0] = (char)(0xe0 | c >> 12);
                out[1] = (char)(0x80 | (c >> 6 & 0x3f));
                out[2] = (char)(0x80 | (c & 0x3f));
                return 3;
        }
        out[0] = (char)(0xf0 | c >> 18);
        out[1] = (char)(0x80 | (c >> 12 & 0x3f));
        out[2] = (char)(0x80 | (c >> 6 & 0x3f));
        out[3] = (char)(0x80 | (c & 0x3f));
        return 4;
}

/* A unit of its own, or half of a pair. */
static size_t take(struct utf16 *u, uint16_t unit, char *out)
{
        uint16_t high = u->high;
        size_t n = 0;

        u->high = 0;
        if (high != 0 && (unit & 0xfc00) == 0xdc00)
                return put(0x10000 + ((uint32_t)(high & 0x3ff) << 10) + (unit & 0x3ff), out);
        if (high != 0)
                n = put(REPLACEMENT, out);
        if ((unit & 0xfc00) == 0xd800) {
                u->high = unit;
                return n;
        }
        if (unit == MARK)
                return n;
        return n + put((unit & 0xfc00) == 0xdc00 ? REPLACEMENT : unit, out + n);
}

size_t utf16_convert(struct utf16 *u, const uint8_t *data, size_t n, char *out)
{
        size_t written = 0;

        for (size_t i = 0; i < n; i++) {
                if (!u->has_byte) {
                        u->byte = data[i];
                        u->has_byte = true;
                        continue;
                }
                unsigned first = u->byte, second = data[i];
                uint16_t unit = (uint16_t)(u->big_endian ? first << 8 | second : second << 8 | first);
                u->has_byte = false;
                written += take(u, unit, out + written);
        }
        return written;
}

#define RAW_SIZE ((size_t)64 * 1024)
#define MAGIC_SIZE 512u /* bytes from the beginning that show the format */
#define NAME_SIZE 1024u /* of a name in an archive; cut if longer */

/* What is read on one level: the file itself, or a file in what the level above unpacks. */
struct level {
        struct source *source;
        struct level *outer; /* NULL: the file */
        struct unpack *unpack;
        uint8_t *raw;
        size_t raw_at, raw_len;
        bool raw_ends;
};

struct source {
        int fd;
        struct source_limits limits;
        struct level levels[SOURCE_LEVELS_MAX + 1];
        struct level *text; /* the level whose bytes are the text */
        struct level *open; /* the innermost that unpacks; NULL for none */
        bool started, is_utf16;
        struct utf16 utf16;
        uint64_t consumed, unpacked, members;
        char name[NAME_SIZE];
        size_t name_len[SOURCE_LEVELS_MAX +
                        1]; /* of `name`, what is the level's own and that of those above */
        struct diag *d;     /* of the call that is under way */
};

static ssize_t read_some(int fd, void *buf, size_t n)
{
        for (;;) {
                ssize_t r = read(fd, buf, n);
                if (r >= 0 || errno != EINTR)
                        return r < 0 ? -errno : r;
        }
}

static int check_limits(const struct source *s)
{
        if (s->unpacked > s->limits.bytes)
                return diag_set(s->d, EFBIG, "unpacks to more than %" PRIu64 " bytes; the rest is left out",
                        s->limits.bytes);
        if (s->unpacked > SOURCE_RATIO_FROM && s->unpacked / s->limits.ratio > s->consumed)
                return diag_set(s->d, EFBIG,
                        "unpacks to more than %" PRIu64 " times its size; the rest is left out",
                        s->limits.ratio);
        return 0;
}

/* Behind what is in the buffer. How many, 0 at the end, or negative errno. */
static ssize_t fill(struct level *l)
{
        struct source *s = l->source;
        uint8_t *to = l->raw + l->raw_len;
        size_t room = RAW_SIZE - l->raw_len;

        if (l->raw_ends)
                return 0;
        ssize_t n = l->outer ? unpack_data(l->outer->unpack, to, room, s->d) : read_some(s->fd, to, room);
        if (n < 0)
                return n;
        l->raw_ends = n == 0;
        l->raw_len += (size_t)n;
        if (!l->outer) {
                s->consumed += (uint64_t)n;
                return n;
        }
        s->unpacked += (uint64_t)n;
        int r = check_limits(s);
        return r < 0 ? r : n;
}

/* What is in the buffer, else the next bytes. */
static ssize_t next_bytes(struct level *l, const uint8_t **ret)
{
        if (l->raw_at == l->raw_len) {
                l->raw_at = l->raw_len = 0;
                ssize_t n = fill(l);
                if (n <= 0)
                        return n;
        }
        *ret = l->raw + l->raw_at;
        return (ssize_t)(l->raw_len - l->raw_at);
}

static ssize_t feed(void *userdata, const void **ret)
{
        struct level *l = userdata;
        const uint8_t *bytes = NULL;

        ssize_t n = next_bytes(l, &bytes);
        if (n > 0)
                l->raw_at = l->raw_len;
        *ret = bytes;
        return n;
}

/* The name of the format that the data begin like: "gzip", "tar"; NULL for none. *ret_readable: libarchive
 * reads it. */
static const char *format_of(const uint8_t *data, size_t n, bool *ret_readable)
{
        static const struct {
                const char *name;
                char magic[6];
                size_t len, at;
                size_t least; /* a file of the kind is no shorter */
                bool readable;
        } formats[] = {
                { "gzip", "\x1f\x8b", 2, 0, 2, true },
                { "bzip2", "BZh", 3, 0, 8, true },
                { "xz",
                        "\xfd"
                        "7zXZ",
                        6, 0, 6, true },
                { "zstd", "\x28\xb5\x2f\xfd", 4, 0, 4, true },
                { "lz4", "\x04\x22\x4d\x18", 4, 0, 7, true },
                { "lzma", "\x5d\0\0", 3, 0, 8, true },
                { "zip", "PK\x03\x04", 4, 0, 8, true },
                { "cpio", "07070", 5, 0, 76, true },
                { "tar", "ustar", 5, 257, MAGIC_SIZE, true },
                { "compress", "\x1f\x9d", 2, 0, 4, false },
                { "7-Zip", "7z\xbc\xaf\x27\x1c", 6, 0, 8, false },
                { "rar", "Rar!\x1a\x07", 6, 0, 8, false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
                if (n >= formats[i].least && n >= formats[i].at + formats[i].len &&
                        memcmp(data + formats[i].at, formats[i].magic, formats[i].len) == 0) {
                        *ret_readable = formats[i].readable;
                        return formats[i].name;
                }
        return NULL;
}

/* A pipe may give the first bytes one by one. 1: packed, 0: text. */
static int begin(struct source *s, size_t i)
{
        struct level *l = &s->levels[i];
        bool readable = false;

        if (!l->raw)
                l->raw = malloc(RAW_SIZE);
        if (!l->raw)
                return -ENOMEM;
        l->raw_at = l->raw_len = 0;
        l->raw_ends = false;
        while (l->raw_len < MAGIC_SIZE && !l->raw_ends) {
                ssize_t n = fill(l);
                if (n < 0)
                        return (int)n;
        }
        const char *format = format_of(l->raw, l->raw_len, &readable);
        if (!format) {
                s->text = l;
                s->is_utf16 = utf16_detect(l->raw, l->raw_len, &s->utf16);
                return 0;
        }
        if (!readable)
                return diag_set(
                        s->d, EOPNOTSUPP, "compressed with %s, which is not read; unpack it first", format);
        if (i >= s->limits.levels)
                return diag_set(s->d, EOPNOTSUPP, "is packed more than %" PRIu64 " times; unpack it first",
                        s->limits.levels);
        int r = unpack_open(feed, l, &l->unpack, s->d);
        if (r < 0)
                return r;
        s->open = l;
        return 1;
}

int source_open(int fd, const struct source_limits *limits, struct source **ret, struct diag *d)
{
        struct source *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->fd = fd;
        s->limits = *limits;
        s->d = d;
        for (size_t i = 0; i < ARRAY_SIZE(s->levels); i++) {
                s->levels[i].source = s;
                s->levels[i].outer = i > 0 ? &s->levels[i - 1] : NULL;
        }
        int r = begin(s, 0);
        if (r < 0) {
                (void)source_close(s);
                return r;
        }
        *ret = s;
        return 0;
}

static void close_level(struct source *s, struct level *l)
{
        l->unpack = unpack_close(l->unpack);
        s->open = l->outer;
}

struct source *source_close(struct source *s)
{
        if (!s)
                return NULL;
        for (size_t i = ARRAY_SIZE(s->levels); i > 0; i--) {
                (void)unpack_close(s->levels[i - 1].unpack);
                free(s->levels[i - 1].raw);
        }
        free(s);
        return NULL;
}

/* The name of what is in a level, behind the names of those above. */
static void set_name(struct source *s, size_t i, const char *name)
{
        size_t n = i > 0 ? s->name_len[i - 1] : 0;

        s->name[n] = '\0';
        if (name[0])
                (void)snprintf(s->name + n, sizeof(s->name) - n, "%s%s", n > 0 ? "/" : "", name);
        s->name_len[i] = strlen(s->name);
}

/* One step: 1: a text, 0: the end, -EAGAIN: on with the next. */
static int step(struct source *s, bool *ret_goes_on)
{
        struct level *l = s->open;
        const char *name;

        if (!l)
                return 0;
        size_t i = (size_t)(l - s->levels);
        *ret_goes_on = i > 0;
        set_name(s, i, "");
        int r = unpack_next(l->unpack, &name, s->d);
        if (r <= 0) {
                close_level(s, l);
                return r < 0 ? r : -EAGAIN;
        }
        set_name(s, i, name);
        if (++s->members > s->limits.members) {
                *ret_goes_on = false;
                return diag_set(s->d, EFBIG, "holds more than %" PRIu64 " files; the rest is left out",
                        s->limits.members);
        }
        r = begin(s, i + 1);
        *ret_goes_on = r == -EOPNOTSUPP || i > 0;
        return r == 0 ? 1 : r == 1 ? -EAGAIN : r;
}

int source_next(struct source *s, const char **ret_name, bool *ret_goes_on, struct diag *d)
{
        bool first = !s->started;
        int r;

        s->d = d;
        s->started = true;
        *ret_name = s->name;
        *ret_goes_on = false;
        if (first && !s->open)
                return 1;
        do
                r = step(s, ret_goes_on);
        while (r == -EAGAIN);
        return r;
}

int64_t source_time(const struct source *s, int64_t otherwise)
{
        for (const struct level *l = s->text ? s->text->outer : NULL; l; l = l->outer) {
                int64_t usec;
                if (unpack_time(l->unpack, &usec))
                        return usec;
        }
        return otherwise;
}

static ssize_t read_text(struct source *s, void *buf, size_t n)
{
        const uint8_t *bytes = NULL;

        ssize_t have = next_bytes(s->text, &bytes);
        if (have <= 0)
                return have;
        size_t part = (size_t)have < n ? (size_t)have : n;
        memcpy(buf, bytes, part);
        s->text->raw_at += part;
        return (ssize_t)part;
}

/* A file that is no archive goes straight to the reader. */
static ssize_t read_plain(struct source *s, void *buf, size_t n)
{
        struct level *l = s->text;

        if (l->outer || l->raw_at < l->raw_len)
                return read_text(s, buf, n);
        ssize_t r = read_some(s->fd, buf, n);
        s->consumed += r > 0 ? (uint64_t)r : 0;
        return r;
}

/* Two bytes become three at the most. */
static ssize_t read_utf16(struct source *s, char *buf, size_t n)
{
        uint8_t part[4096];
        size_t size = n / 2 < sizeof(part) ? n / 2 : sizeof(part);

        for (;;) {
                ssize_t r = read_text(s, part, size);
                if (r <= 0)
                        return r;
                size_t written = utf16_convert(&s->utf16, part, (size_t)r, buf);
                if (written > 0)
                        return (ssize_t)written;
        }
}

ssize_t source_read(struct source *s, void *buf, size_t n, struct diag *d)
{
        s->d = d;
        return s->is_utf16 ? read_utf16(s, buf, n) : read_plain(s, buf, n);
}

uint64_t source_consumed(const struct source *s)
{
        return s->consumed;
}
