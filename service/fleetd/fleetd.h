/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The agent's wiring: the registry's values make an agent and end it, and how the machine stands is its
 * verdict. */

#include "../../schema/base/diag.h"
#include "../../schema/options/options.h"

struct fleetd;

/* `root`: --root, or NULL. 0, or negative errno with d set or not. */
_must_check_ int fleetd_new(const char *root, struct fleetd **ret, struct diag *d);
struct fleetd *fleetd_free(struct fleetd *f);
DEFINE_CLEANUP(struct fleetd *, fleetd_free, fleetd_freep);

/* Until SIGTERM or SIGINT, or until the bus goes away. 0 or negative errno. */
_must_check_ int fleetd_run(struct fleetd *f);

/* What the command line of peios-fleetd has. */
struct fleetd_options {
        const char *root;
        bool verbose;
};

extern const struct options_program fleetd_options_program;
