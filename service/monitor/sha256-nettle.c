/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sha256.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>

#define CHUNK 65536u

int sha256_fd(int fd, uint64_t limit, char ret[static SHA256_TEXT_MAX])
{
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        uint8_t digest[SHA256_DIGEST_SIZE];
        struct sha256_ctx ctx;
        uint64_t done = 0;

        if (!chunk)
                return -ENOMEM;
        sha256_init(&ctx);
        for (;;) {
                ssize_t n = pread(fd, chunk, CHUNK, (off_t)done);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (uint64_t)n;
                if (done > limit)
                        return -EFBIG;
                sha256_update(&ctx, (size_t)n, chunk);
        }
        sha256_digest(&ctx, sizeof(digest), digest);
        for (size_t i = 0; i < sizeof(digest); i++)
                (void)snprintf(ret + 2 * i, 3, "%02x", digest[i]);
        return 0;
}
