/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The registry: store, layers and drop-in files held together. It turns "set this value" into store
 * operations, knows what changed *effectively*, and makes it durable. It knows no bus, no files of its own
 * and no clocks but the last-write time; it is what the daemon serves and what the boot-time apply reads. */

#include "../../schema/base/arena.h"
#include "../../schema/schema.h"
#include "../hive/dropins.h"
#include "../resolve/layers.h"
#include "../resolve/resolve.h"
#include "../../schema/values/value.h"

struct registry;

/* Every function of a registry that returns an int returns 0, an enum registry_error, or a negative errno,
 * which is unexpected: no memory, or what the store could not read or write (store_is_failure(): -EIO,
 * -EUCLEAN …). */

/* Of what store.h and resolve.h document the registry's own; else e. */
int registry_code(int e);
/* For people, where d says nothing of it. Of what failed in the store more is said with the registry, which
 * may be NULL. */
const char *registry_error_text(const struct registry *r, int e);

struct registry_config {
        struct store *store;         /* taken over, in any case */
        const struct schema *schema; /* borrowed */
        size_t value_max;            /* as the store was opened with */
};

/* Makes the default hive where it is missing. 0 or negative errno with d set. */
_must_check_ int registry_open(const struct registry_config *config, struct registry **ret, struct diag *d);
/* Of a store that shows an earlier moment, which is taken over in any case: a registry that is only read. It
 * has no schema until it is given one. 0, -E2BIG, or what the store says. */
_must_check_ int registry_open_past(struct store *store, struct registry **ret);
/* The same of a store that store_freeze() made what the registry's has now, with its layers. */
_must_check_ int registry_open_frozen(const struct registry *of, struct store *store, struct registry **ret);
struct registry *registry_close(struct registry *r);
DEFINE_CLEANUP(struct registry *, registry_close, registry_closep);
#define _cleanup_registry_ _cleanup_(registry_closep)

/* ---- Reading. What is returned by reference is the store's, in the caller's scope (registry_scope()).
 * ---- */

struct store_scope registry_scope(const struct registry *r);

/* Not to be copied: `value` may point into it. */
struct registry_value {
        const char *name;
        struct value value;
        uint64_t sequence;  /* 0 for a default */
        const char *layer;  /* LAYER_DEFAULT for a default */
        uint8_t scratch[8]; /* the bytes of a default that is a number */
};

_must_check_ int registry_path(
        const struct registry *r, const char *input, struct path *ret, struct diag *d);
_must_check_ int registry_find_key(
        const struct registry *r, const struct path *path, struct guid *ret, struct diag *d);

/* A link is a key that stands for another: its default value, a REG_LINK, is that one's path. What a path
 * means is found once, here; all other functions take a link for a key like others, which has no subkeys,
 * but for changes, which follow by themselves. */
#define REGISTRY_LINKS_MAX 16u
struct registry_link {
        char *path;   /* the link's own */
        char *target; /* as its value says; NULL: of the last one, where it cannot be followed */
};
struct registry_way {
        const struct path *path; /* without links: the one that was given, or `followed` */
        struct path followed;
        struct registry_link links[REGISTRY_LINKS_MAX + 1]; /* on the way, in their order */
        size_t n;
};
void registry_way_done(struct registry_way *w);
#define _cleanup_way_ _cleanup_(registry_way_done)
/* *ret is empty before. `of_link`: the path's last component is not followed. Keys that are not there are no
 * links. 0, REGISTRY_LINK_LOOP, REGISTRY_BAD_LINK …; then ret->path is what was found so far. */
_must_check_ int registry_follow(const struct registry *r, const struct path *path, bool of_link,
        struct registry_way *ret, struct diag *d);
/* A target, with what stands behind its link ("", or a separator and more). 0, REGISTRY_BAD_LINK or -ENOMEM.
 */
_must_check_ int registry_join_link(const char *target, const char *rest, path_is_hive_t is_hive,
        void *userdata, struct path *ret, struct diag *d);
/* Returns e; where that is REGISTRY_NOT_FOUND, d names the links as well. */
int registry_explain_way(const struct registry_way *w, int e, struct diag *d);

/* The entry that hides the key, or one above it: component number *ret_depth of the path. NULL where none
 * does; then *ret_depth is untouched. */
const struct store_path_entry *registry_hiding(
        const struct registry *r, const struct path *path, size_t *ret_depth);
