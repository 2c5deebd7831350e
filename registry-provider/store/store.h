/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The store: what a registry *source* holds, and nothing else. Keys by GUID; path entries by (parent, folded
 * name, layer); values by (key, folded name, layer); blanket tombstones by (key, layer); the layers that
 * files stand behind; and the history of it all. It never resolves layers nor judges bytes. Every change is
 * a `struct store_op`, one for each mutating request of the registry source interface (RSI), so that a later
 * kernel front end speaks the store's own language.
 *
 * It is one SQLite database, and nothing above it knows of SQLite. peios-registry-store(5) names the tables.
 *
 * Cost: a look-up is one query by primary key, a few microseconds, and little where it was made before;
 * enumeration reads one key's rows. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../schema/base/diag.h"
#include "../../schema/process/process.h"
#include "../../schema/names/path.h"
#include "../../schema/names/seal.h"

struct guid {
        uint8_t bytes[16];
};

static inline bool guid_equal(const struct guid *a, const struct guid *b)
{
        return __builtin_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static inline bool guid_is_zero(const struct guid *g)
{
        return guid_equal(g, &(const struct guid){ 0 });
}

/* A fresh GUID (RFC 9562, version 7): the time, then random bits of getrandom(2), so that what is made
 * together is together in the tables. 0 or negative errno. */
_must_check_ int guid_new(struct guid *ret);
/* 8-4-4-4-12 hex digits in byte order, 36 characters. */
void guid_format(const struct guid *g, char ret[static 37]);
/* For a hashmap. */
uint32_t guid_hash(const struct guid *g);

/* Operation codes are those of RSI; those from 0x1000 on are ours. */
enum store_op_code {
        STORE_CREATE_ENTRY = 0x02, /* guid = parent, name, layer, target = child, sequence */
        STORE_HIDE_ENTRY = 0x03,   /* guid = parent, name, layer, sequence */
        STORE_DELETE_ENTRY = 0x04, /* guid = parent, name, layer; idempotent */
        STORE_CREATE_KEY =
                0x10, /* guid, name, target = parent (zero for a hive's root), data/size = SD, flags */
        STORE_WRITE_KEY = 0x12,     /* guid, mask, data/size = SD, time */
        STORE_DROP_KEY = 0x13,      /* guid; idempotent; -ENOTEMPTY while path entries below name children */
        STORE_SET_VALUE = 0x21,     /* guid, name, layer, type, data/size, sequence, expected */
        STORE_DELETE_VALUE = 0x22,  /* guid, name, layer; idempotent */
        STORE_SET_BLANKET = 0x23,   /* guid, layer, set, sequence */
        STORE_DELETE_LAYER = 0x50,  /* layer: all its entries and blankets; not of the base layer */
        STORE_SET_FILE = 0x1000,    /* layer, name = the file behind it, precedence, set = enabled, seal */
        STORE_FORGET_FILE = 0x1001, /* layer: no file stands behind it any more; idempotent */
        STORE_NOTE = 0x1002, /* name, sequence; in the history alone: what happened to the store itself */
};

enum {
        STORE_MASK_SD = 1,
        STORE_MASK_TIME = 2,
};

#define STORE_VALUE_LAYERS_MAX 128u /* entries of one value */

struct store_op {
        uint16_t code;
        bool is_volatile;    /* CREATE_KEY */
        bool is_link;        /* CREATE_KEY */
        bool set;            /* SET_BLANKET, SET_FILE */
        bool is_policy;      /* the history keeps it longer; see store_prune() */
        uint32_t mask;       /* WRITE_KEY */
        uint32_t type;       /* SET_VALUE */
        uint32_t precedence; /* SET_FILE */
        struct seal seal;    /* SET_FILE */
        struct guid guid;
        struct guid target;
        const char *name;  /* valid UTF-8, NUL-terminated */
        const char *layer; /* NUL-terminated */
        const void *data;
        size_t size;
        uint64_t sequence; /* what withdraws may have one, for the history; else it is the last one */
        uint64_t expected; /* SET_VALUE: the sequence that this layer's entry must have; 0 = no check */
        uint64_t time;     /* CREATE_KEY, WRITE_KEY, SET_VALUE, DELETE_VALUE: last-write time, ns since the
                              epoch; 0 = leave (in WRITE_KEY the mask says) */
};

struct store_key {
        struct guid guid;
        struct guid parent; /* zero: a hive's root */
        const char *name;
        const void *sd; /* NULL if sd_size is 0 */
        size_t sd_size;
        uint64_t last_write; /* ns since the epoch */
        bool is_volatile;
        bool is_link;
};

/* One layer's entry for a child name; `next` is another layer's for the same (folded) name. Chains are
 * newest (highest sequence) first. A layer's name is spelled as when it was first used. */
struct store_path_entry {
        const char *name;
        const char *layer;
        const struct store_path_entry *next;
        uint64_t sequence;
        struct guid target; /* zero if hidden */
        bool hidden;
        bool dangling; /* the key that it names is not there (yet) */
        bool is_link;  /* that key is one */
};

struct store_value_entry {
        const char *name;
        const char *layer;
        const struct store_value_entry *next;
        uint64_t sequence;
        size_t size;
        const void *data; /* NULL where data were not asked for */
        uint32_t type;    /* REG_TOMBSTONE: a tombstone */
};

struct store_blanket {
        const char *layer;
        const struct store_blanket *next;
        uint64_t sequence;
};

struct store_file {
        const char *layer;
        const char *file;
        uint32_t precedence;
        bool enabled;
        struct seal seal;
};

struct store;

enum store_mode {
        STORE_WRITE,     /* made where it is missing */
        STORE_READ_ONLY, /* beside a provider that runs: an ordinary reader, which makes nothing */
        STORE_AT_BOOT, /* no provider runs, and the caller saw to that: nothing is written, made or locked */
};

/* `file`: the database, NULL for one in memory, which is gone with the store (STORE_WRITE). `value_max`:
 * bytes in a value, above it SET_VALUE is -EFBIG. 0; -ENOENT (nothing to read); -EUCLEAN (damaged, or no
 * store at all); -EPROTONOSUPPORT (of another version); -EBUSY (locked by somebody else; STORE_READ_ONLY:
 * not opened yet); or another negative errno; d says which file and what is wrong with it. */
_must_check_ int store_open(
        const char *file, enum store_mode mode, size_t value_max, struct store **ret, struct diag *d);
struct store *store_close(struct store *s);
DEFINE_CLEANUP(struct store *, store_close, store_closep);
#define _cleanup_store_ _cleanup_(store_closep)

/* Applies one operation, whole or not at all; fields that its code does not list are ignored. -ENOENT (no
 * such key), -EEXIST (GUID taken), -EINVAL (the request contradicts the model: a GUID or flag changed, a
 * persistent child of a volatile key, two entries of equal sequence, a tombstone with data, a bad name,
 * sequence 0), -EDOM (no value can be so: a type code above 11, a name of more than 255 bytes), -EDQUOT (one
 * layer more than STORE_VALUE_LAYERS_MAX has the value), -ENOTEMPTY,
 * -EFBIG, -EAGAIN (expected sequence differs), -ENOMEM; or what the database says, which fails the turn.
 *
 * - CREATE_ENTRY, HIDE_ENTRY, SET_VALUE and SET_BLANKET replace what the layer has under that name. (RSI
 *   wants ALREADY_EXISTS for a CREATE_ENTRY over an entry: its front end looks first.)
 * - CREATE_ENTRY may name a key that is not there yet, as the kernel creates the entry before the key. All
 *   entries that name a key are in one place: its parent. So there are no cycles.
 * - Entries of two layers for one name, and a blanket and the values of its key, must differ in sequence.
 *   SET_BLANKET walks the key's values for that.
 * - DROP_KEY takes the values, the blankets and the HIDDEN entries below with it. It is -EINVAL while a path
 *   entry names the key: DELETE_ENTRY comes first.
 * - "Idempotent" is about the entry: DELETE_ENTRY and DELETE_VALUE below a key that is not there
 *   are -ENOENT.
 * - What is in a volatile key, and the entries that name one, are in memory alone; the history knows of
 *   them without their data. */
_must_check_ int store_apply(struct store *s, const struct store_op *op);

/* Of a SET_VALUE: such a value cannot be, whatever else is there. */
static inline bool store_value_is_refused(int error)
{
        return error == -EDOM || error == -EDQUOT;
}

/* Who makes the changes that follow: for the history. */
struct store_author {
        const char *reason; /* "set", "hive-edited" …: a word of the registry's */
        const char *file;   /* a file did it, or NULL; its owner is actor.uid */
        struct seal seal;   /* of the file */
        struct actor actor;
};

/* Nobody did it: the time of a layer had come. */
#define STORE_REASON_ENDED "layer-ended"

/* ---- Changing. Changes are made in transactions; what one loop turn ends is committed together by
 * store_sync(), and durable only then. ---- */

/* Transactions nest: a rollback undoes back to its begin, and cannot fail; a commit leaves the changes to
 * the outer one, or to the turn. The outermost one's author counts, and must live as long as it; NULL: the
 * registry itself. */
_must_check_ int store_begin(struct store *s, const struct store_author *author);
/* Whose doing what follows in the open transaction is; NULL: that of whoever began it. */
void store_set_author(struct store *s, const struct store_author *author);
/* -EIO and the like where something in the turn has failed: then it is as after a rollback. */
_must_check_ int store_commit(struct store *s);
void store_rollback(struct store *s);
/* Commits the turn: what it holds survives a power cut. On error all of it is undone, the sequence numbers
 * included, and refused writes do not come back: until that is sure, writes are refused (-EIO). */
_must_check_ int store_sync(struct store *s, struct diag *d);
/* How long those took that had something to do, since the opening. */
#define STORE_SYNC_BOUNDS 10u
extern const uint64_t store_sync_bounds[STORE_SYNC_BOUNDS]; /* µs */
struct store_syncs {
        uint64_t n, usec;                   /* how many, and how long all took */
        uint64_t within[STORE_SYNC_BOUNDS]; /* of them, took no longer than that */
};
const struct store_syncs *store_syncs(const struct store *s);
/* Whether ended transactions wait for store_sync(). */
bool store_is_pending(const struct store *s);
/* Pages in the write-ahead log after the last commit. */
unsigned store_log_pages(const struct store *s);
/* How often a commit has begun it anew: what was in it before is all in the file. */
unsigned store_log_begun(const struct store *s);
/* Brings into the file what the log holds, as far as nobody reads older contents, so that the next turn may
 * begin it anew. That is upkeep's; see upkeep_changed(). No turn may be open. */
void store_checkpoint(struct store *s);
/* Bounds of the history. What is policy (`is_policy` of the operation; whatever names files, deletes a
 * layer, or is a note) stays under a bound of its own, whatever else is written; its number is not bounded.
 * A row counts as its data, before and after, and 100 bytes. */
struct store_prune_limits {
        uint64_t age;          /* µs; of all rows */
        uint64_t rows, bytes;  /* of what is not policy */
        uint64_t policy_bytes; /* of what is */
};
#define STORE_PRUNE_LIMITS_DEFAULT                                                                          \
        ((struct store_prune_limits){ .age = 400 * UINT64_C(86400000000),                                   \
                .rows = 100000,                                                                             \
                .bytes = 256 << 20,                                                                         \
                .policy_bytes = 64 << 20 })

/* Removes the oldest rows above the bounds, and authors who have none left, but never the newest row; a part
 * of it at a time, which takes some milliseconds: *ret_more says that it is to be called again. What it
 * removed is a turn that waits for store_sync(), if store_is_pending(). After an opening it counts first, a
 * part at a time, too. No turn may be open. 0 or a negative errno. */
_must_check_ int store_prune(struct store *s, const struct store_prune_limits *limits, bool *ret_more);
/* A turn of its own for what is only looked at: nothing of it reaches the disk, and store_abandon() undoes
 * it, sequence numbers included. No turn may be open. */
_must_check_ int store_begin_preview(struct store *s);
void store_abandon(struct store *s);

/* The one counter of the registry: store_take_sequence() hands out 1, 2, 3 …; a rollback takes back what was
 * handed out since its begin. Operations that change something raise it to their own sequence. */
uint64_t store_take_sequence(struct store *s);
uint64_t store_last_sequence(const struct store *s);

/* ---- Reading. Each sees what has been applied. ---- */

/* What look-ups return is the store's, and good until the scope ends in which it was looked up. Scopes nest;
 * each look-up needs one. Changes do not end it. */
struct store_scope {
        struct store *store;
        size_t mark;
};
struct store_scope store_scope_begin(const struct store *s);
void store_scope_end(struct store_scope *scope);
#define _cleanup_store_scope_ _cleanup_(store_scope_end) _unused_

/* A look-up that fails finds nothing and leaves its error here, until the outermost scope ends; within a
 * transaction, which then cannot be committed, until it is rolled back, too. Nothing is found, applied or
 * begun meanwhile. 0 or negative errno; d may be NULL. Whoever concludes something from what was not
 * found asks first. */
_must_check_ int store_error(const struct store *s, struct diag *d);
/* What failed last, for people; "" where nothing has. */
const char *store_failure(const struct store *s);
/* An error of the storage itself, not of what was asked. */
static inline bool store_is_failure(int error)
{
        return error == -EIO || error == -ENOSPC || error == -EUCLEAN || error == -EBUSY;
}
/* Damage that was met, or that the caller knows of: from then on nothing is changed, store_begin() is
 * -EUCLEAN; what can be read is read. "": none. */
const char *store_damage(const struct store *s);
void store_set_damage(struct store *s, const char *why);

/* How many bytes of what was looked up are kept, about; 4 MiB unless this is called. */
void store_limit_cache(struct store *s, size_t bytes);
/* None of it: the file was changed otherwise. */
void store_forget_all(struct store *s);

/* NULL: nothing there. */
const struct store_key *store_key(const struct store *s, const struct guid *guid);
/* Quick where nothing is. */
bool store_is_volatile(const struct store *s, const struct guid *key);
/* Whether a path entry of any layer names the key. One that has a parent and is not named is an orphan. */
bool store_key_is_referenced(const struct store *s, const struct guid *guid);
const struct store_path_entry *store_lookup(
        const struct store *s, const struct guid *parent, const char *name, size_t len);
const struct store_value_entry *store_value(
        const struct store *s, const struct guid *key, const char *name, size_t len);
const struct store_blanket *store_blankets(const struct store *s, const struct guid *key);

/* Enumeration: each distinct child (or value) name once, as the chain of its layers' entries, by folded
 * name. Returns an array of *ret_n. */
const struct store_path_entry *const *store_children(
        const struct store *s, const struct guid *parent, size_t *ret_n);
/* Those that come after the name ("": from the first one on), `max` at most. */
const struct store_path_entry *const *store_children_after(const struct store *s, const struct guid *parent,
        const char *name, size_t len, size_t max, size_t *ret_n);
/* Of a value that has more than `data_max` bytes, and with 0 of all, `data` is NULL. */
const struct store_value_entry *const *store_values(
        const struct store *s, const struct guid *key, size_t data_max, size_t *ret_n);
/* The keys that are roots, by name; and the one of that name. */
const struct store_key *const *store_roots(const struct store *s, size_t *ret_n);
const struct store_key *store_root(const struct store *s, const char *name, size_t len);
const struct store_file *store_files(const struct store *s, size_t *ret_n);

/* All that a layer has, in no order; not of the base layer, which has no index. */
enum store_kind {
        STORE_ENTRY,
        STORE_VALUE,
        STORE_BLANKET,
};
struct store_held {
        enum store_kind kind;
        struct guid guid;   /* the parent of a path entry, else the key */
        struct guid target; /* of a path entry; zero if hidden */
        const char *name;   /* "" for a blanket */
};
const struct store_held *store_layer(const struct store *s, const char *layer, size_t *ret_n);
/* Whether it has anything; not of the base layer. */
bool store_layer_is_used(const struct store *s, const char *layer);
