/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Backups of the registry's database, in its own folder: `backup-SEQUENCE.db`, with the number of the newest
 * change that it holds, in 20 digits, so that names are in order. Each is a database like the registry's,
 * and was checked before it got its name.
 *
 * Where a process has a file open with SQLite nothing of this opens it otherwise: closing it would take away
 * SQLite's locks. */

#include <stdint.h>

#include "../../schema/base/diag.h"
#include "database.h"
#include "recovery.h"

struct backup {
        char name[BACKUP_NAME_MAX];
        uint64_t sequence; /* of its newest change */
        uint64_t time;     /* when it was made, µs since the epoch */
};

/* Those beside `file`, newest first; to be freed. 0 or a negative errno. */
_must_check_ int backup_list(const char *file, struct backup **ret, size_t *ret_n);

/* Makes one of all that is committed, durably, in one read transaction: nobody waits for it. 0; -ENOSPC (it
 * would leave less room than it takes); -ECANCELED (interrupted); -EUCLEAN; or another negative errno, with
 * d set, and then nothing of it is left. */
_must_check_ int backup_make(struct database *db, struct backup *ret, struct diag *d);

/* The same in a file that is new, unchecked and not durable yet; of one that failed something may be left.
 */
_must_check_ int backup_write(struct database *db, const char *path, struct diag *d);
/* The same for somebody, in a file without a name: its descriptor, for reading. */
_must_check_ int backup_copy(struct database *db, int *ret_fd, struct diag *d);

/* Removes all but the newest `keep`. 0 or the first error. */
_must_check_ int backup_remove_old(const char *file, size_t keep);

/* Whether a database that nobody has open is whole and a store's; `check` as in database_check().
 * `ret_time`: of its newest change, µs since the epoch, 0 where there is none. */
_must_check_ int backup_check(
        const char *path, enum statement check, uint64_t *ret_sequence, uint64_t *ret_time, struct diag *d);

/* Whether so many bytes can be put beside `file`: what takes the last room makes changes fail. 0; -ENOSPC;
 * or another negative errno. */
_must_check_ int backup_check_room(const char *file, uint64_t size, struct diag *d);

/* `name` in the folder of `file`; to be freed, NULL: out of memory. */
char *backup_beside(const char *file, const char *name);
/* Makes durable what a file, or a folder, holds. 0 or a negative errno. */
_must_check_ int backup_sync(const char *path);
/* The same for the folder of `file`. */
_must_check_ int backup_sync_folder(const char *file);
