/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The drop-in directories: which files count, read and parsed. A file in etc replaces those of the same name
 * in var/lib and usr/lib, one in var/lib those in usr/lib; a link to /dev/null in etc masks them. Only
 * `*.yaml`, in byte order of the name; names that begin with a dot, editors' backups and temporary files do
 * not match (schema/overlay.h). Var/lib has the fleet's layers, signed, and
 * nothing else (signed.h). */

#include "hive.h"

#define DROPINS_MAX 1000u
#define DROPINS_DIRS 3u

/* From the vendor's, which the others replace, to the administrator's. */
extern const char *const dropins_dirs[DROPINS_DIRS];

struct dropin {
        char *name;             /* "50-site.yaml"; "" for a directory that could not be listed */
        char *path;             /* as shown to people: /etc/peios/registry.d/50-site.yaml (without --root) */
        uid_t owner;            /* (uid_t) -1 where it could not be read */
        struct hive_file *file; /* NULL: broken, see error */
        char *error;            /* file:line:column: what, what was expected */
};

struct dropins {
        struct dropin *list; /* in order of name */
        size_t n;
};

/* Reads everything anew. A directory that is missing is empty; one that cannot be listed, a broken,
 * unreadable or oversized file, a directory or FIFO called *.yaml, a layer that an earlier file has already
 * taken (or `base`), one whose name belongs
 * into another directory, and what is past DROPINS_MAX (one entry, name "") each are an entry with `error`.
 * Of a directory with an error nothing is known, so nobody should take its files for removed. 0 or -ENOMEM.
 */
_must_check_ int dropins_load(const char *root, size_t value_max, struct dropins *ret);
void dropins_done(struct dropins *d);
