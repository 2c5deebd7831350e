/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include <errno.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

int policy_decide(const struct schema_value *sv, const char *in_force, const struct value *written,
        struct policy_decision *ret)
{
        struct policy_decision decision = { .verdict = POLICY_SAME };
        _cleanup_free_ char *text = NULL;
        int r = 0;

        /* Where nothing is written the default is asked for; where there is none, nothing. */
        if (written)
                r = schema_check(sv, written, &text, &decision.why);
        else if (sv->has_default && !(text = strdup(sv->default_text)))
                r = -ENOMEM;
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                decision.verdict = POLICY_REFUSE;
        } else if (!same_text(text, in_force)) {
                decision.verdict = POLICY_CHANGE;
                decision.turns_off = text && sv->control && same_text(text, sv->control->audit_off);
                decision.text = STEAL_PTR(text);
        }
        *ret = decision;
        return 0;
}

void policy_decision_done(struct policy_decision *d)
{
        free(d->text);
        d->text = NULL;
}

static void forget_old(struct drift *d, uint64_t now)
{
        unsigned gone = 0;

        while (gone < d->n && now - d->at[gone] >= DRIFT_WINDOW_USEC)
                gone++;
        d->n -= gone;
        memmove(d->at, d->at + gone, d->n * sizeof(d->at[0]));
}

enum drift_verdict policy_drift(struct drift *d, uint64_t now)
{
        if (now < d->paused_until)
                return DRIFT_PAUSED;
        forget_old(d, now);
        if (d->n < DRIFT_ROUNDS) {
                d->at[d->n++] = now;
                return DRIFT_PUT_BACK;
        }
        /* The rounds before the pause do not count after it. */
        *d = (struct drift){ .paused_until = now + DRIFT_PAUSE_USEC };
        return DRIFT_GIVE_UP;
}
