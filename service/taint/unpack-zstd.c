/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "unpack.h"

struct zst {
        ZSTD_DStream *stream;
        bool between; /* frames: the file may end here */
};

static int zst_open(void **ret_state)
{
        struct zst *z = calloc(1, sizeof(*z));

        if (z)
                z->stream = ZSTD_createDStream();
        if (!z || !z->stream) {
                free(z);
                return -ENOMEM;
        }
        z->between = true;
        *ret_state = z;
        return 0;
}

static int zst_step(void *state, struct unpack_io *io)
{
        struct zst *z = state;
        ZSTD_inBuffer in = { io->in, io->in_len, 0 };
        ZSTD_outBuffer out = { io->out, io->out_len, 0 };

        if (io->in_len == 0 && io->in_ends && z->between)
                return 1;
        size_t r = ZSTD_decompressStream(z->stream, &out, &in);
        io->in += in.pos;
        io->in_len -= in.pos;
        io->out += out.pos;
        io->out_len -= out.pos;
        if (ZSTD_isError(r))
                return -EBADMSG;
        z->between = r == 0;
        return io->in_ends && in.pos == 0 && out.pos == 0 && !z->between ? -EBADMSG : 0;
}

static void zst_close(void *state)
{
        struct zst *z = state;

        (void)ZSTD_freeDStream(z->stream);
        free(z);
}

const struct unpack_format unpack_zstd = {
        .name = "zstd",
        .library = "libzstd",
        .magic = "\x28\xb5\x2f\xfd",
        .magic_len = 4,
        .open = zst_open,
        .step = zst_step,
        .close = zst_close,
};
