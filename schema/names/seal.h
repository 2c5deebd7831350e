/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a policy of the fleet says of itself and who signed it; of which group it is, its layer says. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SEAL_SIGNER_MAX 17u

struct seal {
        uint64_t serial;              /* 0: it is no policy of the fleet, and `signer` is "" */
        char signer[SEAL_SIGNER_MAX]; /* the key's number, 16 hex digits */
};

/* None where one of both is none: texts of other processes and of databases go on to records and terminals.
 */
static inline struct seal seal_of(uint64_t serial, const char *signer)
{
        const size_t n = SEAL_SIGNER_MAX - 1;
        struct seal s = { .serial = serial };

        if (serial == 0 || strspn(signer, "0123456789abcdef") != n || signer[n] != '\0')
                return (struct seal){ 0 };
        memcpy(s.signer, signer, sizeof(s.signer));
        return s;
}

static inline bool seal_equal(const struct seal *a, const struct seal *b)
{
        return a->serial == b->serial && strcmp(a->signer, b->signer) == 0;
}
