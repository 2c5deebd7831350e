/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A disk that fails and whose power is cut: a VFS of SQLite's around the real one. It does three things.
 *
 * It records (disk.c). In one directory each file that is made, written, cut, synced or deleted leaves an
 * entry in a log; so does a sync of the directory. Memory that is shared (-shm) is no file that survives
 * anything, and is passed on.
 *
 * It rebuilds (disk-replay.c). For each position in the log it knows what a sync had made durable then and
 * what was only handed to the kernel, and writes the files as they may be found. The model:
 * - A sync of a file makes its contents durable. Its name is not among them: a name (of a new file, or that
 * a file is gone) is durable once the directory is synced.
 * - What was not synced may be there or not: each write for itself, whatever the order, and each name.
 * - A write that the power cut may be torn: at any byte, or sector by sector (512 bytes); of the bytes being
 *   written each may be old, new or garbage. No byte beside them is harmed; SQLite calls that powersafe
 *   overwrite, and takes it for granted on Linux.
 * - A sync that failed has made nothing durable, and no later one does (Linux takes the pages for clean):
 *   what was written before it may be there or not, for ever, unless it is written again.
 * - After a kill everything is there that was handed to the kernel.
 * Not modelled: a disk that lies about a sync, or loses what it once had. That is damage.
 *
 * It fails (disk.c). The n-th call of a kind, or several from it on, answer as the real VFS does when the
 * kernel fails it. Half of a write that fails is on the disk all the same.
 *
 * One thread at a time may be in SQLite while something is recorded. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_FILES_MAX 64u

/* Becomes the default VFS of this process, once. */
void disk_install(void);

/* A new empty directory, to be freed; in memory if there is room, for each sync is a real one. */
char *disk_scratch(void);
/* Removes its files, and the directory with `whole`. */
void disk_scratch_remove(const char *directory, bool whole);

/* The next of a row of numbers; `*state` is not 0. */
uint64_t disk_random(uint64_t *state);

/* Called before each call that is recorded, and instead of sleeping for a lock (`must`): threads take turns
 * there. NULL: nothing. */
extern void (*disk_pause)(bool must);

/* ---- The log ---- */

enum disk_event {
        DISK_MADE,
        DISK_WRITTEN, /* offset, data, size */
        DISK_CUT,     /* offset: what is left */
        DISK_SYNCED,
        DISK_SYNC_FAILED,
        DISK_DELETED,
        DISK_DIRECTORY_SYNCED,
};

struct disk_entry {
        enum disk_event event;
        unsigned file;
        size_t offset, size;
        unsigned char *data;
};

/* One that is made where one was deleted is another file. */
struct disk_file {
        char name[32];
        unsigned char *data; /* before anything was recorded */
        size_t size;
        bool was_there;
};

struct disk_log {
        struct disk_file files[DISK_FILES_MAX];
        unsigned n_files;
        struct disk_entry *entries;
        size_t n;
};

/* From now on what happens in `directory` is recorded; what is in it is durable. No file in it is open. */
void disk_record(const char *directory);
/* Entries so far; 0 where nothing is recorded. */
size_t disk_position(void);
/* Ends it. */
struct disk_log *disk_stop(void);
void disk_log_free(struct disk_log *log);

/* ---- What may be found ---- */

enum disk_loss {
        DISK_KILL,    /* nothing is lost */
        DISK_NOTHING, /* nothing is there that was not synced */
        DISK_TORN,    /* all is there, but the last write is torn */
        DISK_MIXED,   /* some of it is there, some of that torn */
        DISK_LOSSES_N,
};

struct disk_replay;

/* At position 0. The log stays the caller's. */
struct disk_replay *disk_replay_new(const struct disk_log *log);
void disk_replay_free(struct disk_replay *r);
/* Forward. */
void disk_replay_to(struct disk_replay *r, size_t position);
/* Into an empty directory. */
void disk_replay_write(const struct disk_replay *r, enum disk_loss loss, uint64_t *random, const char *into);

/* ---- Failures ---- */

enum disk_call {
        DISK_OPEN,
        DISK_READ,
        DISK_WRITE,
        DISK_SYNC,
        DISK_TRUNCATE,
        DISK_DELETE,
        DISK_MAP,   /* shared memory */
        DISK_CALLS, /* any of them */
};

/* In the directory that is recorded the n-th such call from now (1 is the next), and the `times` - 1 after
 * it, fail with `error`: EIO or ENOSPC. */
void disk_fail(enum disk_call call, unsigned nth, unsigned times, int error);
/* While it is set no call fails, or counts: who looks does not disturb. */
void disk_spare(bool spare);
/* Ends that and says whether it came to the n-th. */
bool disk_mend(void);
/* The kernel takes and gives at most so many bytes at once, everywhere; 0: no limit. */
void disk_short(size_t bytes);
