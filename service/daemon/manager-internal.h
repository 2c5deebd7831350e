/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-device.h>

#include "../../schema/base/problems.h"
#include "../client/link.h"
#include "../metrics/metrics.h"
#include "manager.h"
#include "policy-bus.h"

struct manager {
        char *root;
        int run_dir_fd; /* locked */
        sd_event *event;
        sd_bus *bus;
        struct schema *schema;
        struct schema_files schema_files;
        struct problems problems; /* of the schema's files */
        struct settings settings; /* and the parts of the service that they concern */
        bool use_bpf;
        struct link *link;
        const struct path **followed_keys;
        const char **followed_names;
        sd_device_monitor *uevents;
        sd_event_source *recheck;
        uint64_t recheck_usec;
};

/* manager-settings.c. What is in force from the first moment is what was accepted last. */
_must_check_ int manager_load_settings(struct manager *m, struct diag *d);

/* manager-metrics.c */
_must_check_ int manager_make_metrics(struct manager *m);

/* manager-follow.c. Again where the settings are others now. */
_must_check_ int manager_follow(struct manager *m);

/* manager-taints.c */
_must_check_ int manager_make_taints(struct manager *m, struct diag *d);
