/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the state is kept until the reboot: run/peios-audit-policyd/taint-state. It is replaced as a whole,
 * so a reader finds the old one or the new one.
 *
 * No transition is told twice in a boot, and none is lost, whenever the service is killed. The order is
 *   1. keep the event as `telling`, with the number N of the last record that was given out;
 *   2. tell it: the record gets number N + 1;
 *   3. keep it as told.
 * Killed before 1: the bit is not among those told of, and is told at the next start as present-at-start.
 * Killed between 1 and 3: at the next start the last number given out says which it was. Still N: no record
 * was made, so it is told now, with the cause and the actor that were found then. More than N: it has its
 * record, in the kernel or among those that the next start sends (service/audit/spool.h). Left are two
 * moments: killed between the journal's entry and the spool's, the journal has two entries of one number;
 * killed between the kernel's yes and the spool's mark, the kernel has two records of one number. */

#include "state-text.h"

/* Does not exist, or is of another boot: an empty state for `boot_id`, and 0. -EINVAL: cannot be understood
 * and was set aside, with what was wrong in d; *ret is the empty state then too. Other errors: -ENOMEM, or
 * what reading gave, with *ret untouched. */
_must_check_ int taint_state_load(const char *root, const char *boot_id, struct state *ret, struct diag *d);
_must_check_ int state_store(const char *root, struct state *s, struct diag *d);
