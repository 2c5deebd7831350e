/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the service knows, in the Prometheus text format. Pure. */

#include "../../schema/schema.h"
#include "../../schema/audit/sender.h"
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

struct metrics_state {
        const char *version;
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
