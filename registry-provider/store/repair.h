/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A database in which something is wrong (inspect.h) is put right: what can be mended without a guess is, in
 * one transaction, beside a copy of what it was. Where that is not all, nothing is mended: who has taken the
 * folder for himself sets the database aside, and the newest good backup takes its place, as at a start that
 * finds it damaged (recovery.h). */

#include "recovery.h"

enum repair_outcome {
        REPAIR_NOT_NEEDED,
        REPAIR_MENDED,
        REPAIR_RECOVERED,
        REPAIR_STOP_FIRST, /* it cannot be done while a store is open: nothing is done */
        REPAIR_IMPOSSIBLE, /* it cannot be mended, and there is no good backup: nothing is done */
};

struct repair {
        bool only_looked; /* the caller's: what would be done is said, and `recovery` stays empty */
        enum repair_outcome outcome;
        struct diags found;       /* what was wrong */
        struct diags left;        /* what could not be mended */
        struct recovery recovery; /* REPAIR_RECOVERED; of REPAIR_MENDED what was set aside */
};

void repair_done(struct repair *r);
#define _cleanup_repair_ _cleanup_(repair_done)

/* For who has taken the folder; `r` begins empty. A note in the history says what was done. 0, or a negative
 * errno, with d set if there is more to say, and then nothing is changed, or all that was there is set aside
 * whole. */
_must_check_ int repair_store(const char *file, size_t value_max, struct repair *r, struct diag *d);
/* For who has a store open, without a turn: other readers see the file as it was, or mended. `r->found` is
 * what an inspection has found; is_damaged: SQLite did, so that it is not to be written. The note is left to
 * the caller. In the same way. */
_must_check_ int repair_open_store(const char *file, bool is_damaged, struct repair *r, struct diag *d);

/* Of REPAIR_MENDED, for the history. */
void repair_note(const struct repair *r, struct diag *ret);
/* "mended" and the like; and a sentence. */
const char *repair_word(const struct repair *r);
void repair_describe(const struct repair *r, struct diag *ret);
