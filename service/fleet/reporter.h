/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A machine's verdict in etcd, and a key that is there as long as the machine is: its lease is three times
 * as long as what lies between two reports. */

#include "agent.h"

/* Between two verdicts, whatever changes. */
#define REPORTER_LEAST_USEC UINT64_C(1000000)

struct reporter;

_must_check_ int reporter_new(
        struct agent *agent, struct etcd *etcd, const struct agent_config *config, struct reporter **ret);
struct reporter *reporter_free(struct reporter *p);

/* The machine stands otherwise. */
void reporter_changed(struct reporter *p);
/* As of fetch.h. */
void reporter_work(struct reporter *p, uint64_t now);
uint64_t reporter_due(const struct reporter *p);
const struct lane *reporter_lane(const struct reporter *p);
