/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "signer.h"

#include <check.h>
#include <inttypes.h>
#include <nettle/base64.h>
#include <nettle/eddsa.h>
#include <string.h>

#define BYTES_MAX 74u

struct signer signer_new(uint8_t number)
{
        struct signer s;

        memset(s.number, number, sizeof(s.number));
        memset(s.secret, number, sizeof(s.secret));
        ed25519_sha512_public_key(s.public, s.secret);
        return s;
}

static void put(const struct signer *s, const char *comment, const uint8_t *data, size_t n, struct buf *out)
{
        uint8_t line[BYTES_MAX] = { 'E', 'd' };
        char text[BASE64_ENCODE_RAW_LENGTH(BYTES_MAX) + 1] = "";

        memcpy(line + 2, s->number, sizeof(s->number));
        memcpy(line + 10, data, n);
        base64_encode_raw(text, 10 + n, line);
        buf_printf(out, "untrusted comment: %s\n%s\n", comment, text);
        ck_assert_int_eq(out->error, 0);
}

void signer_put_key(const struct signer *s, struct buf *out)
{
        put(s, "a key", s->public, sizeof(s->public), out);
}

void signer_sign(const struct signer *s, const char *message, struct buf *out)
{
        uint8_t signature[ED25519_SIGNATURE_SIZE];

        ed25519_sha512_sign(s->public, s->secret, strlen(message), (const uint8_t *)message, signature);
        put(s, "signed", signature, sizeof(signature), out);
        buf_puts(out, message);
        ck_assert_int_eq(out->error, 0);
}

void signer_publish(
        const struct signer *s, const char *group, uint64_t serial, const char *more, struct buf *out)
{
        _cleanup_buf_ struct buf message = BUF_INIT;

        buf_printf(&message, "peios-registry: 1\nlayer: fleet-%s\nprecedence: 1000\nserial: %" PRIu64 "\n%s",
                group, serial, more);
        signer_sign(s, buf_str(&message), out);
}
