/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A whole machine: a process that does for it what systemd does, with a bus, a root and all daemons of its
 * own. It dies with the test. */

#include <stdbool.h>
#include <sys/types.h>

#include "../unit/fleet/etcd-world.h"

struct whole {
        pid_t pid;
        int fd;        /* to it */
        char name[40]; /* in etcd */
        char dir[64];
};

struct whole_config {
        const char *folder;   /* where its own one is made */
        const char *endpoint; /* of etcd; user and password as of all agents */
        char ca_file[128];    /* copied, as the key of who signs the group's policies: signer_new(1) */
        char key_file[128];
        const char *user, *password;
        const char *group;
};

/* Starts the world's etcd as peios-fleetd(8) has it, with TLS and a user of all agents, and says to machines
 * where it is. */
void whole_config_open(struct whole_config *ret, struct etcd_world *w, const char *group);

/* `number` tells it from the others. Without waiting: whole_wait() until it is up, in no fleet yet. */
void whole_start(struct whole *m, unsigned number, const struct whole_config *config);
/* Without waiting: whole_wait() until it has its name. */
void whole_join(struct whole *m);
void whole_wait(struct whole *m);
/* The process of its agent, once it has its name. */
pid_t whole_agent(const struct whole *m);
/* Its agent is killed, and starts again a second later. */
void whole_kill_agent(struct whole *m);
/* Fails where it is not there any more, and shows its logs. */
void whole_check(const struct whole *m);
/* The first line of a file below its root is this. */
bool whole_has(const struct whole *m, const char *path, const char *text);
/* Everything of it must end well. */
void whole_stop(struct whole *m);
