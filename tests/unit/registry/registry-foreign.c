/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What another front end of a source leaves, as Peios's kernel does: layers that write into a key without
 * naming it. */

#include <string.h>

#include "../../../schema/base/fileio.h"
#include "../../../schema/layout.h"
#include "registry-util.h"

struct files {
        struct store *store;
        struct state_hives hives;
        struct layers layers;
        struct state *state;
};

static void open_files(struct files *f, const char *root)
{
        _cleanup_free_ char *dir = root_path(root, LAYOUT_STATE);
        struct diag d = { 0 };

        *f = (struct files){ 0 };
        ck_assert_int_eq(store_new(WORLD_VALUE_MAX, &f->store), 0);
        ck_assert_int_eq(layers_init(&f->layers), 0);
        int r = state_open(dir, false, f->store, &f->hives, &f->layers, NULL, &f->state, &d);
        ck_assert_msg(r == 0, "%s", d.text);
}

static void close_files(struct files *f)
{
        ck_assert_int_eq(state_sync(f->state, NULL), 0);
        f->state = state_close(f->state);
        f->store = store_free(f->store);
        layers_done(&f->layers);
        state_hives_done(&f->hives);
}

/* The parent of the path's last component. */
static struct guid find_parent(const struct files *f, const struct path *path)
{
        size_t len;
        const char *name = path_component(path, 0, &len);
        struct guid key = state_hive_find(&f->hives, name, len)->root;

        for (size_t i = 1; i + 1 < path->n; i++) {
                name = path_component(path, i, &len);
                const struct store_path_entry *e = store_lookup(f->store, &key, name, len);
                ck_assert_ptr_nonnull(e);
                key = e->target;
        }
        return key;
}

void world_unname(struct world *w, const char *layer, const char *key)
{
        _cleanup_path_ struct path path = { 0 };
        struct files f;
        size_t len;

        ck_assert_int_eq(registry_path(w->r, key, &path, NULL), 0);
        world_close(w);
        open_files(&f, w->root);
        struct store_op op = { .code = STORE_DELETE_ENTRY,
                .guid = find_parent(&f, &path),
                .name = path_component(&path, path.n - 1, &len),
                .layer = layer };
        size_t before = store_counts(f.store).path_entries;
        ck_assert_int_eq(store_apply(f.store, &op), 0);
        ck_assert_uint_eq(store_counts(f.store).path_entries, before - 1);
        ck_assert_int_eq(state_add(f.state, &(struct state_record){ .kind = STATE_OP, .op = op }), 0);
        close_files(&f);
        w->foreign = true;
        ck_assert_int_eq(world_open(w), 0);
}
