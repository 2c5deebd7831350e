/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policy service's wiring: schema -> settings, the link to the registry, the bus, uevents and the timer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "../../schema/base/diag.h"

struct manager;

struct manager_config {
        const char *root;      /* --root, or NULL */
        bool use_bpf;          /* false: the hints alone */
        uint64_t recheck_usec; /* how often controls are looked at without a hint */
};

#define RECHECK_DEFAULT_USEC UINT64_C(60000000)

/* What was accepted last is applied in here, before anybody is asked. 0, or negative errno with d set. */
_must_check_ int manager_new(const struct manager_config *config, struct manager **ret, struct diag *d);
struct manager *manager_free(struct manager *m);
DEFINE_CLEANUP(struct manager *, manager_free, manager_freep);

/* Reads the schema again, and all values from the registry: on SIGHUP, and for Reload(). */
void manager_reload(struct manager *m);

/* Until SIGTERM or SIGINT, or until the bus goes away. 0 or negative errno. */
_must_check_ int manager_run(struct manager *m);
