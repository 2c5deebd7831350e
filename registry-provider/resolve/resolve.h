/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The resolver: effective keys and values from all entries of all layers, as the Peios kernel (LCS) computes
 * them. Pure functions over the store and the table of layers.
 *
 * Among entries of enabled, known layers the highest precedence wins, among equals the highest sequence; a
 * blanket tombstone competes for every value name of its key. A winning tombstone (or HIDDEN path entry)
 * means "not there". Two candidates with equal precedence and sequence are corrupt data: -EBADMSG, never a
 * coin toss, if nothing stands above them. A path entry whose key is not there (yet) does not compete. What
 * the store cannot read is its error (see store_error()). Results are the store's, within its scope. */

#include "../../schema/names/path.h"
#include "../store/store.h"
#include "layers.h"

/* The contest itself: candidates are shown one by one, the best is kept. */
struct resolve_contest {
        const struct layers *layers;
        const void *winner; /* entry, or NULL while there is none or a blanket leads */
        uint32_t precedence;
        uint64_t sequence;
        bool any;
        bool tie; /* two lead */
};
void resolve_compete(struct resolve_contest *c, const char *layer, uint64_t sequence, const void *entry);

/* Values. *ret is the winning entry, borrowed from the store. 0, -ENOENT (no entry, a tombstone or a blanket
 * won; *ret is then the winning tombstone entry or NULL), or -EBADMSG. */
_must_check_ int resolve_value(const struct store *s, const struct layers *l, const struct guid *key,
        const char *name, size_t len, const struct store_value_entry **ret);
/* The same for a chain that is at hand (enumeration). */
_must_check_ int resolve_value_chain(const struct layers *l, const struct store_value_entry *chain,
        const struct store_blanket *blankets, const struct store_value_entry **ret);

/* One path entry. 0 with the winning entry, -ENOENT, or -EBADMSG. A chain must be the store's own. */
_must_check_ int resolve_child(const struct store *s, const struct layers *l, const struct guid *parent,
        const char *name, size_t len, const struct store_path_entry **ret);
_must_check_ int resolve_child_chain(
        const struct layers *l, const struct store_path_entry *chain, const struct store_path_entry **ret);

/* A whole path below the hive's root `root` (components 1 … n-1 of the path). *ret_depth (may be NULL) is
 * how many components, the hive included, were found: on -ENOENT the first missing one is number *ret_depth
 * (0: there is no key `root`). It is written on -ENOENT and -EBADMSG too.
 * A link is a key like others. */
_must_check_ int resolve_path(const struct store *s, const struct layers *l, const struct guid *root,
        const struct path *path, struct guid *ret, size_t *ret_depth);

/* The first link among the path's first `n` components. 1 with its key and its component's number; 0: there
 * is none, as far as the path's keys are there; or -EBADMSG. */
_must_check_ int resolve_link(const struct store *s, const struct layers *l, const struct guid *root,
        const struct path *path, size_t n, struct guid *ret, size_t *ret_depth);

/* The entry that hides a key of the path, and which of its components that is; NULL where none does, or the
 * store's error (see store_error()). */
const struct store_path_entry *resolve_hiding(const struct store *s, const struct layers *l,
        const struct guid *root, const struct path *path, size_t *ret_depth);

/* Why: every entry that competes for the value, blankets included, winner first, then in the order in which
 * they would win; entries of disabled or unknown layers come last, by sequence, newest first. A tombstone or
 * a blanket can be the winner. */
enum why_state {
        WHY_WINS,
        WHY_SHADOWED, /* lost against a higher precedence or sequence */
        WHY_LAYER_DISABLED,
        WHY_LAYER_UNKNOWN, /* latent: no such layer */
        WHY_HIDES_KEY,     /* of a key that is not there: the path entry that hides it, or one above */
};

struct why_entry {
        const char *layer;
        const char *file;    /* of a drop-in layer, else NULL */
        struct seal seal;    /* of the file */
        uint32_t precedence; /* 0 for an unknown layer */
        uint64_t sequence;
        bool blanket;
        const struct store_value_entry *entry; /* NULL for a blanket */
        enum why_state state;
};

/* *ret is malloc()ed, its strings are the store's and the layers'. 0, -ENOMEM, or -EBADMSG. */
_must_check_ int resolve_why(const struct store *s, const struct layers *l, const struct guid *key,
        const char *name, size_t len, struct why_entry **ret, size_t *ret_n);

/* Effective children and values of a key, sorted by folded name; *ret is malloc()ed, entries are the
 * store's. Of values without data (`data_max` as in store_values()), sizes are there all the same. */
_must_check_ int resolve_children(const struct store *s, const struct layers *l, const struct guid *parent,
        const struct store_path_entry ***ret, size_t *ret_n);
_must_check_ int resolve_values(const struct store *s, const struct layers *l, const struct guid *key,
        size_t data_max, const struct store_value_entry ***ret, size_t *ret_n);
/* So much of a value is read along where its size is what matters: to look for it again costs as much. */
#define RESOLVE_SMALL_DATA 1024u
bool resolve_lacks_data(const struct store_value_entry *const *values, size_t n);
