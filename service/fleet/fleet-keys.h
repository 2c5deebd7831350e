/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The public keys that policies of the fleet are signed with: LAYOUT_FLEET_KEYS, `*.pub` of signify(1). More
 * than one may be there, so that one can follow another. */

#include "../../registry-provider/hive/signed.h"

#define FLEET_KEYS_MAX 64u

struct fleet_keys {
        struct signed_key list[FLEET_KEYS_MAX];
        size_t n;
        bool is_complete; /* false: nobody knows which keys are there beside these */
};

/* A line is logged for each file that is no key, which the others do not suffer from. A folder that is
 * missing is empty. 0 or -ENOMEM. */
_must_check_ int fleet_keys_load(const char *root, struct fleet_keys *ret);
/* One more, from that file; a line is logged where it is none. 0 (also where it is not there) or -ENOMEM. */
_must_check_ int fleet_keys_add(struct fleet_keys *keys, const char *path);
bool fleet_keys_has(const struct fleet_keys *keys, const uint8_t number[static SIGNED_KEY_BYTES]);
/* Whether one of that number signed the message. */
bool fleet_keys_verify(const struct fleet_keys *keys, const struct signed_text *text);
