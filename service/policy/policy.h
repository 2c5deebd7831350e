/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reject or keep, as a pure decision: what a written registry value means for the value in force. */

#include "../../schema/schema.h"

enum policy_verdict {
        POLICY_SAME,   /* nothing new: no record, no signal, no write; counted */
        POLICY_CHANGE, /* accepted */
        POLICY_REFUSE, /* the value in force stays */
};

struct policy_decision {
        enum policy_verdict verdict;
        char *text; /* CHANGE: the new value in force, NULL = none any more (no default); else NULL. Owned.
                     */
        bool turns_off;  /* CHANGE: auditing goes off: the record comes first */
        struct diag why; /* REFUSE: what is wrong and the allowed set */
};

/* `in_force` is the canonical text that is accepted now (NULL: none). `written` is the effective registry
 * value, NULL where there is none: the default, if the schema has one, comes into force. 0 or -ENOMEM. */
_must_check_ int policy_decide(const struct schema_value *sv, const char *in_force,
        const struct value *written, struct policy_decision *ret);
void policy_decision_done(struct policy_decision *d);

/* Putting a foreign write back, without fighting for ever: at most DRIFT_ROUNDS times in DRIFT_WINDOW, then
 * a pause of DRIFT_PAUSE; pure, times in µs of a monotonic clock. */
#define DRIFT_ROUNDS 5u
#define DRIFT_WINDOW_USEC UINT64_C(60000000)
#define DRIFT_PAUSE_USEC UINT64_C(300000000)

struct drift {
        uint64_t at[DRIFT_ROUNDS];
        unsigned n;
        uint64_t paused_until;
};

enum drift_verdict {
        DRIFT_PUT_BACK,
        DRIFT_GIVE_UP, /* the pause begins now: say so once */
        DRIFT_PAUSED,
};

enum drift_verdict policy_drift(struct drift *d, uint64_t now);
