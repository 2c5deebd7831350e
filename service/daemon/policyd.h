/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policy service's wiring: schema -> settings, the link to the registry, the bus, uevents and the timer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "../../schema/base/diag.h"
#include "../../schema/options/options.h"

struct policyd;

struct policyd_config {
        const char *root;        /* --root, or NULL */
        const char *admin_group; /* "" for none */
        bool use_bpf;            /* false: the hints alone */
        uint64_t recheck_usec;   /* how often controls are looked at without a hint */
};

#define RECHECK_DEFAULT_USEC UINT64_C(60000000)

/* What was accepted last is applied in here, before anybody is asked. 0, or negative errno with d set. */
_must_check_ int policyd_new(const struct policyd_config *config, struct policyd **ret, struct diag *d);
struct policyd *policyd_free(struct policyd *p);
DEFINE_CLEANUP(struct policyd *, policyd_free, policyd_freep);

/* Reads the schema again, and all values from the registry: on SIGHUP, and for Reload(). */
void policyd_reload(struct policyd *p);

/* Until SIGTERM or SIGINT, or until the bus goes away. 0 or negative errno. */
_must_check_ int policyd_run(struct policyd *p);

/* What the command line of peios-audit-policyd has. */

struct policyd_options {
        const char *root;
        const char *admin_group;
        uint64_t recheck_seconds;
        bool apply;
        bool no_bpf;
        bool verbose;
};

extern const struct options_program policyd_options_program;
