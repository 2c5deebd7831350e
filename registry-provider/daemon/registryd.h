/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The registry provider's wiring: schema, registry, drop-in files, bus, audit records, upkeep of the store.
 */

#include "../../schema/audit/record.h"
#include "../../schema/base/diag.h"
#include "../../schema/options/options.h"
#include "../../schema/process/exe-reader.h"

struct registryd;

struct registryd_config {
        const char *root;        /* --root, or NULL */
        const char *admin_group; /* "" for none */
        size_t value_max;        /* bytes */
        struct exe_reader
                *exe_reader; /* becomes the daemon's; NULL: which program a caller runs is not known */
};

/* 0, or negative errno with d set. The event loop is not running yet. */
_must_check_ int registryd_new(
        const struct registryd_config *config, struct registryd **ret, struct diag *d);
struct registryd *registryd_free(struct registryd *r);
DEFINE_CLEANUP(struct registryd *, registryd_free, registryd_freep);

/* Until SIGTERM or SIGINT, or until the bus goes away. 0 or negative errno. */
_must_check_ int registryd_run(struct registryd *r);

/* ---- For its parts: what is wrong with a file, or with a value of the registry's own ---- */

/* Reported once: log or record (NULL: none), and the property. */
void registryd_report(struct registryd *r, const char *file, const char *text, const struct record *record);
/* It is over. False if it was not there. */
bool registryd_clear(struct registryd *r, const char *file);
/* The same, and logged where it was there. */
void registryd_mended(struct registryd *r, const char *file);
/* Number i of all, whose file begins so; NULL: it does not. False behind the last. */
bool registryd_problem(const struct registryd *r, size_t i, const char *beginning, const char **ret);

/* ---- And what they report to each other ---- */

/* The drop-in files were read: a layer's end counts where no file stands behind it any more. */
void registryd_files_read(struct registryd *r);

/* ---- What the command line of peios-registryd has ---- */

struct registryd_options {
        const char *root;
        const char *admin_group;
        uint64_t value_max;
        bool debug;
};

#define REGISTRYD_OPTIONS_INIT                                                                              \
        ((struct registryd_options){ .admin_group = ADMIN_GROUP, .value_max = 1048576 })

extern const struct options_program registryd_options_program;
