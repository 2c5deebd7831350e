/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/base/hashmap.h"
#include "registry.h"

/* What a name meant before the open transaction touched it. */
struct touch {
        struct guid key; /* of the value, or the parent of the child */
        char *path;      /* of `key` */
        char *name;
        bool is_child;
        bool existed;
        struct guid child; /* is_child: what it was */
        uint32_t type;
        char *data;
        size_t size;
        char *layer;
        bool is_write;
};

struct registry {
        const struct schema *schema;
        char *root;
        size_t value_max;
        struct store *store;
        struct layers
                layers; /* what the resolver uses: base, drop-ins, and Machine\System\Registry\Layers */
        struct layers dropins; /* base and the drop-ins' own, as persisted */
        struct state_hives hives;
        struct state *state; /* NULL: read-only without a state directory */
        bool read_only;

        bool in_transaction;
        bool marked;         /* the store's outer mark, back to the last sync, is set */
        bool unsynced;       /* ended transactions wait for registry_sync() */
        bool layers_touched; /* the open transaction changed layer metadata or a drop-in's layer */
        /* What the two tables were at the last sync, for undoing without allocation; empty while unchanged.
         */
        struct layers layers_synced, dropins_synced;
        size_t state_mark;
        struct touch *touched;
        size_t n_touched, touched_size;
        struct hashmap touched_index;
};

/* registry-layers.c */
_must_check_ int registry_rebuild_layers(struct registry *r, struct layers *ret);
/* Before the first change of the drop-ins' table since the last sync. */
_must_check_ int registry_save_dropins(struct registry *r);
bool registry_is_layer_metadata(const struct path *path);
/* *layer becomes the known layer's own spelling; NULL is the base layer. -ENOENT or -EROFS with d set. */
_must_check_ int registry_check_writable(const struct registry *r, const char **layer, struct diag *d);

/* registry-events.c: note what a name means before the first change to it. 0 or negative errno. */
_must_check_ int touch_value(
        struct registry *r, const struct guid *key, const char *path, const char *name, bool write);
_must_check_ int touch_child(
        struct registry *r, const struct guid *parent, const char *path, const char *name);
void touches_clear(struct registry *r);
_must_check_ int touches_to_events(
        struct registry *r, const struct layers *now, struct registry_events *ret);

/* registry-write.c: one operation into the store and, unless the key is volatile, into the batch. */
_must_check_ int registry_op(struct registry *r, const struct store_op *op, bool is_volatile);
_must_check_ int registry_record(struct registry *r, const struct state_record *record);
/* Makes every key of the path visible in `layer`; *ret is the last one's GUID. */
_must_check_ int registry_make_keys(struct registry *r, const struct path *path, const char *layer,
        bool is_volatile, struct guid *ret, bool *ret_made, struct diag *d);
_must_check_ int registry_put(struct registry *r, const struct guid *key, const struct path *path,
        const char *name, const char *layer, const struct value *v, uint64_t expected,
        uint64_t *ret_sequence, struct diag *d);
_must_check_ int registry_withdraw_value(
        struct registry *r, const struct guid *key, const char *path, const char *name, const char *layer);