/* The effective value; where none is written, the schema's default, if it has one. */
_must_check_ int registry_get(struct registry *r, const struct path *path, const char *name,
        struct registry_value *ret, struct diag *d);
/* Of an error of the store's, or of resolve.h's: a registry's, and what failed where d says nothing of it.
 */
int registry_explain(const struct registry *r, int e, struct diag *d);
const struct store *registry_store(const struct registry *r);
const struct layers *registry_layers(const struct registry *r);
/* Another number after each change of the table of layers, or of what it is made from. */
uint64_t registry_layers_version(const struct registry *r);
struct hive_root {
        char *name;
        struct guid root;
};
struct hives {
        struct hive_root *list;
        size_t n;
};
const struct hives *registry_hives(const struct registry *r);
/* NULL: there is no such hive. */
const struct hive_root *hives_find(const struct hives *h, const char *name, size_t len);
/* Forgets those behind the first `n`. */
void hives_trim(struct hives *h, size_t n);
const struct schema *registry_schema(const struct registry *r);
/* Other defaults count at once, and are no change that is reported: a default is no value. Borrowed. */
void registry_set_schema(struct registry *r, const struct schema *schema);
/* The layer's own in a chain, or NULL. */
const struct store_path_entry *registry_entry_in_layer(
        const struct store_path_entry *chain, const char *layer);
const struct store_value_entry *registry_value_in_layer(
        const struct store_value_entry *chain, const char *layer);
const struct store_blanket *registry_blanket_in_layer(const struct store_blanket *list, const char *layer);
/* The same of a key (of an entry: its parent) and whatever kind, with its number. NULL: it has none, and the
 * number is 0. */
const void *registry_in_layer(const struct store *s, enum store_kind kind, const struct guid *key,
        const char *name, const char *layer, uint64_t *ret_sequence);
/* The entry of a chain that names a key: the layer's own before all others, so that layers that name the
 * same key share it. NULL: only hidden ones. */
const struct store_path_entry *registry_named(const struct store_path_entry *chain, const char *layer);
uint64_t registry_sequence(const struct registry *r);
/* The bytes that one value may have. */
size_t registry_value_max(const struct registry *r);
/* 0 or REGISTRY_TOO_LARGE. */
_must_check_ int registry_check_size(
        const struct registry *r, const struct path *path, const char *name, size_t size, struct diag *d);
/* Why a value could not be stored, of an error of the store's. Returns it as a registry's. */
int registry_value_failed(const struct path *path, const char *name, int error, struct diag *d);

/* ---- Changing. begin, any number of changes, then end or abort; changes are visible at once and durable
 * (and only then to be reported) after registry_sync(). Several transactions may share one sync. ---- */

enum registry_event_kind {
        EVENT_VALUE_SET,
        EVENT_VALUE_DELETED,
        EVENT_VALUE_UNCHANGED, /* written, but nothing effective changed: only for those who ask */
        EVENT_SUBKEY_CREATED,
        EVENT_SUBKEY_DELETED,
        EVENT_KEY_DELETED,
};

struct registry_event {
        enum registry_event_kind kind;
        const char *path; /* the key; for SUBKEY_* the parent */
        const char *name; /* value or subkey; "" for KEY_DELETED */
        uint32_t type;    /* VALUE_SET and VALUE_UNCHANGED: the effective value now; REG_TOMBSTONE: none */
        const char *data;
        size_t size;
        const char *layer;
        struct seal seal; /* of the layer */
        bool is_write;    /* the value was written by this transaction (not only uncovered by a change
                             elsewhere) */
};

/* Entries of layers that a transaction changed, whatever that changed effectively. */
struct registry_counts {
        uint32_t values_set, values_deleted, keys_created, keys_deleted;
        uint32_t masks; /* keys that it hides now, and whose values it masks, or does so no more */
};

struct registry_events {
        uint64_t sequence; /* the counter after the transaction */
        struct registry_event *list;
        size_t n;
        struct registry_counts counts;
        struct arena arena; /* owns what they say */
};
void registry_events_done(struct registry_events *e);
const char *registry_event_name(enum registry_event_kind kind); /* "value-set" … as on the bus */

/* 0, -EBUSY (not nested), or what the store says. What a transaction changes in the table of layers counts
 * from its end on. `author`: for the history; NULL: the registry itself; it must live as long as the
 * transaction. */
