/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the schema's values that are bound to a control need of a store, copied into one in memory: their
 * keys and those above, by all that names them, their entries in all layers, and what the layers are. */

#include <errno.h>
#include <string.h>

#include "registry-internal.h"

struct copy {
        const struct store *from;
        struct store *to;
};

static int copy_key(const struct copy *c, const struct guid *guid)
{
        const struct store_key *key = store_key(c->from, guid);

        if (!key || store_key(c->to, guid))
                return 0;
        return store_apply(c->to, &(struct store_op){ .code = STORE_CREATE_KEY,
                                          .guid = key->guid,
                                          .target = key->parent,
                                          .name = key->name,
                                          .is_link = key->is_link,
                                          .data = key->sd,
                                          .size = key->sd_size,
                                          .time = key->last_write });
}

static int copy_values(const struct copy *c, const struct guid *key, const char *name)
{
        int r = 0;

        for (const struct store_value_entry *v = store_value(c->from, key, name, strlen(name)); r == 0 && v;
                v = v->next)
                r = store_apply(c->to, &(struct store_op){ .code = STORE_SET_VALUE,
                                               .guid = *key,
                                               .name = v->name,
                                               .layer = v->layer,
                                               .type = v->type,
                                               .data = v->data,
                                               .size = v->size,
                                               .sequence = v->sequence });
        for (const struct store_blanket *b = store_blankets(c->from, key); r == 0 && b; b = b->next)
                r = store_apply(c->to, &(struct store_op){ .code = STORE_SET_BLANKET,
                                               .guid = *key,
                                               .layer = b->layer,
                                               .set = true,
                                               .sequence = b->sequence });
        return r;
}

static int copy_entry(const struct copy *c, const struct guid *parent, const struct store_path_entry *e)
{
        int r = e->hidden ? 0 : copy_key(c, &e->target);

        return r < 0 ? r
                     : store_apply(c->to,
                               &(struct store_op){ .code = e->hidden ? STORE_HIDE_ENTRY : STORE_CREATE_ENTRY,
                                       .guid = *parent,
                                       .name = e->name,
                                       .layer = e->layer,
                                       .target = e->target,
                                       .sequence = e->sequence });
}

/* Layers that name one key share it: whether an entry before `e` names the same. */
static bool is_met(const struct store_path_entry *chain, const struct store_path_entry *e)
{
        while (chain != e && (chain->hidden || !guid_equal(&chain->target, &e->target)))
                chain = chain->next;
        return chain != e;
}

/* From component number `depth` on, below each key that any layer names. */
static int copy_path(const struct copy *c, const struct guid *key, const struct path *path, size_t depth,
        const char *const *names)
{
        size_t len;
        int r = 0;

        if (depth == path->n) {
                for (; r == 0 && *names; names++)
                        r = copy_values(c, key, *names);
                return r;
        }
        const char *name = path_component(path, depth, &len);
        const struct store_path_entry *chain = store_lookup(c->from, key, name, len);
        for (const struct store_path_entry *e = chain; r == 0 && e; e = e->next) {
                r = copy_entry(c, key, e);
                if (r == 0 && !e->hidden && !e->dangling && !is_met(chain, e))
                        r = copy_path(c, &e->target, path, depth + 1, names);
        }
        return r;
}

static int copy_values_at(const struct copy *c, const struct path *path, const char *const *names)
{
        size_t len;
        const char *hive = path_component(path, 0, &len);
        const struct store_key *root = store_root(c->from, hive, len);

        return root ? copy_path(c, &root->guid, path, 1, names) : 0;
}

static int copy_layer(const struct copy *c, const char *name)
{
        static const char *const metadata[] = { "Precedence", "Enabled", NULL };
        _cleanup_path_ struct path path = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_printf(&text, "%s\\%s", REGISTRY_LAYERS_KEY, name);
        int r = text.error ? text.error : path_parse(buf_str(&text), text.len, NULL, NULL, &path, NULL);
        return r < 0 ? r : copy_values_at(c, &path, metadata);
}

