/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#define NSEC_PER_MSEC 1000000u

int guid_new(struct guid *ret)
{
        struct guid g;
        struct timespec now;
        ssize_t n;

        do
                n = getrandom(g.bytes, sizeof(g.bytes), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t)n != sizeof(g.bytes))
                return -EIO;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        const uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NSEC_PER_MSEC;
        /* 4096ths of a millisecond. */
        const uint64_t part = (uint64_t)now.tv_nsec % NSEC_PER_MSEC * 4096 / NSEC_PER_MSEC;
        for (unsigned i = 0; i < 6; i++)
                g.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
        g.bytes[6] = (uint8_t)(0x70 | part >> 8);
        g.bytes[7] = (uint8_t)part;
        g.bytes[8] = (uint8_t)((g.bytes[8] & 0x3F) | 0x80);
        *ret = g;
        return 0;
}

static bool is_dash(size_t byte)
{
        return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void guid_format(const struct guid *g, char ret[static 37])
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < sizeof(g->bytes); i++) {
                if (is_dash(i))
                        *ret++ = '-';
                *ret++ = digits[g->bytes[i] >> 4];
                *ret++ = digits[g->bytes[i] & 0x0F];
        }
        *ret = '\0';
}
