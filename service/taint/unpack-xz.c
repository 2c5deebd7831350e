/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>

#include "unpack.h"

/* Level 9 needs 65 MiB. */
#define MEMORY_MAX (UINT64_C(128) * 1024 * 1024)

static int xz_open(void **ret_state)
{
        lzma_stream *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (lzma_stream)LZMA_STREAM_INIT;
        if (lzma_stream_decoder(s, MEMORY_MAX, LZMA_CONCATENATED) != LZMA_OK) {
                free(s);
                return -ENOMEM;
        }
        *ret_state = s;
        return 0;
}

static int xz_step(void *state, struct unpack_io *io)
{
        lzma_stream *s = state;

        s->next_in = io->in;
        s->avail_in = io->in_len;
        s->next_out = io->out;
        s->avail_out = io->out_len;
        lzma_ret r = lzma_code(s, io->in_ends ? LZMA_FINISH : LZMA_RUN);
        io->in = s->next_in;
        io->in_len = s->avail_in;
        io->out = s->next_out;
        io->out_len = s->avail_out;
        if (r == LZMA_OK || (r == LZMA_BUF_ERROR && !io->in_ends))
                return 0;
        if (r == LZMA_STREAM_END)
                return 1;
        return r == LZMA_MEM_ERROR || r == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EBADMSG;
}

static void xz_close(void *state)
{
        lzma_end(state);
        free(state);
}

const struct unpack_format unpack_xz = {
        .name = "xz",
        .library = "liblzma",
        .magic = "\xfd"
                 "7zXZ\0",
        .magic_len = 6,
        .open = xz_open,
        .step = xz_step,
        .close = xz_close,
};
