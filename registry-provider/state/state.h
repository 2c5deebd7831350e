/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The provider's own state on disk (var/lib/peios/registry): journal-<generation> files that are appended
 * to, and snapshot-<generation>.yaml files into which they are folded. Snapshot g holds everything up to the
 * end of journal g-1; the previous generation's two files are kept until the next fold.
 * schema/hive-format.md documents both formats.
 *
 * A batch (one or more transactions that share an fdatasync) is one checksummed frame; a frame that the
 * power cut tore is always the last one, is cut off and reported. A bad frame with good ones behind it ends
 * what is used, and a new generation is begun; for a snapshot whose checksum or contents are wrong (also:
 * somebody edited it) the previous generation with all journals since is loaded. Both are reported and set
 * aside as `<name>.corrupt-<n>`. Nothing is ever overwritten. A later format version, or a value above the
 * store's limit, is no damage: opening fails and nothing is touched.
 *
 * What is kept: the store's operations except those of volatile keys, the hives' roots, and the table of
 * drop-in layers (so that a broken drop-in keeps its last good content over a restart). */

#include "../../schema/base/buf.h"
#include "../../schema/base/diag.h"
#include "../resolve/layers.h"
#include "../store/store.h"

struct hive_root {
        char *name;
        struct guid root;
};

struct state_hives {
        struct hive_root *list;
        size_t n;
};

/* What a batch is made of. Strings are borrowed. */
enum state_record_kind {
        STATE_OP,         /* a store operation */
        STATE_HIVE,       /* a hive's root: name, root (its key is created by a STATE_OP of its own) */
        STATE_LAYER,      /* a drop-in layer: name, precedence, enabled, file */
        STATE_LAYER_GONE, /* name */
};

struct state_record {
        enum state_record_kind kind;
        struct store_op op;
        const char *name;
        struct guid root;
        uint32_t precedence;
        bool enabled;
        const char *file;
};

/* Pure: a record to bytes and back. state_decode() borrows strings and bytes from its input; *ret_used is
 * how many bytes it took. -EBADMSG for anything that is not exactly a record. */
void state_encode(struct buf *out, const struct state_record *r);
_must_check_ int state_decode(const void *data, size_t size, struct state_record *ret, size_t *ret_used);

struct state;

struct state_events {
        /* Something that an operator and the audit log must know: kind is "torn-tail", "corrupt-snapshot",
         * "corrupt-journal" or "edited"; text is the whole sentence. */
        void (*report)(const char *kind, const char *file, const char *text, void *userdata);
        /* A snapshot could not be written, with each attempt; and was written at last. May be NULL. */
        void (*fold_failed)(const char *text, void *userdata);
        void (*folded)(void *userdata);
        void *userdata;
};

/* Opens (and makes) the directory, takes its lock, loads the newest good generation into `store`, `hives`
 * and `layers` (all empty at entry). They stay borrowed until state_close(): each sync records the store's
 * sequence counter, and writes a snapshot of all three where a frame is not enough. With `read_only` nothing
 * is made, cut, renamed or locked: for the boot apply and for tests. 0, -EBUSY (another provider holds it),
 * -ENOENT (read_only and no directory), -EPROTONOSUPPORT (another format version), -EFBIG (a value above the
 * store's limit), or another negative errno with d set; store, hives and layers may then hold a part. */
_must_check_ int state_open(const char *dir, bool read_only, struct store *store, struct state_hives *hives,
        struct layers *layers, const struct state_events *events, struct state **ret, struct diag *d);
struct state *state_close(struct state *st);
DEFINE_CLEANUP(struct state *, state_close, state_closep);

/* Adds a record to the batch in memory (encoded at once, nothing borrowed is kept). 0, -ENOMEM, -EFBIG
 * (64 MiB), -EROFS, or -EINVAL (could not be read again: an unknown operation, a name that is not UTF-8 or
 * is longer than PATH_BYTES_MAX); the batch is then as it was. */
_must_check_ int state_add(struct state *st, const struct state_record *r);
/* While it is allowed, the batch has no limit (only a single record that is the first one has): it may
 * outgrow a frame, and the sync then writes a snapshot instead. */
void state_allow_large(struct state *st, bool allow);
/* How many bytes wait in the batch, and forgetting back to such a mark. */
size_t state_pending(const struct state *st);
void state_forget(struct state *st, size_t mark);
/* Writes the batch as one frame and fdatasyncs it. 0: it survives a power cut, and so do the sequence
 * numbers that the store has handed out. Where there is no batch but numbers were taken, a frame without
 * records sets aside a block of them: the next ones cost nothing, and after a crash the counter begins
 * behind it. On error the batch is forgotten, the journal is as it was (or a new one is begun where that
 * cannot be known), and the caller rolls back. The store must hold what the batch says, and nothing more:
 * when the journal was damaged, edited or removed, or the batch outgrew a frame, the sync writes a snapshot
 * instead. */
_must_check_ int state_sync(struct state *st, struct diag *d);

/* For a clean stop: records the counter as it is, so that nothing of a block is lost. Best effort: without
 * it the next start begins behind the block. */
void state_record_sequence(struct state *st);

/* Bytes in the journal since the last fold, for deciding when to fold. SIZE_MAX: a fold is due whatever the
 * size, because a file was edited, a recovery could not be finished, or what outgrew a frame is in one file
 * only. */
size_t state_journal_size(const struct state *st);
/* Begins the next generation: the snapshot from what store, hives and layers hold now under a temporary
 * name, the new journal, the snapshot's name, then the removal of what is older than the previous
 * generation. The batch must be empty. A snapshot that cannot be written leaves no file behind. */
_must_check_ int state_fold(struct state *st, const struct store *store, const struct state_hives *hives,
        const struct layers *layers, struct diag *d);

/* To be called when inotify reports that a file was moved, created, removed or closed after writing in the
 * directory (not for every write: those are ours): compares each of our files with what we wrote (inode,
 * size, and the contents where the time changed) and reports "edited" once for each that differs; the next
 * fold sets it aside. */
void state_check_edits(struct state *st);

void state_hives_done(struct state_hives *h);
const struct hive_root *state_hive_find(const struct state_hives *h, const char *name, size_t len);
/* 0, -EEXIST (folded), or -ENOMEM. */
_must_check_ int state_hive_add(struct state_hives *h, const char *name, const struct guid *root);
