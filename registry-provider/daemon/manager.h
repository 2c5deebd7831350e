/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The registry provider's wiring: registry, drop-in watches, bus, audit records, upkeep of the store. */

#include "../../schema/base/diag.h"
#include "../../schema/process/exe-reader.h"

struct manager;

struct manager_config {
        const char *root;        /* --root, or NULL */
        const char *admin_group; /* "" for none */
        size_t value_max;        /* bytes */
        struct exe_reader
                *exe_reader; /* becomes the manager's; NULL: which program a caller runs is not known */
};

/* 0, or negative errno with d set. The event loop is not running yet. */
_must_check_ int manager_new(const struct manager_config *config, struct manager **ret, struct diag *d);
struct manager *manager_free(struct manager *m);
DEFINE_CLEANUP(struct manager *, manager_free, manager_freep);

/* Until SIGTERM or SIGINT, or until the bus goes away. 0 or negative errno. */
_must_check_ int manager_run(struct manager *m);
