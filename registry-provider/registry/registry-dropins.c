/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-in files into the store. Each file is one read-only layer whose last good content is part of the
 * state, so a reload is a comparison: what is new or differs is written with a new sequence, what went is
 * withdrawn, all else is left alone. */

#include <errno.h>
#include <string.h>

#include "registry-holding.h"

static const struct store_value_entry *find_value(
        const struct registry *r, const struct guid *key, const char *name, const char *layer)
{
        const struct store_value_entry *v = store_value(r->store, key, name, strlen(name));
        while (v && !layer_name_equal(v->layer, layer))
                v = v->next;
        return v;
}

static int put_value(struct registry *r, const struct guid *key, const struct hive_key *k,
        const struct hive_value *v, const char *layer, struct holding *h, struct diag *d)
{
        const struct store_value_entry *mine = find_value(r, key, v->name, layer);
        uint64_t sequence;

        if (holding_keep(h, HELD_VALUE, key, v->name) && mine && mine->type == v->value.type &&
                mine->size == v->value.size &&
                (mine->size == 0 || memcmp(mine->data, v->value.data, mine->size) == 0))
                return 0;
        return registry_put(r, key, &k->path, v->name, layer, &v->value, 0, &sequence, d);
}

/* Confirms the path entries on the way to the key. */
static void keep_path(struct registry *r, const struct path *path, size_t n, struct holding *h)
{
        size_t len;
        const char *name = path_component(path, 0, &len);
        const struct hive_root *hive = state_hive_find(&r->hives, name, len);
        struct guid key = hive ? hive->root : (struct guid){ 0 };
        char component[NAME_BYTES_MAX + 1];

        for (size_t i = 1; hive && i < n; i++) {
                name = path_component(path, i, &len);
                *(char *)mempcpy(component, name, len) = '\0';
                (void)holding_keep(h, HELD_ENTRY, &key, component);
                const struct store_path_entry *entry = store_lookup(r->store, &key, name, len);
                while (entry && entry->hidden)
                        entry = entry->next;
                if (!entry)
                        return;
                key = entry->target;
        }
}

static int set_blanket(
        struct registry *r, const struct guid *key, const char *path, const char *layer, bool set)
{
        const struct store_value_entry *v;
        const void *cursor = NULL;
        int e = 0;

        while (e == 0 && (v = store_next_value(r->store, key, &cursor)))
                e = touch_value(r, key, path, v->name, false);
        if (e < 0)
                return e;
        return registry_op(r,
                &(struct store_op){ .code = STORE_SET_BLANKET,
                        .guid = *key,
                        .layer = layer,
                        .set = set,
                        .sequence = store_take_sequence(r->store) },
                false);
}

static int hide_key(
        struct registry *r, const struct hive_key *k, const char *layer, struct holding *h, struct diag *d)
{
        _cleanup_path_ struct path parent = { 0 };
        _cleanup_free_ char *up = strndup(k->path.text, k->path.n < 2 ? 0 : k->path.ends[k->path.n - 2]);
        struct guid key;
        bool made;

        if (!up)
                return -ENOMEM;
        if (k->path.n < 2)
                return diag_set(d, EINVAL, "%s: a hive cannot be hidden", k->path.text);
        int e = registry_path(r, up, &parent, d);
        if (e == 0)
                e = registry_make_keys(r, &parent, layer, false, &key, &made, d);
        if (e < 0)
                return e;
        const char *name = k->path.text + k->path.ends[k->path.n - 2] + 1;
        const struct store_path_entry *entry = store_lookup(r->store, &key, name, strlen(name));
        while (entry && !layer_name_equal(entry->layer, layer))
                entry = entry->next;
        keep_path(r, &k->path, k->path.n, h);
        if (entry && entry->hidden)
                return 0;
        e = touch_child(r, &key, up, name);
        if (e < 0)
                return e;
        return registry_op(r,
                &(struct store_op){ .code = STORE_HIDE_ENTRY,
                        .guid = key,
                        .name = name,
                        .layer = layer,
                        .sequence = store_take_sequence(r->store) },
                false);
}

static int put_key(
        struct registry *r, const struct hive_key *k, const char *layer, struct holding *h, struct diag *d)
{
        struct guid key;
        bool made;

        if (k->hidden)
                return hide_key(r, k, layer, h, d);
        int e = registry_make_keys(r, &k->path, layer, false, &key, &made, d);
        if (e < 0)
                return e;
        keep_path(r, &k->path, k->path.n, h);
        if (k->blanket && !holding_keep(h, HELD_BLANKET, &key, ""))
                e = set_blanket(r, &key, k->path.text, layer, true);
        for (size_t i = 0; e == 0 && i < k->n_values; i++)
                e = put_value(r, &key, k, &k->values[i], layer, h, d);
        return e;
}

