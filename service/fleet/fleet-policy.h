/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A policy's file of the fleet: read, verified and checked, before it can come into force. What is said of
 * it here depends on nothing but the file, the keys and the time; serials are in fleet-state.h. */

#include "../../registry-provider/hive/signed.h"

/* ---- The public keys that policies are signed with: LAYOUT_FLEET_KEYS, `*.pub` of signify(1) ---- */

/* More than one may be there, so that one can follow another. */
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

/* ---- A policy ---- */

/* The registry's values of the fleet. */
#define FLEET_KEY "\\System\\Fleet"

#define FLEET_POLICY_BYTES_MAX (1024u * 1024u)
#define FLEET_PRECEDENCE_MIN 1000u
#define FLEET_GROUP_MAX 65u /* with the NUL */

enum fleet_verdict {
#define FLEET_VERDICT(symbol, reason, text) symbol,
#include "fleet-verdicts.def"
#undef FLEET_VERDICT
        FLEET_VERDICTS_N,
};

/* One word for records, and the end of a sentence whose subject is the file. */
const char *fleet_verdict_reason(enum fleet_verdict v);
const char *fleet_verdict_text(enum fleet_verdict v);

/* What a file says of itself; as much as is known is set where it is refused. */
struct fleet_policy {
        char group[FLEET_GROUP_MAX]; /* "": not known */
        uint64_t serial;             /* 0: not known */
        int64_t expires;             /* µs since 1970; 0: never */
        unsigned percent;            /* of the machines, which take it; 0: all */
        bool is_signed;              /* then key and signature are set */
        uint8_t key[SIGNED_KEY_BYTES];
        uint8_t signature[SIGNED_SIGNATURE_BYTES];
};

/* Lower-case letters, digits, and `.`, `_` and `-` but in front: also a file's name, and part of one of
 * etcd's keys. */
bool fleet_group_is_valid(const char *name, size_t n);

/* The file of this name, and no link to one. 0 with FLEET_GOOD, FLEET_NO_FILE or FLEET_TOO_LARGE; -ENOENT,
 * or another negative errno with d set. */
_must_check_ int fleet_policy_open(
        int dir_fd, const char *name, struct buf *ret, enum fleet_verdict *ret_verdict, struct diag *d);
/* `group` NULL: any. `now`: µs since 1970. Nothing that is not signed is looked into. 0 or -ENOMEM; d says
 * what a refusal is about where it can say more than the verdict. */
_must_check_ int fleet_policy_read(const char *name, const struct buf *text, const struct fleet_keys *keys,
        const char *group, int64_t now, struct fleet_policy *ret, enum fleet_verdict *ret_verdict,
        struct diag *d);
