/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policies of a machine's groups, from etcd into a folder: all of them once, then what changes, and all
 * of them again after whatever went wrong, and each hour. A policy that vanishes changes nothing. */

#include "agent.h"

/* etcd says that a watch lives every ten minutes and some; a proxy may stop to pass that on without an end.
 */
#define FETCH_SILENCE_USEC (UINT64_C(25) * 60 * 1000000)
#define FETCH_ROUND_USEC (UINT64_C(3600) * 1000000)
/* Who owns etcd has each machine do no more than this: answers of a watch and files written, a minute. A
 * watch of all groups that there may be begins with a quarter of them. */
#define FETCH_MUCH (4 * ETCD_WATCH_KEYS_MAX)
#define FETCH_MUCH_USEC (UINT64_C(60) * 1000000)

struct fetch;

_must_check_ int fetch_new(
        struct agent *agent, struct etcd *etcd, const struct agent_config *config, struct fetch **ret);
struct fetch *fetch_free(struct fetch *f);

/* Does what is due. */
void fetch_work(struct fetch *f, uint64_t now);
/* When that is, CLOCK_MONOTONIC; LANE_NEVER: not before an answer. */
uint64_t fetch_due(const struct fetch *f);
const struct lane *fetch_lane(const struct fetch *f);