static int withdraw(struct registry *r, const struct held *held, const char *layer)
{
        _cleanup_buf_ struct buf path = BUF_INIT;
        int e = registry_key_path(r, &held->key, &path);
        if (e == -ENOENT)
                return 0; /* went with its parent */
        if (e < 0)
                return e;
        if (held->kind == HELD_VALUE)
                return registry_withdraw_value(r, &held->key, buf_str(&path), held->name, layer);
        if (held->kind == HELD_BLANKET)
                return set_blanket(r, &held->key, buf_str(&path), layer, false);
        e = touch_child(r, &held->key, buf_str(&path), held->name);
        if (e < 0)
                return e;
        const struct store_path_entry *entry =
                store_lookup(r->store, &held->key, held->name, strlen(held->name));
        while (entry && !layer_name_equal(entry->layer, layer))
                entry = entry->next;
        struct guid target = entry ? entry->target : (struct guid){ 0 };
        e = registry_op(r,
                &(struct store_op){
                        .code = STORE_DELETE_ENTRY, .guid = held->key, .name = held->name, .layer = layer },
                false);
        if (e < 0 || guid_is_zero(&target) || store_key_is_referenced(r->store, &target))
                return e;
        e = registry_op(r, &(struct store_op){ .code = STORE_DROP_KEY, .guid = target }, false);
        return e == -ENOTEMPTY ? 0 : e;
}

/* Values first, then entries from the deepest: a key goes when it is empty. The list has parents before
 * children only by chance, so entries are withdrawn until a round finds nothing more that can be dropped;
 * records left behind are out of reach and go with the next fold. */
static int withdraw_rest(struct registry *r, struct holding *h, const char *layer)
{
        int e = 0;
        for (int pass = 0; pass < 2; pass++)
                for (size_t i = h->n; e == 0 && i-- > 0;)
                        if (!h->list[i].kept && (h->list[i].kind == HELD_ENTRY) == (pass == 1))
                                e = withdraw(r, &h->list[i], layer);
        return e;
}

static int set_layer(struct registry *r, const struct hive_file *f, const char *file)
{
        const struct layer *now = layers_find(&r->dropins, f->layer);
        if (now && now->precedence == f->precedence && now->enabled == f->enabled && now->file &&
                strcmp(now->file, file) == 0)
                return 0;
        int e = registry_save_dropins(r);
        if (e == 0)
                e = layers_set(&r->dropins, f->layer, f->precedence, f->enabled, file);
        r->layers_touched = true;
        if (e < 0)
                return e;
        return registry_record(r, &(struct state_record){ .kind = STATE_LAYER,
                                          .name = f->layer,
                                          .precedence = f->precedence,
                                          .enabled = f->enabled,
                                          .file = file });
}

static int apply_file(struct registry *r, struct dropin *in, struct diag *d)
{
        _cleanup_(holding_done) struct holding holding = { 0 };
        const struct layer *known = layers_find(&r->layers, in->file->layer);

        if (known && !known->file)
                return diag_set(d, EEXIST,
                        "%s: layer '%s' is there already, and not a file's; choose another name", in->path,
                        in->file->layer);
        int e = set_layer(r, in->file, in->path);
        if (e == 0)
                e = holding_load(r, in->file->layer, &holding);
        for (size_t i = 0; e == 0 && i < in->file->n_keys; i++)
                e = put_key(r, &in->file->keys[i], in->file->layer, &holding, d);
        return e < 0 ? e : withdraw_rest(r, &holding, in->file->layer);
}

static int remove_layer(struct registry *r, const char *name)
{
        _cleanup_(holding_done) struct holding holding = { 0 };
        int e = holding_load(r, name, &holding);
        if (e == 0)
                e = withdraw_rest(r, &holding, name);
        if (e == 0)
                e = registry_save_dropins(r);
        if (e == 0)
                e = registry_record(r, &(struct state_record){ .kind = STATE_LAYER_GONE, .name = name });
        if (e == 0) {
                r->layers_touched = true;
                (void)layers_remove(&r->dropins, name);
        }
        return e;
}

/* Does a file still stand behind the layer: one that declares it, or a broken one that declared it last? */
static bool is_backed(const struct dropins *files, const struct layer *layer)
{
        for (size_t i = 0; i < files->n; i++) {
                const struct dropin *in = &files->list[i];
                if (in->file ? layer_name_equal(in->file->layer, layer->name)
                             : strcmp(in->path, layer->file) == 0)
                        return true;
        }
        return false;
}

static int remove_unbacked(struct registry *r, const struct dropins *files)
{
        for (size_t i = 0; i < r->dropins.n;) {
                const struct layer *layer = &r->dropins.list[i];
                if (!layer->file || is_backed(files, layer)) {
                        i++;
                        continue;
                }
                _cleanup_free_ char *name = strdup(layer->name);
                int e = name ? remove_layer(r, name) : -ENOMEM;
                if (e < 0)
                        return e;
        }
        return 0;
}

/* The only refusals come before the file's first change, so the other files are not touched by them. */
static int refuse_file(struct dropin *in, const struct diag *d)
{
        in->error = strdup(d->text);
        in->file = hive_file_free(in->file);
        return in->error ? 0 : -ENOMEM;
}

int registry_apply_dropins(
        struct registry *r, struct dropins *files, struct registry_events *ret, struct diag *d)
{
        int e = registry_sync(r, d);
        if (e == 0)
                e = registry_begin(r);
        if (e < 0)
                return e;
        for (size_t i = 0; e == 0 && i < files->n; i++) {
                struct dropin *in = &files->list[i];
                struct diag why = { 0 };
                if (!in->file)
                        continue;
                e = apply_file(r, in, &why);
                if (e == -EEXIST)
                        e = refuse_file(in, &why);
                else if (e < 0)
                        (void)diag_set(d, -e, "%s: cannot be applied: %s", in->path,
                                why.text[0] ? why.text : strerror(-e));
        }
        if (e == 0)
                e = remove_unbacked(r, files);
        if (e < 0) {
                registry_abort(r);
                return e;
        }
        return registry_end(r, ret);
}
