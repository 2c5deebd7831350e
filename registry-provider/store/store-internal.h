/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside the store. Objects (entries, blankets, keys) are allocated whole and then only attached and
 * detached, which cannot fail; that is what makes an operation all or nothing and the rollback safe. */

#include "../../schema/base/hashmap.h"
#include "store.h"

/* A layer's name, shared by all its entries. */
struct layer_name {
        uint32_t hash;
        uint32_t users; /* objects that point here, detached ones included */
        size_t len;
        char name[];
};

/* What a GUID means. Outlives the key because path entries may name a key before it is there. */
struct identity {
        struct guid guid;
        uint32_t hash;
        uint32_t users;       /* objects that point here, detached ones included */
        uint32_t named;       /* attached path entries that name it … */
        struct key *named_in; /* … all of them below this key */
        struct key *key;      /* NULL: no such key */
};

/* A path entry or a value. The head of a chain (newest entry of a name) is the one that the table and the
 * key's list know. */
struct entry {
        union {
                struct store_path_entry path;
                struct store_value_entry value;
                struct {
                        const char *name;
                        const char *layer;
                        struct entry *next;
                        uint64_t sequence;
                };
        };
        struct key *key;
        struct entry *list_next, *list_prev; /* heads only */
        uint32_t hash;
        uint16_t name_len;
        bool is_value;
};

struct path_entry {
        struct entry e;
        struct identity *target; /* NULL: hidden */
        char name[];
};

struct value_entry {
        struct entry e;
        char bytes[]; /* data, then name */
};

_Static_assert(
        offsetof(struct store_path_entry, next) == offsetof(struct store_value_entry, next) &&
                offsetof(struct store_path_entry, sequence) == offsetof(struct store_value_entry, sequence),
        "both kinds of entry begin alike");

struct blanket {
        union {
                struct store_blanket view;
                struct {
                        const char *layer;
                        struct blanket *next;
                        uint64_t sequence;
                };
        };
        struct key *key;
};

struct key {
        struct store_key view;
        struct identity *id;
        struct entry *children, *values; /* lists of heads */
        struct blanket *blankets;        /* newest first */
        uint32_t named_children;         /* path entries below that name a key */
        char name[];
};

enum object_kind {
        OBJECT_ENTRY,
        OBJECT_BLANKET,
        OBJECT_KEY,
};

struct undo;

struct store {
        struct hashmap identities;
        struct hashmap layers;
        struct hashmap children, values; /* heads, by (key, folded name) */
        size_t value_max;
        uint64_t sequence;
        struct store_counts counts;

        struct undo *log;
        size_t n_log, log_size;
        size_t *marks; /* where in the log each open store_begin() was */
        size_t n_marks, marks_size;
};

/* Look-ups. */
struct identity *identity_find(const struct store *s, const struct guid *guid);
struct key *key_find(const struct store *s, const struct guid *guid);
struct layer_name *layer_find(const struct store *s, const char *name);
struct layer_name *layer_of(const char *name); /* the name that an object points to */
struct entry *chain_find(
        const struct store *s, const struct key *key, bool is_value, const char *name, size_t len);
struct entry *chain_of(const struct store *s, const struct entry *e);
struct hashmap *entry_map(struct store *s, bool is_value);

/* Objects: made complete, detached. -ENOMEM, or -EINVAL for a bad layer name. */
_must_check_ int entry_new(
        struct store *s, struct key *key, const struct store_op *op, bool is_value, struct entry **ret);
_must_check_ int blanket_new(
        struct store *s, struct key *key, const struct store_op *op, struct blanket **ret);
_must_check_ int key_new(struct store *s, const struct store_op *op, struct key **ret);
/* *ret is NULL for no bytes. */
_must_check_ int bytes_copy(const void *data, size_t size, void **ret);
void object_free(struct store *s, enum object_kind kind, void *object);

/* Into the tables and lists, and out of them. Room in the table must be there: by hashmap_reserve(), or
 * because the object was in it before. */
void object_link(struct store *s, enum object_kind kind, void *object);
void object_unlink(struct store *s, enum object_kind kind, void *object);

/* Changes that know their way back. undo_reserve() makes room for `n` of them, which then cannot fail.
 * object_detach() frees the object unless a rollback may need it. */
_must_check_ int undo_reserve(struct store *s, size_t n);
void object_attach(struct store *s, enum object_kind kind, void *object);
void object_detach(struct store *s, enum object_kind kind, void *object);
void key_set_time(struct store *s, struct key *key, uint64_t time);
void key_set_sd(struct store *s, struct key *key, void *sd, size_t size);
/* Forgets all marks and what only they kept. */
void undo_done(struct store *s);
