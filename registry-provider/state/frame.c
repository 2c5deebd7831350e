/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../../schema/base/crc32c.h"
#include "le.h"

static const char magic[8] = "PeiosJnl";

enum {
        HEADER_VERSION = 8,
        HEADER_GENERATION = 16,
        HEADER_PREVIOUS = 24,
        HEADER_PREVIOUS_FRAMES = 32,
        HEADER_MARK = 40,
        HEADER_CRC = 60,

        FRAME_MARK = 0,
        FRAME_GENERATION = 8,
        FRAME_NUMBER = 16,
        FRAME_SEQUENCE = 24,
        FRAME_SIZE = 32,
        FRAME_CRC = 36,
};

void journal_header_format(const struct journal_header *h, uint8_t ret[static JOURNAL_HEADER_SIZE])
{
        memset(ret, 0, JOURNAL_HEADER_SIZE);
        memcpy(ret, magic, sizeof(magic));
        put_le(ret + HEADER_VERSION, JOURNAL_FORMAT_VERSION, 4);
        put_le(ret + HEADER_GENERATION, h->generation, 8);
        put_le(ret + HEADER_PREVIOUS, h->previous, 8);
        put_le(ret + HEADER_PREVIOUS_FRAMES, h->previous_frames, 8);
        put_le(ret + HEADER_MARK, h->mark, 8);
        put_le(ret + HEADER_CRC, crc32c(0, ret, HEADER_CRC), 4);
}

int journal_header_parse(const void *data, size_t size, struct journal_header *ret)
{
        const uint8_t *p = data;

        if (size < JOURNAL_HEADER_SIZE || memcmp(p, magic, sizeof(magic)) != 0 ||
                get_le(p + HEADER_CRC, 4) != crc32c(0, p, HEADER_CRC))
                return -EBADMSG;
        if (get_le(p + HEADER_VERSION, 4) != JOURNAL_FORMAT_VERSION)
                return -EPROTONOSUPPORT;
        *ret = (struct journal_header){
                .generation = get_le(p + HEADER_GENERATION, 8),
                .previous = get_le(p + HEADER_PREVIOUS, 8),
                .previous_frames = get_le(p + HEADER_PREVIOUS_FRAMES, 8),
                .mark = get_le(p + HEADER_MARK, 8),
        };
        return 0;
}

static uint32_t frame_crc(const uint8_t *header, const void *payload, size_t size)
{
        return crc32c(crc32c(0, header, FRAME_CRC), payload, size);
}

void frame_format(
        const struct journal_header *h, const struct frame *f, uint8_t ret[static FRAME_HEADER_SIZE])
{
        put_le(ret + FRAME_MARK, h->mark, 8);
        put_le(ret + FRAME_GENERATION, h->generation, 8);
        put_le(ret + FRAME_NUMBER, f->number, 8);
        put_le(ret + FRAME_SEQUENCE, f->sequence, 8);
        put_le(ret + FRAME_SIZE, f->size, 4);
        put_le(ret + FRAME_CRC, frame_crc(ret, f->payload, f->size), 4);
}

static bool frame_parse(const struct journal_header *h, const uint8_t *p, size_t size, struct frame *ret)
{
        if (size < FRAME_HEADER_SIZE || get_le(p + FRAME_MARK, 8) != h->mark ||
                get_le(p + FRAME_GENERATION, 8) != h->generation)
                return false;
        size_t n = (size_t)get_le(p + FRAME_SIZE, 4);
        const uint8_t *payload = p + FRAME_HEADER_SIZE;
        if (n > size - FRAME_HEADER_SIZE || get_le(p + FRAME_CRC, 4) != frame_crc(p, payload, n))
                return false;
        *ret = (struct frame){
                .number = get_le(p + FRAME_NUMBER, 8),
                .sequence = get_le(p + FRAME_SEQUENCE, 8),
                .payload = payload,
                .size = n,
        };
        return true;
}

static bool all_zero(const uint8_t *p, size_t n)
{
        return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static bool any_frame(const struct journal_header *h, const uint8_t *p, size_t size)
{
        uint8_t mark[8];
        struct frame f;

        put_le(mark, h->mark, sizeof(mark));
        for (const uint8_t *end = p + size; (p = memmem(p, (size_t)(end - p), mark, sizeof(mark))); p++)
                if (frame_parse(h, p, (size_t)(end - p), &f))
                        return true;
        return false;
}

enum frame_result frame_next(const struct journal_header *h, const void *journal, size_t size,
        uint64_t number, size_t *offset, struct frame *ret)
{
        const uint8_t *p = (const uint8_t *)journal + *offset;
        size_t left = size - *offset;

        if (all_zero(p, left))
                return FRAME_END;
        if (frame_parse(h, p, left, ret) && ret->number == number) {
                *offset += FRAME_HEADER_SIZE + ret->size;
                return FRAME_GOOD;
        }
        return any_frame(h, p, left) ? FRAME_CORRUPT : FRAME_TORN;
}
