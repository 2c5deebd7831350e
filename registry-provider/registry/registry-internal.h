/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "effects.h"

struct registry {
        const struct schema *schema;
        size_t value_max;
        struct store *store;
        struct layers layers; /* what the resolver uses: base, drop-ins, Machine\System\Registry\Layers */
        uint64_t layers_version;
        struct hives hives; /* only ever added */

        uint64_t withdrawn_at; /* the number that what the open transaction withdrew has; 0: none yet */
        uint64_t time; /* when the open transaction began, ns since the epoch: the keys' last write */
        bool in_transaction;
        bool ends_with_failure, has_failed; /* a change has no savepoint; one has failed */
        bool layers_touched; /* the open transaction changed layer metadata or a drop-in's layer */
        /* At the last sync, for undoing without allocation; empty while nothing has changed since. */
        struct layers layers_synced;
        size_t hives_synced, hives_begun;
        struct effects effects;
        struct registry_counts counts; /* of the open transaction */
};

/* What a registry's own operations go through: numbers what withdraws, and takes room. */
_must_check_ int registry_op(struct registry *r, const struct store_op *op);
/* A change that fails leaves nothing of itself in the open transaction, unless that ends with it. */
struct registry_savepoint {
        struct store_scope scope;
        size_t hives;
};
_must_check_ int registry_savepoint_set(struct registry *r, struct registry_savepoint *ret);
/* Undoes what came since if there is an `error`; returns it, as a registry's. What the store could not read
 * or write comes before it: what it was concluded from need not be so. */
_must_check_ int registry_savepoint_close(
        struct registry *r, struct registry_savepoint *sp, int error, struct diag *d);

struct registry_contents;
/* registry-write.c */
/* The key that the path's first `n` components name, whoever sees it. 0 or -ENOENT, without a word. */
_must_check_ int registry_find_named(
        const struct registry *r, const struct path *path, size_t n, const char *layer, struct guid *ret);
const struct hive_root *registry_hive(const struct registry *r, const char *name, size_t len);
_must_check_ int registry_add_hive(struct registry *r, const char *name, size_t len);
/* Makes the keys of the path's first `n` components visible in the layer; *ret is the last one's GUID. With
 * `held` (a drop-in's layer) the path entries on the way are confirmed there. */
_must_check_ int registry_make_keys(struct registry *r, const struct path *path, size_t n, const char *layer,
        bool is_volatile, struct registry_contents *held, struct guid *ret, bool *ret_made, struct diag *d);

_must_check_ int registry_put(struct registry *r, const struct guid *key, const struct path *path,
        const char *name, const char *layer, const struct value *v, uint64_t *ret_sequence, struct diag *d);
/* 0 or REGISTRY_CONFLICT. */
_must_check_ int registry_check_expected(const struct registry_write *w,
        const struct store_value_entry *mine, const char *layer, struct diag *d);

_must_check_ int registry_withdraw_value(
        struct registry *r, const struct guid *key, const char *name, const char *layer);
_must_check_ int registry_withdraw_entry(
        struct registry *r, const struct guid *parent, const char *name, const char *layer);
/* All that the layer has in the key of that name, and below. */
_must_check_ int registry_withdraw_tree(
        struct registry *r, const struct guid *parent, const char *name, const char *layer);
/* Drops the key, with all that anybody has in it and below, when no layer names it any more. */
_must_check_ int registry_drop_unnamed(struct registry *r, const struct guid *key);
/* registry-mask.c: sets or removes the layer's blanket tombstone. */
_must_check_ int registry_set_blanket(
        struct registry *r, const struct guid *key, const char *layer, bool set);

/* registry-dropins.c: true if the layer had it, which is now confirmed. */
bool registry_contents_keep(struct registry_contents *h, enum store_kind kind, const char *layer,
        const struct guid *key, const char *name);
/* What the layers had that are not in the table any more. A drop-in's go with its file. */
_must_check_ int registry_empty_layers(struct registry *r, const struct layers *now);
