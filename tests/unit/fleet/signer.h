/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A publisher of the tests: keys of its own, and signatures as signify(1) writes them. */

#include <stdint.h>

#include "../../../schema/base/buf.h"

struct signer {
        uint8_t number[8];
        uint8_t secret[32];
        uint8_t public[32];
};

/* Another one for each number. */
struct signer signer_new(uint8_t number);
/* The text of its `.pub`. */
void signer_put_key(const struct signer *s, struct buf *out);
/* The message with the signature in front. */
void signer_sign(const struct signer *s, const char *message, struct buf *out);
/* A good policy of the group, with `more` behind its members. */
void signer_publish(
        const struct signer *s, const char *group, uint64_t serial, const char *more, struct buf *out);
