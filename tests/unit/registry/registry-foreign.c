/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What another front end of a source leaves, as Peios's kernel does: layers that write into a key without
 * naming it. */

#include <string.h>

#include "registry-util.h"

void world_apply(struct world *w, const struct store_op *ops, size_t n)
{
        const char *file = world_file(w);
        struct store *s;

        world_close(w);
        ck_assert_int_eq(store_open(file, STORE_WRITE, WORLD_VALUE_MAX, &s, NULL), 0);
        ck_assert_int_eq(store_begin(s, NULL), 0);
        for (size_t i = 0; i < n; i++) {
                int r = store_apply(s, &ops[i]);
                ck_assert_msg(r == 0, "operation 0x%02x: %s", ops[i].code, strerror(-r));
        }
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_sync(s, NULL), 0);
        s = store_close(s);
        int r = world_open(w);
        ck_assert_msg(r == 0, "%s", w->d.text);
}

/* The parent of the path's last component. */
static struct guid find_parent(const struct world *w, const struct path *path)
{
        const struct store *s = registry_store(w->r);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        size_t len;
        const char *name = path_component(path, 0, &len);
        struct guid key = store_root(s, name, len)->guid;

        for (size_t i = 1; i + 1 < path->n; i++) {
                name = path_component(path, i, &len);
                const struct store_path_entry *e = store_lookup(s, &key, name, len);
                ck_assert_ptr_nonnull(e);
                key = e->target;
        }
        return key;
}

static size_t entries(const struct world *w, const struct guid *parent, const char *name)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w->r);
        const struct store_path_entry *e = store_lookup(registry_store(w->r), parent, name, strlen(name));
        size_t n = 0;

        for (; e; e = e->next)
                n++;
        return n;
}

void world_unname(struct world *w, const char *layer, const char *key)
{
        _cleanup_path_ struct path path = { 0 };
        size_t len;

        ck_assert_int_eq(registry_path(w->r, key, &path, NULL), 0);
        const struct guid parent = find_parent(w, &path);
        const char *name = path_component(&path, path.n - 1, &len);
        size_t before = entries(w, &parent, name);
        const struct store_op op = {
                .code = STORE_DELETE_ENTRY, .guid = parent, .name = name, .layer = layer
        };
        world_apply(w, &op, 1);
        ck_assert_uint_eq(entries(w, &parent, name), before - 1);
        w->foreign = true;
}
