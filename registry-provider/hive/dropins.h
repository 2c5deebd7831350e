/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The drop-in directories: which files count, read and parsed. usr/lib first, then etc; a file in etc
 * replaces the one of the same name in usr/lib, a link to /dev/null (or an empty file there) masks it. Only
 * `*.yaml`, in byte order of the name; names that begin with a dot, editors' backups and temporary files do
 * not match (schema/overlay.h). */

#include "hive.h"

#define DROPINS_MAX 1000u

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
 * taken (or `base`), and what is past DROPINS_MAX (one entry, name "") each are an entry with `error`. Of a
 * directory with an error nothing is known, so nobody should take its files for removed. 0 or -ENOMEM. */
_must_check_ int dropins_load(const char *root, size_t value_max, struct dropins *ret);
void dropins_done(struct dropins *d);
