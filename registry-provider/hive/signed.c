/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "signed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COMMENT "untrusted comment: "
#define ALGORITHM "Ed"
#define ALGORITHM_BYTES (sizeof(ALGORITHM) - 1)
#define LINE_BYTES (ALGORITHM_BYTES + SIGNED_KEY_BYTES + SIGNED_SIGNATURE_BYTES)

static int digit_of(char c)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = c ? strchr(digits, c) : NULL;

        return at ? (int)(at - digits) : -1;
}

/* Exactly `size` bytes, and their only spelling. */
static bool decode_base64(const char *s, size_t n, uint8_t *ret, size_t size)
{
        const size_t padding = (3 - size % 3) % 3;
        uint32_t bits = 0;
        unsigned n_bits = 0;

        if (n != (size + padding) / 3 * 4 || memcmp(s + n - padding, "==", padding) != 0)
                return false;
        for (size_t i = 0, k = 0; i < n - padding; i++) {
                int digit = digit_of(s[i]);
                if (digit < 0)
                        return false;
                bits = bits << 6 | (uint32_t)digit;
                n_bits += 6;
                if (n_bits >= 8) {
                        n_bits -= 8;
                        ret[k++] = (uint8_t)(bits >> n_bits);
                }
        }
        return (bits & ((1u << n_bits) - 1)) == 0;
}

static const char *line_end(const char *text, size_t n)
{
        return memchr(text, '\n', n);
}

/* The second line, of `size` bytes, behind a comment. Returns what stands behind it, or NULL. */
static const char *read_line(const char *text, size_t n, uint8_t *ret, size_t size)
{
        const char *comment = n >= sizeof(COMMENT) - 1 && memcmp(text, COMMENT, sizeof(COMMENT) - 1) == 0
                                      ? line_end(text, n)
                                      : NULL;
        if (!comment)
                return NULL;
        const char *line = comment + 1, *end = line_end(line, (size_t)(text + n - line));
        if (!end || !decode_base64(line, (size_t)(end - line), ret, size) ||
                memcmp(ret, ALGORITHM, ALGORITHM_BYTES) != 0)
                return NULL;
        return end + 1;
}

bool signed_split(const char *text, size_t n, struct signed_text *ret)
{
        uint8_t line[LINE_BYTES];
        const char *message = read_line(text, n, line, sizeof(line));

        if (!message)
                return false;
        *ret = (struct signed_text){ .message = message, .size = (size_t)(text + n - message) };
        memcpy(ret->key, line + ALGORITHM_BYTES, sizeof(ret->key));
        memcpy(ret->signature, line + ALGORITHM_BYTES + SIGNED_KEY_BYTES, sizeof(ret->signature));
        return true;
}

bool signed_read_key(const char *text, size_t n, struct signed_key *ret)
{
        uint8_t line[ALGORITHM_BYTES + SIGNED_KEY_BYTES + SIGNED_PUBLIC_BYTES];

        if (read_line(text, n, line, sizeof(line)) != text + n)
                return false;
        memcpy(ret->number, line + ALGORITHM_BYTES, sizeof(ret->number));
        memcpy(ret->public, line + ALGORITHM_BYTES + SIGNED_KEY_BYTES, sizeof(ret->public));
        return true;
}

const char *signed_key_text(const uint8_t number[static SIGNED_KEY_BYTES], char s[static SEAL_SIGNER_MAX])
{
        for (size_t i = 0; i < SIGNED_KEY_BYTES; i++)
                (void)snprintf(s + 2 * i, 3, "%02x", number[i]);
        return s;
}

int signed_parse(
        const char *name, struct buf *text, size_t value_max, struct hive_file **ret, struct diag *d)
{
        struct signed_text parts;
        char key[SEAL_SIGNER_MAX];

        if (!signed_split(buf_str(text), text->len, &parts))
                return diag_set(d, EINVAL,
                        "%s:1:1: no signature, expected `" COMMENT "…` and a line of base64 in front, as "
                        "`signify -S -e` writes them",
                        name);
        /* Not a byte of them is signed, and YAML ends a line where signify does not. */
        for (char *c = text->data; c < parts.message; c++)
                *c = *c == '\n' ? '\n' : '#';
        int r = hive_parse(name, text->data, text->len, value_max, ret, d);
        if (r == 0)
                (*ret)->seal = seal_of((*ret)->seal.serial, signed_key_text(parts.key, key));
        return r;
}
