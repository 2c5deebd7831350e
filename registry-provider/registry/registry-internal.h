/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/base/hashmap.h"
#include "../store/history.h"
#include "registry.h"

/* Where a key is, for registry_is_policy(). */
enum policy_place {
        POLICY_ELSEWHERE,
        POLICY_ABOVE,  /* something below it, or a value in it, is policy */
        POLICY_WITHIN, /* all that is in it */
};

/* A key with touched names, or one above such a key. */
struct touched_key {
        struct touched_key *next;
        struct touched_key *parent; /* NULL: a hive's root */
        struct guid guid;
        bool was_visible; /* before the open transaction */
        bool is_visible;  /* after it; set at its end */
        enum policy_place place;
        size_t path_len;
        char name[];
};

/* What a name meant before the open transaction touched it. */
struct touch {
        struct touch *next;
        struct touched_key *key; /* of the value, or the parent of the child */
        char *name;              /* as the store spells it, if it is there */
        bool is_child;
        bool is_write;
        bool is_effective; /* it means something else now; set at the end */
        bool existed;
        struct guid child; /* is_child: what it was */
        uint32_t type;
        char *data;
        size_t size;
        char *layer;
};

struct touches {
        struct hashmap keys, names;
        struct touch *first, *last;               /* in the order of the changes */
        struct touched_key *first_key, *last_key; /* a key is behind the one above it */
        struct touched_key *recent;               /* most changes follow one in the same key */
};

struct registry {
        const struct schema *schema;
        size_t value_max;
        struct store *store;
        struct layers layers; /* what the resolver uses: base, drop-ins, Machine\System\Registry\Layers */
        uint64_t layers_version;
        struct hives hives; /* only ever added */

        int64_t history_begun; /* the newest row before the open transaction */
        uint64_t withdrawn_at; /* the number that what the open transaction withdrew has; 0: none yet */
        uint64_t time; /* when the open transaction began, ns since the epoch: the keys' last write */
        bool in_transaction;
        bool is_preview;
        bool ends_with_failure, has_failed; /* a change has no savepoint; one has failed */
        size_t room;                        /* bytes that the open transaction may still take, about */
        bool layers_touched; /* the open transaction changed layer metadata or a drop-in's layer */
        /* At the last sync, for undoing without allocation; empty while nothing has changed since. */
        struct layers layers_synced;
        size_t hives_synced, hives_begun;
        struct touches touches;
};

/* registry.c: what went wrong, for people; that of the store says which file. */
const char *registry_reason(const struct registry *r, int e);

/* registry-layers.c */
/* Whether it appeared, went, moved or was switched. */
bool registry_layer_changed(const struct layers *a, const struct layers *b, const char *name);
/* *layer becomes the known layer's own spelling; NULL is the base layer. -ENOENT, -EINVAL or -EROFS with d
 * set. */
_must_check_ int registry_check_writable(const struct registry *r, const char **layer, struct diag *d);
/* -EINVAL for metadata of a layer that cannot have any. */
_must_check_ int registry_check_metadata(const struct path *path, struct diag *d);

/* registry-touch.c: notes what a name means before the first change to it. 0 or -ENOMEM; *ret (may be NULL)
 * is NULL in a key that cannot be reached from any hive. */
_must_check_ int touch_value(
        struct registry *r, const struct guid *key, const char *name, struct touch **ret);
_must_check_ int touch_child(struct registry *r, const struct guid *parent, const char *name);
/* All that are in the key. */
_must_check_ int touch_values(struct registry *r, const struct guid *key);
/* *ret is NULL where the key cannot be reached from any hive. */
_must_check_ int touch_key(struct registry *r, const struct guid *guid, struct touched_key **ret);
/* NULL: it was not touched. */
struct touch *touch_of_row(const struct registry *r, const struct history_row *row);
/* All names of the layers that differ between the table before and `now`. */
_must_check_ int touch_changed_layers(struct registry *r, const struct layers *now);
/* Whether the key can be reached from its hive. */
bool key_is_visible(const struct registry *r, const struct layers *l, const struct guid *key);
/* Sets `is_visible` of all touched keys. */
void touches_see(struct registry *r, const struct layers *now);
/* The path of the key, or of the child of that name; NULL: out of memory. */
char *touched_path(const struct touched_key *key, const char *child);
void touches_clear(struct registry *r);

/* registry-policy.c: where the child of that name is; NULL: a hive of it. 0 or -ENOMEM. */
_must_check_ int registry_place_child(const struct registry *r, const struct touched_key *parent,
        const char *name, enum policy_place *ret);
/* Whether the history keeps the operation's rows longer: it changes a value that a control is bound to, or
 * something below \System\Audit or \System\Registry, or it is about a key on the way to such. */
_must_check_ int registry_is_policy(struct registry *r, const struct store_op *op, bool *ret);

/* registry-events.c */
_must_check_ int touches_to_events(
        struct registry *r, const struct layers *now, struct registry_events *ret);

/* registry-transaction.c: before something of that many bytes is kept. 0 or -EFBIG. */
_must_check_ int registry_take_room(struct registry *r, size_t bytes);
_must_check_ int registry_op(struct registry *r, const struct store_op *op);
/* A change that fails leaves nothing of itself in the open transaction, unless that ends with it. */
struct savepoint {
        struct store_scope scope;
        size_t hives;
};
_must_check_ int savepoint_set(struct registry *r, struct savepoint *ret);
/* Undoes what came since if `error` is negative; returns it. What the store could not read or write comes
 * before it: what it was concluded from need not be so. */
_must_check_ int savepoint_close(struct registry *r, struct savepoint *sp, int error, struct diag *d);

/* registry-keys.c */
struct holding;
/* The entry of a chain that names a key: the layer's own before all others, so that layers that name the
 * same key share it. NULL: only hidden ones. */
const struct store_path_entry *registry_named(const struct store_path_entry *chain, const char *layer);
/* The key that the path's first `n` components name, whoever sees it. 0 or -ENOENT, without a word. */
_must_check_ int registry_find_named(
        const struct registry *r, const struct path *path, size_t n, const char *layer, struct guid *ret);
const struct hive_root *registry_hive(const struct registry *r, const char *name, size_t len);
_must_check_ int registry_add_hive(struct registry *r, const char *name, size_t len);
/* Makes the keys of the path's first `n` components visible in the layer; *ret is the last one's GUID. With
 * `held` (a drop-in's layer) the path entries on the way are confirmed there. */
_must_check_ int registry_make_keys(struct registry *r, const struct path *path, size_t n, const char *layer,
        bool is_volatile, struct holding *held, struct guid *ret, bool *ret_made, struct diag *d);

/* registry-write.c */
const struct store_path_entry *entry_in_layer(const struct store_path_entry *chain, const char *layer);
const struct store_value_entry *value_in_layer(const struct store_value_entry *chain, const char *layer);
_must_check_ int registry_put(struct registry *r, const struct guid *key, const struct path *path,
        const char *name, const char *layer, const struct value *v, uint64_t *ret_sequence, struct diag *d);
/* 0, or -EAGAIN with d set. */
_must_check_ int registry_check_expected(const struct registry_write *w,
        const struct store_value_entry *mine, const char *layer, struct diag *d);

/* registry-delete.c */
_must_check_ int registry_withdraw_value(
        struct registry *r, const struct guid *key, const char *name, const char *layer);
_must_check_ int registry_withdraw_entry(
        struct registry *r, const struct guid *parent, const char *name, const char *layer);
/* Drops the key, with all that anybody has in it and below, when no layer names it any more. */
_must_check_ int registry_drop_unnamed(struct registry *r, const struct guid *key);
