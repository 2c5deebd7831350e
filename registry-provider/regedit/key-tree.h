/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The keys that were read so far, as a tree, and the rows that are shown of it: each key whose parents are
 * all open is one. Finding a row by its place is one step; the places are counted anew, once, when they are
 * wanted after a change. No bus and no terminal. */

#include <stdbool.h>
#include <stdint.h>

#include "../../schema/base/buf.h"

/* Who says that a key is there. A key that nobody says it of is gone. */
enum key_witness {
        KEY_IS_SET = 1 << 0,   /* the registry has it */
        KEY_IS_KNOWN = 1 << 1, /* the schema knows values in it or below */
};

struct key_node {
        struct key_node *parent;    /* NULL: the root, which is no row; its children are the hives */
        struct key_node **children; /* in the order of their names */
        size_t n_children;
        size_t row;
        size_t depth;         /* of a hive 0 */
        uint64_t marked;      /* when something else than this program changed it, in µs; 0: never */
        unsigned witnesses;   /* of enum key_witness */
        bool is_open;         /* its children are shown, or will be when they are read */
        unsigned asked, read; /* the tree's era when its children were last asked for, and had come */
        char name[];
};

struct key_tree {
        struct key_node *root;
        struct key_node *selected; /* the root: there are no rows */
        struct key_node **rows;
        size_t n_rows;
        bool is_stale; /* rows are to be counted */
        unsigned era;  /* from 1; what was read in an earlier one may have changed since */
};

/* 0 or -ENOMEM. */
_must_check_ int key_tree_init(struct key_tree *t);
void key_tree_done(struct key_tree *t);

/* `names`, in any order (they are sorted), are all the children of which this witness speaks: others of its
 * are gone, and those that were there stay what they are, with all below them. What is selected and goes
 * hands the selection to its neighbour. 0 or -ENOMEM. */
_must_check_ int key_tree_take(
        struct key_tree *t, struct key_node *parent, const char **names, size_t n, enum key_witness witness);
/* One more, or one that is there already. 0 or -ENOMEM. */
_must_check_ int key_tree_add(struct key_tree *t, struct key_node *parent, const char *name,
        enum key_witness witness, struct key_node **ret);
/* The witness takes back what it said of this key, and so of all below it. */
void key_tree_withdraw(struct key_tree *t, struct key_node *node, enum key_witness witness);

/* The key of a path, with its hive in front; NULL: it was not read. *ret_last (may be NULL) is the last key
 * on the way to it. */
struct key_node *key_tree_find(const struct key_tree *t, const char *path, struct key_node **ret_last);
/* `Machine\System`; nothing for the root. */
void key_tree_put_path(const struct key_node *node, struct buf *out);

void key_tree_open(struct key_tree *t, struct key_node *node, bool is_open);
/* And opens all above it. */
void key_tree_select(struct key_tree *t, struct key_node *node);

/* 0 or -ENOMEM: then there are the rows of before, or none. */
_must_check_ int key_tree_count(struct key_tree *t);
