/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Processes of a user who may not write, which keep the registry as busy as they can. */

#include <stdbool.h>
#include <sys/types.h>

enum crowd_work {
        CROWD_PREVIEWS,  /* each as large as is allowed, 120 under way for each connection */
        CROWD_GETS,      /* of 200,000 names each */
        CROWD_TRANSACTS, /* of 100,000 changes each */
        CROWD_SILENCE,   /* answers that are not read */
        CROWD_CALLS,     /* short ones, as many as can be sent */
        CROWD_WORKS_N,
};

const char *crowd_name(enum crowd_work work);
/* May this process become another user? */
bool crowd_can_start(void);
/* So many of them; exits when they cannot be started. crowd_end() ends them all. */
void crowd_start(enum crowd_work work, const char *address, unsigned n, pid_t *ret);
void crowd_end(const pid_t *pids, unsigned n);
