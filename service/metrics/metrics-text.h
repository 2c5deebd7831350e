/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the service knows, in the Prometheus text format. Pure. */

#include "../../schema/audit/sender.h"
#include "../../schema/base/buf.h"
#include "../../schema/base/macro.h"
#include "../../schema/schema.h"
#include "../monitor/monitor.h"

/* A setting that is bound to a control. */
struct metrics_setting {
        const char *path;
        const char *control;
        bool applies; /* something is to be in the control; else it is nobody's, and neither live nor not */
        bool live;
        bool pending; /* something else is accepted, and waits for a restart or a reboot */
        uint64_t changes, no_ops, refusals, drifts;
};

/* What one of the schema's choices is in force of. */
struct metrics_choice {
        const struct schema_value *sv; /* NULL: left out */
        const char *text;              /* NULL: none of them */
};

/* How long at most, and how many of all. */
struct metrics_bucket {
        uint64_t usec, n;
};
#define METRICS_BUCKETS_MAX 16u

/* What the registry provider says of itself. */
struct metrics_registry {
        bool is_up; /* else nothing more is known */
        uint64_t problems, refused, layers, layers_ending, sequence, subscriptions, store_bytes;
        uint64_t backup_time,
                backup_sequence; /* µs since 1970, and the newest change in it; 0: there is none */
        uint64_t commits, commit_usec;
        struct metrics_bucket buckets[METRICS_BUCKETS_MAX]; /* of the commits, the shortest first */
        size_t n_buckets;
};

struct metrics_state {
        const char *version;
        const struct metrics_registry *registry; /* NULL: it has not been asked yet */
        struct monitor_status monitor;
        const struct taint_event *events; /* of this boot, oldest first */
        size_t n_events;
        uint64_t accepted; /* bits that are no alarm */
        struct metrics_choice policy, capture;
        const struct metrics_setting *settings;
        size_t n_settings;
        struct sender_status audit;
};

/* The same state gives the same text. UTF-8, whatever names hold. 0 or -ENOMEM. */
_must_check_ int metrics_text(const struct metrics_state *s, struct buf *out);
