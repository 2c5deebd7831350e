/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The agent's real core in this process, in a machine of which nothing else is there: a policy is in force
 * as soon as its file is there and verified. */

#include <sys/stat.h>

#include "../../service/fleet/agent.h"
#include "../../service/fleet/fleet-policy.h"

struct standing {
        char text[160];
};

struct core {
        char name[16]; /* in etcd */
        int folder_fd;
        struct timespec seen;
        uint64_t serial; /* in force */
        struct standing standing;
        struct agent *agent; /* NULL: killed */
};

struct core_config {
        sd_event *event;
        const char *folder; /* where its own one is made */
        const char *endpoint, *ca_file, *user, *password;
        const char *group;
        struct fleet_keys keys;
};

void core_make(struct core *m, unsigned number, const struct core_config *config);
void core_start(struct core *m, const struct core_config *config);
void core_kill(struct core *m);
/* What a path unit and the service of it do. */
void core_look(struct core *m, const struct core_config *config);
void core_done(struct core *m);
