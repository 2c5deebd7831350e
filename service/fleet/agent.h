/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a machine does with etcd: it fetches its groups' policies into a folder of its own (fetch.h), and
 * reports how it stands (reporter.h). It judges nothing, and what it cannot reach changes nothing. Many may
 * live in one process. */

#include "etcd.h"

struct agent;
struct standing;

#define AGENT_REPORT_USEC UINT64_C(600000000)

struct agent_config {
        struct etcd_config etcd; /* with the loop; its texts are copied */
        const char *machine;     /* its name in etcd */
        const char *prefix;      /* of all keys, as "/peios"; both are copied */
        const char *const *groups;
        size_t n_groups;                 /* ETCD_WATCH_KEYS_MAX at most; copied */
        uint64_t report_usec;            /* how often it reports what did not change; 0: AGENT_REPORT_USEC */
        int incoming_fd;                 /* where policies go, as GROUP.yaml; borrowed */
        const struct standing *standing; /* borrowed */
};

/* It begins when the loop runs. 0 or negative errno. */
_must_check_ int agent_new(const struct agent_config *config, struct agent **ret);
/* What is under way is left. */
struct agent *agent_free(struct agent *a);
DEFINE_CLEANUP(struct agent *, agent_free, agent_freep);

/* The machine stands otherwise than it did: it is reported soon. */
void agent_standing_changed(struct agent *a);

/* For its parts: when they have something to do is another time now. */
void agent_plan(struct agent *a);
