/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which drop-in files changed since they were read last: so that a change of the registry names the file
 * behind it. */

#include <sys/stat.h>

#include "../hive/dropins.h"

struct edit {
        char *path; /* as in struct dropin */
        struct stat st;
        bool is_new; /* or changed */
        bool is_gone;
};

/* Empty is { 0 }. */
struct edits {
        struct edit *list;
        size_t n;
};

/* Compares with the last call. 0 or -ENOMEM. */
_must_check_ int edits_update(struct edits *e, const char *root, const struct dropins *files);
/* The file behind a value that comes from `layer` now (NULL or another's: what the file said is not there
 * any more). NULL: more than one may be. *ret_owner: its owner, (uid_t)-1 when that is not known. */
const char *edits_blame(
        const struct edits *e, const struct dropins *files, const char *layer, uid_t *ret_owner);
void edits_done(struct edits *e);
