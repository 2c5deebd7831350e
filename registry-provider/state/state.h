/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The provider's own state on disk (var/lib/peios/registry): journal-<generation> files that are appended
 * to, and snapshot-<generation>.yaml files into which they are folded. Snapshot g holds everything up to the
 * end of journal g-1; the previous generation's two files are kept until the next fold.
 * schema/hive-format.md documents both formats.
 *
 * A batch (one or more transactions that share an fdatasync) is one checksummed frame; a frame that the
 * power cut tore is always the last one, is cut off and reported. A bad frame with good ones behind it, a
 * snapshot whose checksum or contents are wrong (also: somebody edited it) are set aside as
 * `<name>.corrupt-<n>`, reported, and the previous generation with all journals since is loaded. Nothing is
 * ever overwritten.
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
         * "corrupt-journal", "edited" or "fold-failed"; text is the whole sentence. */
        void (*report)(const char *kind, const char *file, const char *text, void *userdata);
        void *userdata;
};

/* Opens (and makes) the directory, takes its lock, loads the newest good generation into `store`, `hives`
 * and `layers` (all empty at entry). With `read_only` nothing is made, cut, renamed or locked: for the boot
 * apply and for tests. 0, -EBUSY (another provider holds it), -ENOENT (read_only and no directory), or
 * another negative errno with d set. */
_must_check_ int state_open(const char *dir, bool read_only, struct store *store, struct state_hives *hives,
        struct layers *layers, const struct state_events *events, struct state **ret, struct diag *d);
struct state *state_close(struct state *st);
DEFINE_CLEANUP(struct state *, state_close, state_closep);

/* Adds a record to the batch in memory (encoded at once, nothing borrowed is kept). 0, -ENOMEM, or -EFBIG
 * (64 MiB). */
_must_check_ int state_add(struct state *st, const struct state_record *r);
/* How many bytes wait in the batch, and forgetting back to such a mark. */
size_t state_pending(const struct state *st);
void state_forget(struct state *st, size_t mark);
/* Writes the batch as one frame and fdatasyncs it. 0: it survives a power cut. On error the batch is
 * forgotten, the journal is as it was (or a new generation is begun where that cannot be known), and the
 * caller rolls back. */
_must_check_ int state_sync(struct state *st, struct diag *d);

/* Bytes in the journal since the last fold, for deciding when to fold. */
size_t state_journal_size(const struct state *st);
/* Begins the next generation: new journal, then the snapshot from what store, hives and layers hold now,
 * then the removal of what is older than the previous generation. The batch must be empty. */
_must_check_ int state_fold(struct state *st, const struct store *store, const struct state_hives *hives,
        const struct layers *layers, struct diag *d);

/* To be called when inotify reports a change in the directory: compares each of our files with what we wrote
 * (size, inode, checksum of the snapshot) and reports "edited" once for each that differs; the next fold
 * sets it aside. */
void state_check_edits(struct state *st);

void state_hives_done(struct state_hives *h);
const struct hive_root *state_hive_find(const struct state_hives *h, const char *name, size_t len);
_must_check_ int state_hive_add(struct state_hives *h, const char *name, const struct guid *root);
