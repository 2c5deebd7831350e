/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A policy of the fleet: a hive file inside an embedded signature, as `signify -S -e` of OpenBSD writes it.
 *
 *     untrusted comment: verify with site.pub
 *     RWRHr/CroWZUX/9Qkka…
 *     peios-registry: 1
 *     layer: fleet-web
 *
 * The second line is base64 of "Ed", the key's number and the Ed25519 signature of all that follows. Nothing
 * is verified here: who installs the file does that (service/fleet). */

#include "hive.h"

#define SIGNED_KEY_BYTES 8u
#define SIGNED_SIGNATURE_BYTES 64u
#define SIGNED_PUBLIC_BYTES 32u

struct signed_text {
        uint8_t key[SIGNED_KEY_BYTES];
        uint8_t signature[SIGNED_SIGNATURE_BYTES];
        const char *message; /* to the end of what was given */
        size_t size;
};

struct signed_key {
        uint8_t number[SIGNED_KEY_BYTES];
        uint8_t public[SIGNED_PUBLIC_BYTES];
};

/* False: no such signature stands in front. */
bool signed_split(const char *text, size_t n, struct signed_text *ret);
/* A public key's file (`.pub`). False: it is none. */
bool signed_read_key(const char *text, size_t n, struct signed_key *ret);
/* The number in hexadecimal. Returns `s`. */
const char *signed_key_text(const uint8_t number[static SIGNED_KEY_BYTES], char s[static SEAL_SIGNER_MAX]);

/* As hive_parse(), of a text with its signature, whose key is the file's signer, and which becomes two
 * comments in `text`: so lines have their numbers in the file. -EINVAL where there is none. */
_must_check_ int signed_parse(
        const char *name, struct buf *text, size_t value_max, struct hive_file **ret, struct diag *d);
