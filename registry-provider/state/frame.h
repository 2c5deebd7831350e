/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal's bytes: a header, then frames, then zeros. Pure.
 *
 * Every journal has a random mark that begins each of its frames and is covered by their checksums. Nobody
 * who may write values can know it, so that no value can be made to look like a frame, and a frame that
 * another journal left on the disk is none of this one. */

#include <stddef.h>
#include <stdint.h>

#include "../../schema/base/macro.h"

#define JOURNAL_FORMAT_VERSION 1u
#define JOURNAL_HEADER_SIZE 64u
#define FRAME_HEADER_SIZE 40u

struct journal_header {
        uint64_t generation;
        /* The journal before this one (0: none) and how many of its frames count. Frames behind them are a
         * batch that failed and was rolled back. */
        uint64_t previous;
        uint64_t previous_frames;
        uint64_t mark;
};

struct frame {
        uint64_t number;   /* 1, 2, 3 … in each journal */
        uint64_t sequence; /* no number above it was handed out before the next frame; the last frame's
                              counts */
        const void *payload;
        size_t size;
};

enum frame_result {
        FRAME_GOOD,
        FRAME_END,     /* the clean end: nothing but zeros, or nothing */
        FRAME_TORN,    /* no frame, and none behind it: what a power cut leaves */
        FRAME_CORRUPT, /* no frame (or not the one that must come next), and good ones behind it */
};

void journal_header_format(const struct journal_header *h, uint8_t ret[static JOURNAL_HEADER_SIZE]);
/* 0, -EBADMSG, or -EPROTONOSUPPORT (a sound header of another format version). */
_must_check_ int journal_header_parse(const void *data, size_t size, struct journal_header *ret);

/* The header of frame f, whose payload follows it. */
void frame_format(
        const struct journal_header *h, const struct frame *f, uint8_t ret[static FRAME_HEADER_SIZE]);
/* Reads frame `number` at *offset of a whole journal and moves *offset behind it if it is good. */
enum frame_result frame_next(const struct journal_header *h, const void *journal, size_t size,
        uint64_t number, size_t *offset, struct frame *ret);