/* Of the key with the layers' metadata, all children. */
static int copy_layers(const struct copy *c)
{
        static const char *const nothing[] = { NULL };
        _cleanup_path_ struct path path = { 0 };
        size_t n_files, n = 0;
        struct guid key;
        const struct store_file *files = store_files(c->from, &n_files);

        int r = path_parse(REGISTRY_LAYERS_KEY, strlen(REGISTRY_LAYERS_KEY), NULL, NULL, &path, NULL);
        if (r == 0)
                r = copy_values_at(c, &path, nothing);
        for (size_t i = 0; r == 0 && i < n_files; i++)
                r = store_apply(c->to, &(struct store_op){ .code = STORE_SET_FILE,
                                               .layer = files[i].layer,
                                               .name = files[i].file,
                                               .precedence = files[i].precedence,
                                               .set = files[i].enabled });
        if (r < 0 || registry_layers_key(c->from, &key) < 0)
                return r;
        const struct store_path_entry *const *children = store_children(c->from, &key, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = copy_layer(c, children[i]->name);
        return r;
}

/* A layer that somebody has written to is no file's, and the copy may have nothing of it else. */
static int mark_used(const struct copy *c)
{
        struct guid key;
        size_t n = 0;
        int r = 0;

        if (registry_layers_key(c->from, &key) < 0)
                return 0;
        const struct store_path_entry *const *children = store_children(c->from, &key, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                const char *layer = children[i]->name;
                const struct store_path_entry *e = entry_in_layer(children[i], LAYER_BASE);
                if (e && !e->hidden && store_layer_is_used(c->from, layer) &&
                        !store_layer_is_used(c->to, layer))
                        r = store_apply(c->to, &(struct store_op){ .code = STORE_SET_VALUE,
                                                       .guid = e->target,
                                                       .name = "",
                                                       .layer = layer,
                                                       .type = REG_NONE,
                                                       .sequence = store_take_sequence(c->to) });
        }
        return r;
}

static int copy_all(const struct copy *c, const struct schema *schema)
{
        size_t n;
        const struct store_key *const *roots = store_roots(c->from, &n);
        int r = 0;

        for (size_t i = 0; r == 0 && i < n; i++)
                r = copy_key(c, &roots[i]->guid);
        if (r == 0)
                r = copy_layers(c);
        for (size_t i = 0; r == 0 && i < schema->n; i++)
                if (schema->values[i].control)
                        r = copy_values_at(
                                c, &schema->values[i].key, (const char *[]){ schema->values[i].name, NULL });
        if (r == 0)
                r = mark_used(c);
        return r == 0 ? store_error(c->from, NULL) : r;
}

int registry_copy_part(
        const struct store *from, const struct schema *schema, struct store *to, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(from);
        const struct copy c = { .from = from, .to = to };

        int r = store_begin(to, NULL);
        if (r < 0)
                return r;
        _cleanup_store_scope_ struct store_scope own = store_scope_begin(to);
        r = copy_all(&c, schema);
        if (r < 0)
                store_rollback(to);
        else
                r = store_commit(to);
        if (r == 0)
                r = store_sync(to, d);
        if (r < 0 && store_is_failure(r) && store_failure(from)[0])
                return diag_set(d, -r, "%s", store_failure(from));
        return r;
}

/* Of a key, or of one above it that a file can hide. */
static bool is_needed(const struct schema *schema, const struct path *key)
{
        if (registry_is_layer_metadata(key, true))
                return true;
        for (size_t i = 0; i < schema->n; i++)
                if (schema->values[i].control && path_is_below(&schema->values[i].key, key))
                        return true;
        return false;
}

void registry_keep_part(struct dropins *files, const struct schema *schema)
{
        for (size_t i = 0; i < files->n; i++) {
                struct hive_file *f = files->list[i].file;
                size_t n = 0;

                for (size_t k = 0; f && k < f->n_keys; k++)
                        if (is_needed(schema, &f->keys[k].path))
                                f->keys[n++] = f->keys[k];
                        else
                                path_done(&f->keys[k].path);
                if (f)
                        f->n_keys = n;
        }
}
