/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compressed formats, one source a format; the build chooses between it and its -none twin, which only knows
 * the magic number and says that the format cannot be read. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a step has to work with: it moves the pointers on by what it used. */
struct unpack_io {
        const uint8_t *in;
        size_t in_len;
        uint8_t *out;
        size_t out_len;
        bool in_ends; /* there is no more input behind this */
};

struct unpack_format {
        const char *name;    /* "gzip" */
        const char *library; /* "zlib": what the build would need */
        const char *magic;
        size_t magic_len;
        /* NULL where the build has no support. 0 or -ENOMEM. */
        int (*open)(void **ret_state);
        /* 0: go on, 1: the end, -EBADMSG: damaged or cut off, -ENOMEM. */
        int (*step)(void *state, struct unpack_io *io);
        void (*close)(void *state);
};

extern const struct unpack_format unpack_gzip, unpack_xz, unpack_zstd;

/* The name of the format where the first bytes, eight where there are so many, are of one that no build
 * reads: taken for text, such a file would count as clean. NULL else. */
const char *unpack_unread(const uint8_t *data, size_t n);
