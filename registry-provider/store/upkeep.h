/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What keeps a store's file in order beside the one who writes it: a thread with a connection of its own. It
 * brings the log into the file in between, looks whether the file is whole, and makes backups. It wakes only
 * when it has something to do: never on a machine where nothing is changed.
 *
 * - Checkpoint: when the log has grown by some thousand pages, or in a quiet moment after a change.
 * - Check: soon after the start, as a start looks at next to nothing; and before each backup.
 * - Backup: after a change, in a quiet moment, at most one in the interval; where there is no quiet moment,
 *   after a second interval; after a recovery, at once. One that failed is tried again after an hour, or the
 * interval if that is less.
 *
 * Once damage was found it is marked for the next start (recovery.h), and nothing more is done, but to look.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../schema/base/diag.h"
#include "store.h"

struct upkeep_config {
        uint64_t quiet;           /* µs without a change that are a quiet moment */
        uint64_t backup_interval; /* µs */
        size_t backups_kept;      /* older ones are removed; 0: none is made, and none removed */
};

#define UPKEEP_CONFIG_DEFAULT                                                                               \
        ((struct upkeep_config){                                                                            \
                .quiet = 2000000, .backup_interval = UINT64_C(86400000000), .backups_kept = 3 })

enum upkeep_work {
        UPKEEP_CHECKPOINT, /* reported when it fails, and when it works again */
        UPKEEP_CHECK,      /* -EUCLEAN: damage */
        UPKEEP_BACKUP,
        UPKEEP_COPY,    /* that was asked for */
        UPKEEP_INSPECT, /* the same */
        UPKEEP_WORKS_N
};

struct upkeep_report {
        enum upkeep_work work;
        int error;          /* 0: it was done */
        struct diag text;   /* what failed; of a backup that was made, its name */
        int fd;             /* of a copy that was made, for reading: the taker's; else -1 */
        struct diags found; /* by an inspection: the taker's */
};

struct upkeep;

/* For a file that a store has open for writing; the store outlives it or not. 0 or a negative errno with d
 * set. */
_must_check_ int upkeep_new(
        const char *file, const struct upkeep_config *config, struct upkeep **ret, struct diag *d);
/* Ends what it is at. */
struct upkeep *upkeep_free(struct upkeep *u);
DEFINE_CLEANUP(struct upkeep *, upkeep_free, upkeep_freep);

/* Other ones, from now on. */
void upkeep_configure(struct upkeep *u, const struct upkeep_config *config);
/* After each store_sync() that had something to do: some ten nanoseconds, and a system call where the thread
 * has something to do that it did not know of. Where the log has grown large under steady writing, and only
 * its writer can begin it anew, this takes some milliseconds for that. */
void upkeep_changed(struct upkeep *u, struct store *s);
/* The caller found damage. */
void upkeep_damaged(struct upkeep *u, const char *why);

/* A copy of all that is committed by now, whole and checked: a report of UPKEEP_COPY, one for all who asked
 * and have none yet. */
void upkeep_copy(struct upkeep *u);

/* Look at all that is committed by now, as inspect.h does it: a report of UPKEEP_INSPECT, in the same way.
 * What SQLite finds is damage, too. */
void upkeep_inspect(struct upkeep *u);

/* Readable while there are reports; not to be read. */
int upkeep_fd(const struct upkeep *u);
/* The next one; of each kind there is the last. False: no more. */
bool upkeep_next(struct upkeep *u, struct upkeep_report *ret);
