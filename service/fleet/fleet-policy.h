/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A policy's file of the fleet: read, verified and checked, before it can come into force. What is said of
 * it here depends on nothing but the file, the keys and the time; serials are in fleet-state.h. */

#include "fleet-keys.h"

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
