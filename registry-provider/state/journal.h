/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One journal file that is open for appending. */

#include "../../schema/base/buf.h"
#include "frame.h"

struct journal {
        int fd; /* -1: none */
        struct journal_header header;
        uint64_t frames;
        size_t end;       /* behind the last good frame */
        size_t allocated; /* the file's size: zeros from `end` on */
        bool no_allocate; /* the file system cannot preallocate */
};

#define JOURNAL_NONE ((struct journal){ .fd = -1 })

void journal_done(struct journal *j);

/* Makes the file under a temporary name, syncs it, gives it its name and syncs the directory, so that a
 * journal with a broken header is never what a power cut leaves. *ret_named: the name was given, and on an
 * error nobody knows whether the file will still be there after a power cut. */
_must_check_ int journal_create(
        int dir_fd, const struct journal_header *h, struct journal *ret, bool *ret_named);

/* Writes one frame whose payload begins FRAME_HEADER_SIZE bytes into `frame`, in one write where possible,
 * and fdatasyncs. On an error the file is as it was, unless *ret_unknown. */
_must_check_ int journal_append(struct journal *j, struct buf *frame, uint64_t sequence, bool *ret_unknown);

/* Cuts off what is behind the last good frame. */
_must_check_ int journal_cut(struct journal *j);
/* Whether the open file still has a name, and the size that we gave it. */
bool journal_is_ours(const struct journal *j);
