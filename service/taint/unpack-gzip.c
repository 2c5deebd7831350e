/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "unpack.h"

struct gzip {
        z_stream stream;
        bool between; /* members: the file may end here */
};

static int gzip_open(void **ret_state)
{
        struct gzip *g = calloc(1, sizeof(*g));

        /* 16: only the gzip format */
        if (!g || inflateInit2(&g->stream, 16 + MAX_WBITS) != Z_OK) {
                free(g);
                return -ENOMEM;
        }
        *ret_state = g;
        return 0;
}

static unsigned limit(size_t n)
{
        return n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)n;
}

static int gzip_step(void *state, struct unpack_io *io)
{
        struct gzip *g = state;

        if (io->in_len == 0)
                return !io->in_ends ? 0 : g->between ? 1 : -EBADMSG;
        unsigned in = limit(io->in_len), out = limit(io->out_len);
        g->stream.next_in = (Bytef *)(uintptr_t)io->in;
        g->stream.avail_in = in;
        g->stream.next_out = io->out;
        g->stream.avail_out = out;
        int r = inflate(&g->stream, Z_NO_FLUSH);
        io->in += in - g->stream.avail_in;
        io->in_len -= in - g->stream.avail_in;
        io->out += out - g->stream.avail_out;
        io->out_len -= out - g->stream.avail_out;
        if (r == Z_STREAM_END) {
                g->between = true;
                return inflateReset(&g->stream) == Z_OK ? 0 : -EBADMSG;
        }
        if (r == Z_MEM_ERROR)
                return -ENOMEM;
        if (r != Z_OK && r != Z_BUF_ERROR)
                return g->between ? 1 : -EBADMSG; /* gzip too ignores what stands behind a member */
        if (g->stream.total_out > 0)
                g->between = false;
        return 0;
}

static void gzip_close(void *state)
{
        struct gzip *g = state;

        (void)inflateEnd(&g->stream);
        free(g);
}

const struct unpack_format unpack_gzip = {
        .name = "gzip",
        .library = "zlib",
        .magic = "\x1f\x8b",
        .magic_len = 2,
        .open = gzip_open,
        .step = gzip_step,
        .close = gzip_close,
};
