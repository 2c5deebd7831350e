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

/* How this machine stands: what a verdict says beside the agent's own part. Members of a JSON object,
 * without its braces; "" as long as nothing is known. Borrowed until the next turn of the loop. */
const char *standing_text(const struct standing *s);

/* The machine stands otherwise than it did: it is reported soon. */
void agent_standing_changed(struct agent *a);

/* ---- For its parts ---- */

/* When they have something to do is another time now. */
void agent_plan(struct agent *a);

/* Work with etcd that is tried again until it succeeds, each time later, and never by all machines at once.
 */
#define LANE_FIRST_USEC UINT64_C(1000000)
#define LANE_MOST_USEC UINT64_C(120000000)
#define LANE_NEVER UINT64_MAX

struct lane {
        const char *what; /* for people: what it does */
        uint64_t due;     /* CLOCK_MONOTONIC: when to try again; LANE_NEVER where it did not fail */
        unsigned failures;
        enum etcd_status status;
        char text[256]; /* why it is not ETCD_OK */
        int64_t since;  /* it is so: µs since 1970 */
};

void lane_failed(struct lane *l, enum etcd_status status, const char *text);
void lane_succeeded(struct lane *l);
/* It failed, and its time has come: then it waits for an answer. */
bool lane_begins(struct lane *l, uint64_t now);

/* At random, for what many machines would do at the same time: less than this. */
uint64_t lane_spread(uint64_t usec);