_must_check_ int registry_begin(struct registry *r, const struct store_author *author);
void registry_abort(struct registry *r);
/* The open transaction is to be aborted with the first change that fails, so that none needs an undo of its
 * own, which costs a tenth of the time. Whoever goes on all the same gets -ECANCELED, of changes and of the
 * end, which undoes the transaction. */
void registry_end_with_failure(struct registry *r);
/* Computes what changed effectively; on error (REGISTRY_LIMIT above LAYERS_MAX layers, REGISTRY_TOO_LARGE …)
 * the transaction is undone. */
_must_check_ int registry_end(struct registry *r, struct registry_events *ret);

/* A transaction that only shows what it would do, and never reaches the disk. No ended transaction may wait
 * for registry_sync() (-EBUSY). What it changes and reports may take about `room` bytes (SIZE_MAX: no
 * limit): the change, or the end, that needs more fails with REGISTRY_TOO_LARGE, and from then on
 * registry_room() is 0. */
_must_check_ int registry_begin_preview(struct registry *r, size_t room);
size_t registry_room(const struct registry *r);
/* Computes the same, and undoes the transaction in any case. */
_must_check_ int registry_end_preview(struct registry *r, struct registry_events *ret);

enum registry_action {
        /* Makes missing keys, and names again one that a layer of the same precedence has hidden since.
         * Writing what the layer holds already changes nothing and returns its sequence, unless an entry of
         * another layer of the same precedence is newer: then it is written again, to stand before that. */
        CHANGE_SET,
        /* Withdraws the layer's entry (a tombstone too), also in a key that the layer does not name. */
        CHANGE_DELETE,
        /* Makes the key and what is missing above it. REGISTRY_EXISTS if the layer has it already and it is
         * visible. */
        CHANGE_CREATE_KEY,
        /* The same of a link, and sets its default value, where one is given. REGISTRY_EXISTS also where
         * there is such a key that is no link, which no write changes. */
        CHANGE_CREATE_LINK,
        /* Withdraws the layer's path entry and all that it has in the key and below. REGISTRY_NOT_EMPTY
         * while the key has visible subkeys, unless `recursive`. What other layers have there stays, and
         * shows, as long as one of them names the key. A layer whose metadata key goes is deleted: its
         * entries go too. */
        CHANGE_DELETE_KEY,
        /* The layer hides the key, from itself too: what it has there goes. */
        CHANGE_HIDE_KEY,
        CHANGE_SHOW_KEY,
        /* The layer masks all values that the key has now, its own too; what it sets from then on is seen.
         */
        CHANGE_MASK_VALUES,
        CHANGE_UNMASK_VALUES,
};

struct registry_write {
        const struct path *path;
        const char *name;         /* value name */
        const char *layer;        /* NULL: base */
        struct expected expected; /* of this layer's entry (value or key) */
        bool is_volatile;         /* keys that are made on the way live in memory only */
        bool recursive;           /* a key is deleted with those below it */
        bool of_link;             /* the path's last component is not followed: it may be a link */
        const struct value
                *value;         /* that is set; of a link that is created NULL, a REG_LINK, or a tombstone */
        uint64_t *ret_sequence; /* of a value that is set: the entry's; may be NULL */
        bool if_needed; /* to delete what the layer does not have, and to create the key that it has, changes
                           nothing, in place of failing */
};

/* d says what, where and what was expected. A change that fails leaves nothing of itself, and the
 * transaction open. */
_must_check_ int registry_change(
        struct registry *r, enum registry_action action, const struct registry_write *w, struct diag *d);

/* ---- What the schema says of a change ---- */

struct registry_verdict {
        bool is_accepted; /* by the value's reader; neither this nor refused: the schema does not know it */
        char *why;        /* malloc()ed, of what the reader would refuse: the reason, and what is allowed */
        char *last_good;  /* and what the value is so far, where the reader accepts that; or NULL */
};
void registry_verdict_done(struct registry_verdict *v);

/* Of a CHANGE_SET or CHANGE_CREATE_KEY, which is not made; others are never spoken against. `ret` is empty,
 * and done() in any case. REGISTRY_UNACCEPTED, with the reason, where the value's reader would refuse it;
 * where the schema does not know the value, nobody wrote it yet, and one that it knows was probably meant;
 * and where there is no such key, but a value of its path. With `force` nothing of that is an error. */
