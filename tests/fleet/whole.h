/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A whole machine: a process that does for it what systemd does, with a bus, a root and all daemons of its
 * own. It dies with the test. */

#include <stdbool.h>
#include <sys/types.h>

struct whole {
        pid_t pid;
        int fd;        /* to it */
        char name[40]; /* in etcd */
        char dir[64];
};

struct whole_config {
        const char *folder;   /* where its own one is made */
        const char *endpoint; /* of etcd; user and password as of all agents */
        const char *ca_file;  /* copied */
        const char *user, *password;
        const char *group, *key_text; /* of the key that signs the group's policies */
};

/* `number` tells it from the others. Without waiting: whole_wait() until it is up, in no fleet yet. */
void whole_start(struct whole *m, unsigned number, const struct whole_config *config);
/* Without waiting: whole_wait() until it has its name. */
void whole_join(struct whole *m);
void whole_wait(struct whole *m);
/* Its agent is killed, and starts again a second later. */
void whole_kill_agent(struct whole *m);
/* Fails where it is not there any more, and shows its logs. */
void whole_check(const struct whole *m);
/* The first line of a file below its root is this. */
bool whole_has(const struct whole *m, const char *path, const char *text);
/* Everything of it must end well. */
void whole_stop(struct whole *m);
