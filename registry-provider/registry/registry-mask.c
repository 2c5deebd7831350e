/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a layer hides of those below it: a key, or all values of a key. (One value is hidden by a tombstone,
 * which is set.) */
#include "registry-internal.h"

#include <errno.h>
#include <string.h>

int registry_set_blanket(struct registry *r, const struct guid *key, const char *layer, bool set)
{
        int e = effects_note_values(&r->effects, key);

        if (e < 0)
                return e;
        return registry_op(r, &(struct store_op){ .code = STORE_SET_BLANKET,
                                      .guid = *key,
                                      .layer = layer,
                                      .set = set,
                                      .sequence = set ? store_take_sequence(r->store) : 0 });
}

static int check(struct registry *r, const struct registry_write *w, const char **layer, struct diag *d)
{
        int e = layers_check_writable(&r->layers, layer, d);
        if (e != 0)
                return e;
        /* Metadata are read from the base layer alone: there is nothing to hide. */
        if (layers_is_metadata(w->path, true))
                return registry_fail(d, REGISTRY_INVALID_NAME,
                        "%s: what layers are made of cannot be hidden", w->path->text);
        return 0;
}

/* ---- A key ---- */

static int hide(struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct path *path = w->path;
        struct guid parent;
        bool made;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);

        int e = registry_make_keys(r, path, path->n - 1, layer, false, NULL, &parent, &made, d);
        if (e != 0)
                return e;
        const struct store_path_entry *mine =
                registry_entry_in_layer(store_lookup(r->store, &parent, name, len), layer);
        if (mine && mine->hidden)
                return 0;
        /* What the layer has in the key, nobody could see. */
        e = mine ? registry_withdraw_tree(r, &parent, name, layer) : 0;
        if (e == 0)
                e = effects_note_child(&r->effects, &parent, name);
        return e < 0 ? e
                     : registry_op(r, &(struct store_op){ .code = STORE_HIDE_ENTRY,
                                              .guid = parent,
                                              .name = name,
                                              .layer = layer,
                                              .sequence = store_take_sequence(r->store) });
}

int registry_hide_key(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct registry_savepoint sp;

        if (w->path->n < 2)
                return registry_fail(d, REGISTRY_INVALID_NAME, "%s: a hive cannot be hidden", w->path->text);
        int e = check(r, w, &layer, d);
        if (e == 0)
                e = registry_savepoint_set(r, &sp);
        return e != 0 ? e : registry_savepoint_close(r, &sp, hide(r, w, layer, d), d);
}

static int show(struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct path *path = w->path;
        const struct store_path_entry *mine = NULL;
        struct guid parent;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);

        if (path->n > 1 && registry_find_named(r, path, path->n - 1, layer, &parent) == 0)
                mine = registry_entry_in_layer(store_lookup(r->store, &parent, name, len), layer);
        if (mine && mine->hidden)
                return registry_withdraw_entry(r, &parent, name, layer);
        return w->if_needed ? 0
                            : registry_fail(d, REGISTRY_NOT_FOUND, "%s: layer %s does not hide the key",
                                      path->text, layer);
}

int registry_show_key(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct registry_savepoint sp;

        int e = check(r, w, &layer, d);
        if (e == 0)
                e = registry_savepoint_set(r, &sp);
        return e != 0 ? e : registry_savepoint_close(r, &sp, show(r, w, layer, d), d);
}

/* ---- All values of a key ---- */

static bool has_blanket(const struct registry *r, const struct guid *key, const char *layer)
{
        return registry_blanket_in_layer(store_blankets(r->store, key), layer);
}

static int mask(struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        struct guid key;
        bool made;

        int e = registry_make_keys(r, w->path, w->path->n, layer, false, NULL, &key, &made, d);
        return e != 0 || has_blanket(r, &key, layer) ? e : registry_set_blanket(r, &key, layer, true);
}

int registry_mask_values(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct registry_savepoint sp;

        int e = check(r, w, &layer, d);
        if (e == 0)
                e = registry_savepoint_set(r, &sp);
        return e != 0 ? e : registry_savepoint_close(r, &sp, mask(r, w, layer, d), d);
}

static int unmask(struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        struct guid key;

        if (registry_find_named(r, w->path, w->path->n, layer, &key) == 0 && has_blanket(r, &key, layer))
                return registry_set_blanket(r, &key, layer, false);
        return w->if_needed
                       ? 0
                       : registry_fail(d, REGISTRY_NOT_FOUND,
                                 "%s: layer %s does not mask the values of the key", w->path->text, layer);
}

int registry_unmask_values(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct registry_savepoint sp;

        int e = check(r, w, &layer, d);
        if (e == 0)
                e = registry_savepoint_set(r, &sp);
        return e != 0 ? e : registry_savepoint_close(r, &sp, unmask(r, w, layer, d), d);
}