_must_check_ int registry_judge(struct registry *r, enum registry_action action,
        const struct registry_write *w, bool force, struct registry_verdict *ret, struct diag *d);

/* ---- Layers that end by themselves ---- */

/* Makes a layer of precedence 0 that ends then (a struct ending as text); the open transaction, which may
 * make one, can write to it. REGISTRY_EXISTS if there is such a layer; REGISTRY_LIMIT where
 * LAYERS_TEMPORARY_MAX temporary ones are there already, or LAYERS_TEMPORARY_PER_USER_MAX of `uid`, for whom
 * it is; root may make more. */
_must_check_ int registry_make_layer(
        struct registry *r, const char *name, const char *ends, uint32_t uid, struct diag *d);
/* One ended transaction that deletes all layers whose end has passed, where there are any. */
_must_check_ int registry_end_layers(struct registry *r, const struct ending_clocks *now,
        const struct store_author *author, struct registry_events *ret, struct diag *d);

/* The rows of the history after one and up to another, all of which are kept, are taken back: see
 * history_find() and history_find_change(). */
struct registry_undo {
        int64_t after, until;
        bool force; /* also what somebody wrote since; what he put into a key that was made stays with it */
        bool may_layers; /* also of layers' metadata */
};
struct registry_undone {
        uint32_t left_out; /* rows: of drop-in files, and of volatile keys */
};
/* After registry_end_with_failure(). What is put back has new sequences, in the order of those that it had:
 * where another layer of the same precedence has the value, too, it is newer now. REGISTRY_CONFLICT:
 * somebody wrote since, or the layer is gone, d says where; REGISTRY_READ_ONLY: it was a file, or layers'
 * metadata. */
_must_check_ int registry_undo(
        struct registry *r, const struct registry_undo *what, struct registry_undone *ret, struct diag *d);

struct registry_differences;
/* What registry_compare() found since which nothing was changed; in the same way. Layers' metadata are
 * restored as all else; what drop-in files have, and what is volatile, stays. */
_must_check_ int registry_restore(struct registry *r, const struct store *then,
        struct registry_differences *differences, struct registry_undone *ret, struct diag *d);

/* Makes all ended transactions durable. On error every one since the last sync is undone. -EBUSY while one
 * is open. */
_must_check_ int registry_sync(struct registry *r, struct diag *d);
bool registry_pending(const struct registry *r);
/* Cuts a part off the history, durably; see store_prune(). No ended transaction may wait. */
_must_check_ int registry_prune(
        struct registry *r, const struct store_prune_limits *limits, bool *ret_more, struct diag *d);

/* The store's file was mended beside it (repair.h): what is known of it is forgotten, and the history has a
 * note, durably. No ended transaction may wait. */
_must_check_ int registry_repaired(
        struct registry *r, const char *note, const struct store_author *author, struct diag *d);

/* One ended transaction that brings the drop-in layers to what the files say.
 * A broken file keeps its layer's last good content; a file that cannot be applied (its layer is taken, for
 * example, or holds what somebody wrote) gets an error in its entry and is a broken one. Entries that did
 * not change keep their sequence. A hive that a key is in is made, and stays. 0, or
 * what the store says. */
_must_check_ int registry_apply_dropins(
        struct registry *r, struct dropins *files, struct registry_events *ret, struct diag *d);

/* ---- Which drop-in file has which layer: the same for the registry and for its part that the boot reads
 * (registry-part.h). ---- */

/* Whether the good file `in` can have its layer: REGISTRY_EXISTS or REGISTRY_LIMIT, with d set. `all`: the
 * layers before the files; `of_files`: those that files stand behind, with what has been applied so far;
 * `is_taken`: it is no file's, and somebody has written to it. Metadata alone override a file's. */
_must_check_ int registry_dropins_check(const struct dropins *files, const struct dropin *in,
        const struct layers *all, const struct layers *of_files, bool is_taken, struct diag *d);

/* From here on the file is a broken one, whose layer keeps its last good content. What the store or the
 * memory cannot do is not the file's fault, and returned. */
_must_check_ int registry_dropins_refuse(struct dropin *in, int error, const struct diag *why);

/* What stands behind a layer. */
enum registry_backing {
        BACKING_GONE,
        BACKING_BROKEN, /* nobody knows what the file says now */
        BACKING_GOOD,
};
enum registry_backing registry_dropins_backing(const struct dropins *files, const struct layer *layer);
