/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-in files into the store. Each file is one read-only layer whose last good content is part of the
 * store, so a reload is a comparison: what is new or differs is written with a new sequence, what went is
 * withdrawn, all else is left alone. */

#include <errno.h>
#include <string.h>

#include "registry-dropins.h"
#include "registry-holding.h"
#include "registry-layers.h"

/* The files are being applied. */
struct loading {
        struct registry *registry;
        struct dropins *files;
        struct layers layers; /* those that files stand behind, with what has been applied so far */
        struct holding holding;
};

static struct actor owner_of(const struct dropin *in)
{
        struct actor owner = ACTOR_UNKNOWN;

        owner.uid = in->owner;
        return owner;
}

static void loading_done(struct loading *l)
{
        layers_done(&l->layers);
        holding_done(&l->holding);
}

/* `after_blanket`: the key's blanket is newer than what the layer has there, and would mask it. */
static int put_value(struct registry *r, const struct guid *key, const struct hive_key *k,
        const struct hive_value *v, const char *layer, bool after_blanket, struct holding *h, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        const struct store_value_entry *mine =
                value_in_layer(store_value(r->store, key, v->name, strlen(v->name)), layer);
        uint64_t sequence;

        if (holding_keep(h, HELD_VALUE, layer, key, v->name) && mine && !after_blanket) {
                const struct value have = { .type = mine->type, .data = mine->data, .size = mine->size };
                if (value_equal(&have, &v->value))
                        return 0;
        }
        return registry_put(r, key, &k->path, v->name, layer, &v->value, &sequence, d);
}

static int hide_key(
        struct registry *r, const struct hive_key *k, const char *layer, struct holding *h, struct diag *d)
{
        const struct path *path = &k->path;
        struct guid parent;
        bool made;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);

        int e = registry_make_keys(r, path, path->n - 1, layer, false, h, &parent, &made, d);
        if (e < 0)
                return e;
        const struct store_path_entry *mine =
                entry_in_layer(store_lookup(r->store, &parent, name, len), layer);
        if (holding_keep(h, HELD_ENTRY, layer, &parent, name) && mine && mine->hidden)
                return 0;
        e = touch_child(r, &parent, name);
        return e < 0 ? e
                     : registry_op(r, &(struct store_op){ .code = STORE_HIDE_ENTRY,
                                              .guid = parent,
                                              .name = name,
                                              .layer = layer,
                                              .sequence = store_take_sequence(r->store) });
}

static int put_key(
        struct registry *r, const struct hive_key *k, const char *layer, struct holding *h, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        struct guid key;
        size_t len;
        const char *hive = path_component(&k->path, 0, &len);
        bool made, new_blanket = false;

        int e = registry_add_hive(r, hive, len);
        if (e < 0)
                return e;
        if (k->hidden)
                return hide_key(r, k, layer, h, d);
        e = registry_make_keys(r, &k->path, k->path.n, layer, false, h, &key, &made, d);
        if (e == 0 && k->blanket)
                new_blanket = !holding_keep(h, HELD_BLANKET, layer, &key, "");
        if (e == 0 && new_blanket)
                e = registry_set_blanket(r, &key, layer, true);
        for (size_t i = 0; e == 0 && i < k->n_values; i++)
                e = put_value(r, &key, k, &k->values[i], layer, new_blanket, h, d);
        return e;
}

/* The table last: a file that is refused before has changed nothing. */
static int set_layer(struct registry *r, struct layers *dropins, const struct hive_file *f, const char *file)
{
        const struct layer *now = layers_find(dropins, f->layer);
        if (now && now->precedence == f->precedence && now->enabled == f->enabled &&
                strcmp(now->file, file) == 0)
                return 0;
        r->layers_touched = true;
        int e = registry_op(r, &(struct store_op){ .code = STORE_SET_FILE,
                                       .layer = f->layer,
                                       .name = file,
                                       .precedence = f->precedence,
                                       .set = f->enabled });
        return e < 0 ? e : layers_set(dropins, f->layer, f->precedence, f->enabled, file);
}

static int put_file(struct loading *l, const struct dropin *in, struct diag *d)
{
        const struct store_author author = {
                .reason = "hive-edited", .file = in->path, .actor = owner_of(in)
        };
        struct registry *r = l->registry;
        const struct hive_file *f = in->file;
        struct savepoint sp;

        int e = savepoint_set(r, &sp);
        if (e < 0)
                return e;
        store_set_author(r->store, &author);
        for (size_t i = 0; e == 0 && i < f->n_keys; i++)
                e = put_key(r, &f->keys[i], f->layer, &l->holding, d);
        if (e == 0)
                e = set_layer(r, &l->layers, f, in->path);
        store_set_author(r->store, NULL);
        return savepoint_close(r, &sp, e, d);
}

