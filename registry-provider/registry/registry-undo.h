/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An undo, or a restore: what the rows of the history say, or what a copy has (registry-undo-rows.c), is
 * brought back (registry-undo.c). */

#include "../store/history.h"
#include "registry-compare.h"
#include "transaction.h"

/* One layer's entry that is to be brought back. */
struct undo_target {
        enum store_kind kind;
        struct guid key;       /* of a value or blanket; the parent of a path entry */
        unsigned depth;        /* of the key */
        int64_t first;         /* the oldest row, which knows what was before; 0: of a mask that stays */
        uint64_t was_sequence; /* 0: nothing was */
        uint64_t put_sequence; /* what the newest row put; 0: it withdrew */
        struct guid gave_way;  /* the key that a path entry named until it came back */
        bool is_done;          /* what was in a key that is gone is in its place now */
        const struct registry_difference *from; /* of a restore */
        const char *layer;                      /* behind the name */
        char name[];
};

/* What a key was that is not there any more. */
struct undo_gone {
        struct guid guid;
        int64_t row;      /* of its end, the oldest; 0 in a restore */
        bool is_replaced; /* `instead` is there in its place */
        struct guid instead;
        char name[];
};

struct undo {
        struct transaction *tx;
        const struct registry_undo *what;
        const struct store *then; /* of a restore: the copy */
        struct registry_differences *differences;
        struct registry_undone *undone;
        struct diag *d;
        struct hashmap index, keys; /* targets; keys that are gone */
        struct undo_target **list;
        size_t n;
        char *file;          /* a row that a file wrote */
        uint64_t begun;      /* what has a higher number was put by this */
        struct guid path_of; /* of the path */
        struct path path;
};

struct undo_probe {
        enum store_kind kind;
        const struct guid *key;
        const char *name, *layer;
};

/* What the entry was. `then`'s and the registry's scopes are the caller's. False: that is not known. */
bool undo_was(const struct undo *u, const struct undo_target *t, struct history_was *ret);
/* What a key that is gone was; the target is its parent. */
bool undo_key_was(const struct undo *u, const struct undo_gone *g, struct history_was *ret);

/* Fills `index`, `keys`, `list` and `file`, and counts what is left out. 0 or negative errno. */
_must_check_ int undo_read_rows(struct undo *u);
/* The same of `differences`. */
_must_check_ int undo_read_differences(struct undo *u);
/* One that no row is of; zero but for what it is. */
_must_check_ int undo_add_target(struct undo *u, const struct undo_probe *p, struct undo_target **ret);
struct undo_target *undo_find_target(const struct undo *u, const struct undo_probe *p);
struct undo_gone *undo_find_gone(const struct undo *u, const struct guid *key);
void undo_done(struct undo *u);
#define _cleanup_undo_ _cleanup_(undo_done)
