/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A registry's transaction as the changes in it see it (registry-write.c, registry-dropins.c,
 * registry-undo.c): what is to be changed, what that does effectively, and the steps that all changes are
 * made of. registry.c begins and ends it. */

#include "effects.h"

/* Where the last set led. What is done to values leads nowhere else. */
struct transaction_way {
        struct buf path;
        bool of_link;      /* the key itself may be a link */
        const char *layer; /* the table's; NULL: there was none, or more than values has changed since */
        struct guid key;
};

struct transaction {
        const struct registry *registry; /* to read from; what has changed shows at once */
        struct store *store;
        const struct layers *layers; /* what counts: as they were when it began */
        struct hives *hives;

        uint64_t withdrawn_at; /* the number that what it withdrew has; 0: none yet */
        uint64_t time;         /* when it began, ns since the epoch: the keys' last write */
        bool is_open;
        bool ends_with_failure, has_failed; /* a change has no savepoint; one has failed */
        bool layers_touched;                /* layer metadata or a drop-in's layer was changed */
        char *layer_made;                   /* by registry_make_layer(); or NULL */
        struct effects effects;
        struct transaction_way way;
        struct registry_counts counts;
};

/* The registry's, open or not. */
struct transaction *registry_transaction(struct registry *r);

/* Every operation goes through this: it takes room, and what withdraws gets a number. */
_must_check_ int transaction_op(struct transaction *tx, const struct store_op *op);

/* A change that fails leaves nothing of itself in the transaction, unless that ends with it. */
struct savepoint {
        struct store_scope scope;
        size_t hives;
};
_must_check_ int savepoint_set(struct transaction *tx, struct savepoint *ret);
/* Undoes what came since if there is an `error`; returns it, as a registry's. What the store could not read
 * or write comes before it: what it was concluded from need not be so. */
_must_check_ int savepoint_close(struct transaction *tx, struct savepoint *sp, int error, struct diag *d);

/* The key that the path's first `n` components name, whoever sees it. 0 or -ENOENT, without a word. */
_must_check_ int transaction_find_named(const struct transaction *tx, const struct path *path, size_t n,
        const char *layer, struct guid *ret);
_must_check_ int transaction_add_hive(struct transaction *tx, const char *name, size_t len);

struct registry_contents;
/* The path's first `n` components. */
struct wanted_keys {
        const struct path *path;
        size_t n;
        const char *layer;
        bool is_volatile;
        bool of_link;                   /* the last one may be a link, which is refused elsewhere */
        bool makes_link;                /* it must be one, and is made one */
        struct registry_contents *held; /* a drop-in's layer: the path entries on the way are confirmed */
};
/* Makes them visible in the layer; *ret is the last one's GUID. */
_must_check_ int transaction_make_keys(struct transaction *tx, const struct wanted_keys *want,
        struct guid *ret, bool *ret_made, struct diag *d);

/* registry-links.c: whether the last set was made by this path, as this write goes it. No link has come on
 * it since. */
bool transaction_knows_way(const struct transaction *tx, const struct registry_write *w);
/* As registry_follow(), of what is changed: layers' metadata are not reached through a
 * link, nor (`is_removed`) keys above those. */
_must_check_ int transaction_follow(const struct transaction *tx, const struct registry_write *w,
        bool is_removed, struct registry_way *ret, struct diag *d);
/* Whether a link may be there. */
_must_check_ int transaction_check_link(const struct path *path, struct diag *d);
/* Whether the key is no link, or one that may have such a value. */
_must_check_ int transaction_check_link_value(const struct transaction *tx, const struct guid *key,
        const struct path *path, const char *name, uint32_t type, struct diag *d);

/* What the layer holds already is left as it is, unless it is overtaken; the other one writes it again. */
_must_check_ int transaction_put(struct transaction *tx, const struct guid *key, const struct path *path,
        const char *name, const char *layer, const struct value *v, uint64_t *ret_sequence, struct diag *d);
_must_check_ int transaction_put_again(struct transaction *tx, const struct guid *key,
        const struct path *path, const char *name, const char *layer, const struct value *v,
        uint64_t *ret_sequence, struct diag *d);
/* The layer's entry is written and stays as it is. */
_must_check_ int transaction_keep(struct transaction *tx, const struct guid *key, const char *name);
/* The layer hides the child. */
_must_check_ int transaction_hide(
        struct transaction *tx, const struct guid *parent, const char *name, const char *layer);
/* Sets or removes the layer's blanket tombstone. */
_must_check_ int transaction_set_blanket(
        struct transaction *tx, const struct guid *key, const char *layer, bool set);

_must_check_ int transaction_withdraw_value(
        struct transaction *tx, const struct guid *key, const char *name, const char *layer);
_must_check_ int transaction_withdraw_entry(
        struct transaction *tx, const struct guid *parent, const char *name, const char *layer);
/* All that the layer has in the key of that name, and below. */
_must_check_ int transaction_withdraw_tree(
        struct transaction *tx, const struct guid *parent, const char *name, const char *layer);
/* Drops the key, with all that anybody has in it and below, when no layer names it any more. */
_must_check_ int transaction_drop_unnamed(struct transaction *tx, const struct guid *key);

/* registry-dropins.c: true if the layer had it, which is now confirmed. */
bool registry_contents_keep(struct registry_contents *h, enum store_kind kind, const char *layer,
        const struct guid *key, const char *name);
/* What the layers had that are not in the table any more. A drop-in's go with its file. */
_must_check_ int transaction_empty_layers(struct transaction *tx, const struct layers *now);

/* As layers_check_writable(), and the layer that the transaction makes. */
_must_check_ int transaction_check_writable(
        const struct transaction *tx, const char **layer, struct diag *d);