static const char *name_of_file(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

/* Whether nobody knows what the file of this name says now. It is known by its name: a broken one may
 * replace a good one of the other directory. An entry without a name says that files are missing in the
 * list. */
static bool is_broken(const struct dropin *in, const char *name)
{
        return !in->file && (in->name[0] == '\0' || strcmp(in->name, name) == 0);
}

/* An earlier file that is broken keeps its layer from this one, as it would if it were good. */
static int check_earlier(
        const struct dropins *files, const struct dropin *in, const struct layers *of_files, struct diag *d)
{
        const struct hive_file *f = in->file;
        const struct layer *had = layers_find(of_files, f->layer);

        if (!had || !had->file || strcmp(name_of_file(had->file), in->name) >= 0)
                return 0;
        for (size_t i = 0; i < files->n; i++)
                if (is_broken(&files->list[i], name_of_file(had->file)))
                        return diag_set(d, EEXIST,
                                "%s:%u:%u: layer `%s` is that of %s, which is broken and keeps it, expected "
                                "another name",
                                in->path, f->layer_line, f->layer_column, f->layer, had->file);
        return 0;
}

int registry_dropins_check(const struct dropins *files, const struct dropin *in, const struct layers *all,
        const struct layers *of_files, bool is_taken, struct diag *d)
{
        const char *name = in->file->layer;
        const struct layer *known = layers_find(all, name);
        size_t n = of_files->n;

        int e = check_earlier(files, in, of_files, d);
        if (e < 0)
                return e;
        if (is_taken)
                return diag_set(d, EEXIST,
                        "%s: layer '%s' is there already, and not a file's; choose another name, or delete "
                        "\\System\\Registry\\Layers\\%s",
                        in->path, name, name);
        for (size_t i = 0; !known && i < all->n; i++)
                n += !all->list[i].file && !layers_find(of_files, all->list[i].name);
        if (!known && n >= LAYERS_MAX)
                return diag_set(d, E2BIG, "%s: layer '%s' is one too many, at most %u are kept", in->path,
                        name, LAYERS_MAX);
        return 0;
}

int registry_dropins_refuse(struct dropin *in, int error, const struct diag *why)
{
        struct diag d = *why;

        if (error == -ENOMEM || store_is_failure(error))
                return error;
        if (!d.text[0])
                (void)diag_set(&d, -error, "%s: cannot be applied: %s", in->path, strerror(-error));
        else if (strncmp(d.text, in->path, strlen(in->path)) != 0)
                diag_prefix(&d, "%s: cannot be applied", in->path);
        in->error = strdup(d.text);
        in->file = hive_file_free(in->file);
        return in->error ? 0 : -ENOMEM;
}

static int apply_file(struct loading *l, struct dropin *in)
{
        const struct layers *all = &l->registry->layers;
        const char *name = in->file->layer;
        const struct layer *known = layers_find(all, name);
        bool is_taken = known && !known->file && holding_is_used(&l->holding, name);
        struct diag d = { 0 };

        int e = registry_dropins_check(l->files, in, all, &l->layers, is_taken, &d);
        if (e == 0)
                e = put_file(l, in, &d);
        return e < 0 ? registry_dropins_refuse(in, e, &d) : 0;
}

enum registry_backing registry_dropins_backing(const struct dropins *files, const struct layer *layer)
{
        const char *name = name_of_file(layer->file);
        enum registry_backing backing = BACKING_GONE;

        for (size_t i = 0; i < files->n; i++) {
                const struct dropin *in = &files->list[i];
                if (in->file && layer_name_equal(in->file->layer, layer->name))
                        return BACKING_GOOD;
                if (is_broken(in, name))
                        backing = BACKING_BROKEN;
        }
        return backing;
}

static int forget_layer(struct loading *l, const struct layer *layer)
{
        const struct store_author author = {
                .reason = "hive-edited", .file = layer->file, .actor = ACTOR_UNKNOWN
        };
        struct registry *r = l->registry;

        r->layers_touched = true;
        store_set_author(r->store, &author);
        int e = registry_op(r, &(struct store_op){ .code = STORE_FORGET_FILE, .layer = layer->name });
        store_set_author(r->store, NULL);
        if (e == 0)
                (void)layers_remove(&l->layers, layer->name);
        return e;
}

/* Withdraws what the good files do not say any more, and the layers whose files went. */
static int withdraw_rest(struct loading *l)
{
        struct holding *h = &l->holding;
        struct held_layer *held;
        int e = 0;

        for (uint32_t i = 0; (held = holding_next_layer(h, &i));) {
                const struct layer *layer = layers_find(&l->layers, held->name);
                enum registry_backing backing =
                        layer ? registry_dropins_backing(l->files, layer) : BACKING_BROKEN;
                held->spare = backing == BACKING_BROKEN;
                held->gone = backing == BACKING_GONE;
        }
        e = holding_withdraw(l->registry, h);
        for (uint32_t i = 0; e == 0 && (held = holding_next_layer(h, &i));)
                if (held->gone)
                        e = forget_layer(l, layers_find(&l->layers, held->name));
        return e;
}

static int apply_all(struct loading *l)
{
        const struct dropins *files = l->files;

        int e = registry_layers_of_files(l->registry->store, &l->layers);
        for (size_t i = 0; e == 0 && i < files->n; i++)
                if (files->list[i].file)
                        e = holding_add_layer(&l->holding, files->list[i].file->layer);
        for (size_t i = 0; e == 0 && i < l->layers.n; i++)
                if (l->layers.list[i].file)
                        e = holding_add_layer(&l->holding, l->layers.list[i].name);
        if (e == 0)
                e = holding_load(l->registry, &l->holding);
        for (size_t i = 0; e == 0 && i < files->n; i++)
                if (files->list[i].file)
                        e = apply_file(l, &files->list[i]);
        return e < 0 ? e : withdraw_rest(l);
}

int registry_apply_dropins(
        struct registry *r, struct dropins *files, struct registry_events *ret, struct diag *d)
{
        _cleanup_(loading_done) struct loading l = { .registry = r, .files = files };

        int e = registry_begin(r, NULL);
        if (e == 0)
                e = apply_all(&l);
        if (e < 0)
                registry_abort(r);
        else
                e = registry_end(r, ret);
        return e < 0 ? diag_set(d, -e, "the drop-in files cannot be applied: %s", registry_reason(r, e)) : 0;
}
