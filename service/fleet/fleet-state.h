/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a machine remembers of the fleet's policies, so that none comes back that was replaced: the highest
 * serial of each group and key, and the refusals that are recorded already. LAYOUT_FLEET_STATE, strict YAML
 * with a checksum line; a file that does not parse is set aside and reported, never trusted.
 *
 *     peios-fleet: 1
 *     serials:
 *       - web 187d88b7353d4092 7 7bc0c94f…
 *     refused:
 *       - web rolled-back 6 9f86d081…
 *     # crc32c: 89abcdef
 */

#include "fleet-policy.h"

#define FLEET_REFUSED_MAX 256u
#define FLEET_DIGEST_BYTES 32u

struct fleet_serial {
        char group[FLEET_GROUP_MAX];
        uint8_t key[SIGNED_KEY_BYTES];
        uint64_t serial;
        uint8_t signature[SIGNED_SIGNATURE_BYTES]; /* of the policy with that serial */
};

struct fleet_refused {
        char group[FLEET_GROUP_MAX]; /* "?": not known */
        enum fleet_verdict why;
        uint64_t serial;                    /* 0: not known */
        uint8_t digest[FLEET_DIGEST_BYTES]; /* of the file, SHA-256 */
};

struct fleet_refused fleet_refused_of(
        const char *group, enum fleet_verdict why, uint64_t serial, const struct buf *text);

/* Empty is { 0 }. */
struct fleet_state {
        struct fleet_serial *serials;
        size_t n_serials;
        struct fleet_refused *refused; /* the last one last */
        size_t n_refused;
};

/* 0 (a missing file is an empty state); 1 with d set: it was damaged and is set aside, and *ret is empty;
 * or negative errno with d set or not: it cannot be read. */
_must_check_ int fleet_state_load(const char *root, struct fleet_state *ret, struct diag *d);
/* Atomic and durable. */
_must_check_ int fleet_state_store(const char *root, const struct fleet_state *s, struct diag *d);
void fleet_state_done(struct fleet_state *s);
#define _cleanup_fleet_state_ _cleanup_(fleet_state_done)

/* FLEET_GOOD where its serial is above all of its group, or it is the one that was accepted last; else
 * FLEET_ROLLED_BACK. */
enum fleet_verdict fleet_state_check(const struct fleet_state *s, const struct fleet_policy *p);
/* The highest serial of the group, 0 for none. */
uint64_t fleet_state_serial(const struct fleet_state *s, const char *group);
/* It was accepted. 0 or -ENOMEM. */
_must_check_ int fleet_state_accept(struct fleet_state *s, const struct fleet_policy *p);
/* The serials of keys that are not there any more. Returns whether there were any. */
bool fleet_state_forget(struct fleet_state *s, const struct fleet_keys *keys);
/* The last refusal of the same text as the same group's; NULL: there is none. Borrowed. */
const struct fleet_refused *fleet_state_refusal(
        const struct fleet_state *s, const struct fleet_refused *refused);
/* It is the last refusal now. 1: it is new, and has to be recorded; 0: it was refused before; or -ENOMEM. */
_must_check_ int fleet_state_refuse(struct fleet_state *s, const struct fleet_refused *refused);
