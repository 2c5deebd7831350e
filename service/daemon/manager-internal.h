/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-device.h>

#include "../client/link.h"
#include "../metrics/metrics.h"
#include "manager.h"
#include "policy-bus.h"
#include "settings.h"

struct manager {
        char *root;
        int run_dir_fd; /* locked */
        sd_event *event;
        sd_bus *bus;
        struct schema *schema;
        struct accepted accepted, refused;
        struct auditlog *auditlog;
        struct item_context context;
        struct item **items;
        size_t n_items;
        struct item *taint_events;
        struct policy_bus *policy_bus;
        struct taints *taints;
        struct settings settings;
        struct setting *capture;
        struct metrics *metrics;
        bool use_bpf;
        struct link *link;
        const struct path **followed_keys; /* of items, then of settings */
        const char **followed_names;
        size_t n_followed;
        sd_device_monitor *uevents;
        sd_event_source *recheck;
        uint64_t recheck_usec;
};

/* manager-items.c. What is in force from the first moment is what the boot-time apply reads from disk. */
_must_check_ int manager_load_items(struct manager *m, struct diag *d);

/* manager-settings.c. What steers the service itself: on drift, capture, metrics. */
_must_check_ int manager_make_settings(struct manager *m, struct diag *d);

/* manager-metrics.c */
_must_check_ int manager_make_metrics(struct manager *m);

/* manager-follow.c */
_must_check_ int manager_follow(struct manager *m);

/* manager-taints.c */
_must_check_ int manager_make_taints(struct manager *m, struct diag *d);
