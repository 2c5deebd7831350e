/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Taint transitions under the policy: what the monitor sees becomes an audit record, unless the policy says
 * disabled, or the kernel's own control is live and the kernel audits. The history and the signals are the
 * same in every case. */

#include "../monitor/monitor.h"
#include "settings.h"

struct taints;

struct taints_config {
        const char *root;
        sd_event *event;
        struct auditlog *auditlog;
        const struct setting *policy; /* TaintEvents */
        uint64_t recheck_usec;
        bool use_bpf;
        void (*told)(const struct taint_event *e, void *userdata);
        void (*changed)(void *userdata); /* counters, hooks, mask */
        /* Somebody wrote to a control. */
        void (*sysctl_written)(const struct sysctl_write *w, void *userdata);
        void *userdata;
};

/* 0, or negative errno with d set. Nothing is looked at before taints_start(). */
_must_check_ int taints_new(const struct taints_config *config, struct taints **ret, struct diag *d);
_must_check_ int taints_start(struct taints *t, struct diag *d);
struct taints *taints_free(struct taints *t);

/* Somebody's write to a control is told of, soon after. `t` may be NULL, here and below. */
bool taints_writes_are_reported(const struct taints *t);
void taints_set_forensic(struct taints *t, bool forensic);

/* The mask as it is now, for the record of a change of the policy: what happened before falls under the
 * policy that is in force yet. False where it cannot be read. */
bool taints_mask(struct taints *t, uint64_t *ret);

struct monitor *taints_monitor(struct taints *t);
