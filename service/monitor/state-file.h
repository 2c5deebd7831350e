/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the state is kept until the reboot: run/peios-audit-policyd/taint-state. It is appended to, and now
 * and then replaced as a whole, so a reader finds all that was written before; what a kill cut short it
 * leaves out. Nothing is synced: what a power cut takes is of a boot that has ended.
 *
 * No transition is told twice in a boot, and none is lost, whenever the service is killed. The order is
 *   1. append the event as `telling`, with the number N of the last record that was given out;
 *   2. tell it: the record gets number N + 1;
 *   3. append that it is told, and its number. Nothing waits for this.
 * Killed before 1, or within: the bit is not among those told of, and is told at the next start as
 * present-at-start. Killed between 1 and 3, or within 3: at the next start the last number given out says
 * which it was. Still N: no record was made, so it is told now, with the cause and the actor that were found
 * then. More than N: it has its record, in the kernel or among those that the next start sends
 * (schema/audit/spool.h). Left are two moments: killed between the journal's entry and the spool's, the
 * journal has two entries of one number; killed between the kernel's yes and the spool's mark, the kernel
 * has two records of one number. */

#include "state-text.h"

/* Does not exist, or is of another boot: an empty state for `boot_id`, and 0. -EINVAL: cannot be understood
 * and was set aside, with what was wrong in d; *ret is the empty state then too. Other errors: -ENOMEM, or
 * what reading gave, with *ret untouched. */
_must_check_ int taint_state_load(const char *root, const char *boot_id, struct state *ret, struct diag *d);

/* So much is appended before the file is written anew. */
#define STATE_APPENDED_MAX (1024 * 1024)

struct state_file {
        int fd; /* -1: what comes next writes the whole state */
        off_t size, rewrite_at;
        uint32_t sum; /* of what is there */
};

#define STATE_FILE_INIT                                                                                     \
        {                                                                                                   \
                .fd = -1                                                                                    \
        }

/* Keep the newest event of s; and what is told of, the newest event among it. 0 or negative errno, with d
 * set or -ENOMEM: then the next call keeps what this one did not. */
_must_check_ int state_file_keep_event(
        struct state_file *f, const char *root, const struct state *s, struct diag *d);
_must_check_ int state_file_keep_told(
        struct state_file *f, const char *root, const struct state *s, struct diag *d);
void state_file_done(struct state_file *f);
