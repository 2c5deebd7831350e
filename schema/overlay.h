/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Directories of `*.yaml` files, from the vendor's to the administrator's, as one list. A file replaces
 * those of the same name in the directories before its own; a link to /dev/null in the last one masks them.
 * Names that begin with a dot and names that do not end in `.yaml` (editors' backups) do not count. */

#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/diag.h"

#define OVERLAY_DIRS_MAX 3u

struct overlay_file {
        char *name;   /* "" for a directory */
        char *path;   /* as shown to people, without --root */
        unsigned dir; /* number of its directory */
        char *error;  /* why it is not to be read: a directory that cannot be listed, a name that is no text
                       */
};

struct overlay {
        struct overlay_file *list; /* in byte order of the name, directories first */
        size_t n;
        unsigned n_dirs;
        int fds[OVERLAY_DIRS_MAX];
};
#define OVERLAY_INIT                                                                                        \
        {                                                                                                   \
                .fds = { -1, -1, -1 }                                                                       \
        }

/* A missing directory is empty. Of more than `max` files the first are listed, and an entry with `error`
 * says so. 0 or -ENOMEM. */
_must_check_ int overlay_list(
        const char *root, const char *const *dirs, unsigned n_dirs, size_t max, struct overlay *ret);
void overlay_done(struct overlay *o);

/* Whether a file of this name counts. */
bool overlay_takes(const char *name);

/* Reads a listed file that has no error. 0, -ENOENT (a mask, or gone meanwhile: skip it), -ENOMEM, or
 * another negative errno with the path and the reason in d. */
_must_check_ int overlay_read(const struct overlay *o, const struct overlay_file *f, size_t limit,
        struct buf *ret, struct stat *ret_st, struct diag *d);
