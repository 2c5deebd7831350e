/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A database in which something is wrong (inspect.h) is put right, by who has taken its folder for himself:
 * what can be mended without a guess is, beside a copy of what it was; else it is set aside and the newest
 * good backup takes its place, as at a start that finds it damaged (recovery.h). */

#include "recovery.h"

enum repair_outcome {
        REPAIR_NOT_NEEDED,
        REPAIR_MENDED,
        REPAIR_RECOVERED,
        REPAIR_IMPOSSIBLE, /* it cannot be mended, and there is no good backup: nothing is done */
};

struct repair {
        enum repair_outcome outcome;
        struct diags found;       /* what was wrong */
        struct diags left;        /* what could not be mended */
        struct recovery recovery; /* REPAIR_RECOVERED; of REPAIR_MENDED what was set aside */
};

void repair_done(struct repair *r);
#define _cleanup_repair_ _cleanup_(repair_done)

/* `only_look`: says what would be done; then `recovery` is empty. A note in the history says what was
 * done. 0 with *ret to be done with; or a negative errno with d set, and then nothing is changed, or all
 * that was there is set aside whole. */
_must_check_ int repair_store(
        const char *file, size_t value_max, bool only_look, struct repair *ret, struct diag *d);
