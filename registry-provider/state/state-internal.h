/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>
#include <time.h>

#include "../../schema/base/fileio.h"
#include "files.h"
#include "frame.h"
#include "journal.h"
#include "state.h"

/* A file of ours, as we last read or wrote it. */
struct state_file {
        struct file_id id;
        bool aside; /* damaged or edited: reported, and renamed when the next fold made it superfluous */
        dev_t dev;
        ino_t ino;
        off_t size;
        struct timespec changed;
        bool crc_known;
        uint32_t crc;                 /* of a snapshot */
        bool header_good;             /* of a journal */
        struct journal_header header; /* of a journal */
};

struct state {
        char *dir;
        int dir_fd;
        int lock_fd;
        bool read_only;
        struct state_events events;
        const struct store *store;
        const struct state_hives *hives;
        const struct layers *layers;

        struct state_file *files; /* by generation */
        size_t n_files;
        uint64_t highest;  /* generation that any file has, or may have */
        uint64_t snapshot; /* generation of the newest good snapshot, 0: none */
        struct journal journal;
        size_t unfolded;   /* bytes of frames since that snapshot */
        uint64_t sequence; /* the counter that the next load begins with, as far as the files say */
        struct buf batch;  /* room for a frame's header, then the records; or empty */

        /* The journal takes no more frames: what is behind its last good frame is unknown, or somebody
         * changed it. Ended by the next generation, whose header says how many frames count. */
        bool lost;
        /* What is on disk is less than what memory holds: only a whole snapshot may be answered for. */
        bool owed;
        bool large; /* the batch may outgrow a frame */
        /* It did: it holds less than the store, and the sync writes a snapshot. */
        bool outgrown;
        bool edited;      /* a fold is due, to set aside what somebody changed */
        bool single;      /* a fold is due: the newest snapshot alone holds what was never in a journal */
        bool fold_failed; /* and it has been reported */
};

/* state-files.c */
_must_check_ int state_list_files(struct state *st);
/* Room for `n` more, so that state_note_file() cannot fail. */
_must_check_ int state_reserve_files(struct state *st, size_t n);
struct state_file *state_find_file(const struct state *st, enum file_kind kind, uint64_t generation);
void state_note_file(struct state *st, enum file_kind kind, uint64_t generation, const struct stat *info);
void state_remember(struct state_file *f, const struct stat *info);
/* Whether a file still is what we wrote. */
bool state_is_intact(struct state *st, const struct state_file *f);
/* After a fold: sets aside what is marked, removes what is older than the previous generation. */
void state_tidy(struct state *st);
/* Reads one of our files. -EBADMSG where the file is there but cannot be read as one (damage). */
_must_check_ int state_read_file(
        struct state *st, const struct file_id *id, struct buf *ret, struct stat *ret_info, struct diag *d);
_printf_(4, 5) void state_report(
        const struct state *st, const char *kind, const struct file_id *id, const char *format, ...);
/* d = "directory/file: text"; returns -error. */
_printf_(5, 6) int state_error(const struct state *st, struct diag *d, int error, const struct file_id *id,
        const char *format, ...);

/* state-load.c */
struct state_loaded {
        bool fresh;   /* there were no files */
        bool damaged; /* a new generation must be begun */
        bool torn;    /* the journal has a torn end */
};
_must_check_ int state_load(struct state *st, struct store *store, struct state_hives *hives,
        struct layers *layers, struct state_loaded *ret, struct diag *d);

/* state.c: whether a sync writes a snapshot in place of a frame. */
bool state_owes_snapshot(const struct state *st);

/* state-fold.c */
_must_check_ int state_begin_journal(struct state *st, struct diag *d);
_must_check_ int state_write_generation(struct state *st, const struct store *store,
        const struct state_hives *hives, const struct layers *layers, struct diag *d);

/* state-edits.c */
void state_mark_edited(struct state *st, struct state_file *f, const char *how);
