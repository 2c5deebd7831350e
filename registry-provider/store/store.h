/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The store: what a registry *source* holds, and nothing else. Keys by GUID; path entries by (parent, folded
 * name, layer); values by (key, folded name, layer); blanket tombstones by (key, layer). It never resolves
 * layers, judges bytes or touches the disk. Every change is a `struct store_op`, one for each mutating
 * request of the registry source interface (RSI), so that the journal and a later kernel front end speak the
 * store's own language.
 *
 * Cost: every look-up is a hash probe; enumeration walks the children of one key only. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../schema/base/macro.h"

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

/* A fresh random GUID (RFC 9562, version 4), from getrandom(2). 0 or negative errno. */
_must_check_ int guid_new(struct guid *ret);
/* 8-4-4-4-12 hex digits in byte order, 36 characters. */
void guid_format(const struct guid *g, char ret[static 37]);
_must_check_ int guid_parse(const char *s, size_t len, struct guid *ret);

/* Operation codes are those of RSI. */
enum store_op_code {
        STORE_CREATE_ENTRY = 0x02, /* guid = parent, name, layer, target = child, sequence */
        STORE_HIDE_ENTRY = 0x03,   /* guid = parent, name, layer, sequence */
        STORE_DELETE_ENTRY = 0x04, /* guid = parent, name, layer; idempotent */
        STORE_CREATE_KEY =
                0x10, /* guid, name, target = parent (zero for a hive's root), data/size = SD, flags */
        STORE_WRITE_KEY = 0x12,    /* guid, mask, data/size = SD, time */
        STORE_DROP_KEY = 0x13,     /* guid; idempotent; -ENOTEMPTY while path entries below name children */
        STORE_SET_VALUE = 0x21,    /* guid, name, layer, type, data/size, sequence, expected */
        STORE_DELETE_VALUE = 0x22, /* guid, name, layer; idempotent */
        STORE_SET_BLANKET = 0x23,  /* guid, layer, set, sequence */
        STORE_DELETE_LAYER = 0x50, /* layer: all its entries and blankets */
};

enum {
        STORE_MASK_SD = 1,
        STORE_MASK_TIME = 2,
};

#define STORE_VALUE_LAYERS_MAX 128u /* entries of one value */

struct store_op {
        uint16_t code;
        bool is_volatile; /* CREATE_KEY */
        bool is_link;     /* CREATE_KEY */
        bool set;         /* SET_BLANKET */
        uint32_t mask;    /* WRITE_KEY */
        uint32_t type;    /* SET_VALUE */
        struct guid guid;
        struct guid target;
        const char *name;  /* valid UTF-8, NUL-terminated */
        const char *layer; /* NUL-terminated */
        const void *data;
        size_t size;
        uint64_t sequence;
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
};

struct store_value_entry {
        const char *name;
        const char *layer;
        const struct store_value_entry *next;
        uint64_t sequence;
        size_t size;
        const void *data;
        uint32_t type; /* REG_TOMBSTONE: a tombstone */
};

struct store_blanket {
        const char *layer;
        const struct store_blanket *next;
        uint64_t sequence;
};

struct store;

/* `value_max`: bytes in a value, above it SET_VALUE is -EFBIG. 0 or -ENOMEM. */
_must_check_ int store_new(size_t value_max, struct store **ret);
struct store *store_free(struct store *s);
DEFINE_CLEANUP(struct store *, store_free, store_freep);

/* Applies one operation, whole or not at all; fields that its code does not list are ignored. -ENOENT (no
 * such key), -EEXIST (GUID taken), -EINVAL (the request contradicts the model: a GUID or flag changed, a
 * persistent child of a volatile key, two entries of equal sequence, a tombstone with data, a bad name,
 * sequence 0), -EDOM (no value can be so: a type code above 11, a name of more than 255 bytes), -EDQUOT (one
 * layer more than STORE_VALUE_LAYERS_MAX has the value), -ENOTEMPTY,
 * -EFBIG, -EAGAIN (expected sequence differs), -ENOMEM.
 *
 * - CREATE_ENTRY, HIDE_ENTRY, SET_VALUE and SET_BLANKET replace what the layer has under that name. (RSI
 *   wants ALREADY_EXISTS for a CREATE_ENTRY over an entry: its front end looks first.)
 * - CREATE_ENTRY may name a key that is not there yet, as the kernel creates the entry before the key. All
 *   entries that name a key are in one place: its parent. So there are no cycles.
 * - Entries of two layers for one name, and a blanket and the values of its key, must differ in sequence.
 *   SET_BLANKET walks the key's values for that, DELETE_LAYER the whole store.
 * - DROP_KEY takes the values, the blankets and the HIDDEN entries below with it. It is -EINVAL while a path
 *   entry names the key: DELETE_ENTRY comes first.
 * - "Idempotent" is about the entry: DELETE_ENTRY and DELETE_VALUE below a key that is not there
 *   are -ENOENT.
 *
 * Replaying a record again is harmless: it is applied once more, or answered with -EEXIST, -ENOENT, -EINVAL
 * or -EAGAIN, which the caller may ignore. */
_must_check_ int store_apply(struct store *s, const struct store_op *op);

/* Of a SET_VALUE: such a value cannot be, whatever else is there. */
static inline bool store_value_is_refused(int error)
{
        return error == -EDOM || error == -EDQUOT;
}

/* Between begin and commit every applied operation can be undone; rollback undoes back to the mark, newest
 * first, and cannot fail. Marks nest: commit of an inner mark leaves its operations to the outer one. */
_must_check_ int store_begin(struct store *s);
void store_commit(struct store *s);
void store_rollback(struct store *s);

/* The one counter of the registry: store_take_sequence() hands out 1, 2, 3 …; never given back, not even on
 * rollback. Applied operations raise it above their own sequence. */
uint64_t store_take_sequence(struct store *s);
uint64_t store_last_sequence(const struct store *s);
void store_raise_sequence(struct store *s, uint64_t at_least);
/* Takes back what was handed out since, for a preview alone: nobody has seen those sequences. */
void store_return_sequence(struct store *s, uint64_t last);

/* Look-ups return borrowed pointers, good until the next store_apply() or store_rollback(). NULL: nothing
 * there. */
const struct store_key *store_key(const struct store *s, const struct guid *guid);
/* Whether a path entry of any layer names the key. One that has a parent and is not named is an orphan. */
bool store_key_is_referenced(const struct store *s, const struct guid *guid);
/* The key that an entry of the store names; NULL if it is hidden or the key is not there (yet). */
const struct store_key *store_target(const struct store_path_entry *entry);
const struct store_path_entry *store_lookup(
        const struct store *s, const struct guid *parent, const char *name, size_t len);
const struct store_value_entry *store_value(
        const struct store *s, const struct guid *key, const char *name, size_t len);
const struct store_blanket *store_blankets(const struct store *s, const struct guid *key);

/* Enumeration: each distinct child (or value) name once, as the chain of its layers' entries, in no order.
 * Start with *cursor = NULL. */
const struct store_path_entry *store_next_child(
        const struct store *s, const struct guid *parent, const void **cursor);
const struct store_value_entry *store_next_value(
        const struct store *s, const struct guid *key, const void **cursor);
/* All keys, roots included, in no order. Start with *cursor = 0. */
const struct store_key *store_next_key(const struct store *s, uint32_t *cursor);

struct store_counts {
        size_t keys, path_entries, values, blankets;
};
struct store_counts store_counts(const struct store *s);
