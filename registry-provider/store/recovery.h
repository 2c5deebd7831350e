/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A damaged database is set aside, whole, as `FILE.corrupt-N` with what belongs to it (`-wal`, `-shm`,
 * `-journal`), never over anything that is there. The newest good backup is copied into its place, or an
 * empty store made; the counter goes on 2^(31+N) above it, so that no number comes again, and a STORE_NOTE
 * in the history says why.
 *
 * Damage that is found while the store is open is marked in `FILE.damaged`; the next start looks at the
 * whole file then, and recovers it where it is not whole. A file that is missing or empty beside backups, or
 * beside one that was set aside, is damage, too. */

#include "store.h"

/* A backup's name, with the NUL. */
#define BACKUP_NAME_MAX 36u

/* More than anybody uses between two backups. */
#define RECOVERY_SEQUENCES (UINT64_C(1) << 32)

/* What was done; names are of files in the database's folder. */
struct recovery {
        struct diag why;              /* what was wrong with which file */
        char set_aside[64];           /* "": there was nothing to set aside */
        char backup[BACKUP_NAME_MAX]; /* what was loaded; "": nothing, the store is empty */
        uint64_t backup_time;         /* of its newest change, µs since the epoch */
        uint64_t kept;                /* number of the newest change that is there */
        uint64_t lost;                /* of the newest that is not; 0: not known */
        uint64_t sequence;            /* the counter goes on from here */
        struct diag unusable;         /* backups that are damaged themselves, and how; or "" */
};

/* Opens the store for writing, for the only process that may, and makes it where it is missing, for its user
 * alone. 0: it is whole, as far as a start looks; 1: it
 * was recovered; or a negative errno as from store_open(), but -EUCLEAN only where the damaged file could
 * not be set aside: then, and after any other error, it is still there or set aside whole. */
_must_check_ int recovery_open(const char *file, size_t value_max, struct store **ret,
        struct recovery *ret_recovery, struct diag *d);

/* For who only reads: -EUCLEAN where it is marked, or missing or empty though it had contents, with d set;
 * else 0, or another negative errno. */
_must_check_ int recovery_suspects(const char *file, struct diag *d);

/* A copy of all that is committed, under a name as what is set aside has, which is in ret->set_aside then.
 * Durable. For who has taken the folder. 0, or a negative errno with nothing left behind: -ENOSPC as for a
 * backup. */
_must_check_ int recovery_keep(const char *file, struct recovery *ret, struct diag *d);

/* Puts a note of what was done into the history, as change number `sequence` (0: the next one). Durable. For
 * who has taken the folder, and has nothing open. 0 or a negative errno. */
_must_check_ int recovery_note(
        const char *file, size_t value_max, const char *text, uint64_t sequence, struct diag *d);

/* The whole of it for people, in one line. */
void recovery_describe(const struct recovery *recovery, struct diag *ret);

/* Damage was found: the next recovery_open() looks. Durable. 0 or a negative errno. */
_must_check_ int recovery_mark(const char *file, const char *why);
