/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Taint transitions under the policy: what the monitor sees becomes an audit record, unless the policy says
 * disabled, or the kernel's own control is live and the kernel audits. The history and the signals are the
 * same in every case. */

#include "../../schema/taint/taint.h"
#include "../monitor/monitor.h"
#include "../settings/settings.h"

struct taints;

/* The policy is TaintEvents of `settings`. 0, or negative errno with d set. Nothing is looked at before
 * taints_start(). */
_must_check_ int taints_new(
        struct settings *settings, uint64_t recheck_usec, bool use_bpf, struct taints **ret, struct diag *d);
_must_check_ int taints_start(struct taints *t, struct diag *d);
struct taints *taints_free(struct taints *t);

/* Somebody's write to a control is reported, soon after. `t` may be NULL, here and below. */
bool taints_writes_are_reported(const struct taints *t);
void taints_set_forensic(struct taints *t, bool forensic);
/* Taints that are no alarm, as accepted_taints_parse() takes them; NULL for none. Each ends at its time. */
void taints_set_accepted(struct taints *t, const char *text);

/* The mask as it is now, for the record of a change of the policy: what happened before falls under the
 * policy that is in force yet. False where it cannot be read. */
bool taints_mask(struct taints *t, uint64_t *ret);

struct monitor *taints_monitor(struct taints *t);

/* What is accepted, of which some may have ended; borrowed until the next turn of the loop. */
const struct accepted_taints *taints_accepted(const struct taints *t);
/* The acceptance under which an event is no alarm now, or NULL; borrowed likewise. */
const char *taints_acceptance(const struct taints *t, const struct taint_event *e);
/* Bits of the mask that are no alarm now, whatever set them in this boot. */
uint64_t taints_accepted_mask(const struct taints *t);
