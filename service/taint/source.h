/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file that is read as text, whether it is compressed or not. */

#include <sys/types.h>

#include "../../schema/base/diag.h"
#include "unpack.h"
#include "utf16.h"

struct source {
        int fd;                             /* borrowed */
        const struct unpack_format *format; /* NULL for plain text */
        void *state;
        uint8_t *raw; /* what was read of a compressed file, or of the start of a plain one */
        size_t raw_at, raw_len;
        bool raw_ends;
        bool is_utf16;
        struct utf16 utf16;
        uint64_t consumed; /* bytes of the file, for the progress */
};

/* 0; -EOPNOTSUPP with d set for a format that the build cannot read; another negative errno. */
_must_check_ int source_open(int fd, struct source *ret, struct diag *d);
void source_close(struct source *s);

/* Up to n bytes, at least eight; 0 at the end. UTF-16 comes as UTF-8. -EBADMSG where a compressed file is
 * damaged or cut off; another negative errno. */
_must_check_ ssize_t source_read(struct source *s, void *buf, size_t n);
