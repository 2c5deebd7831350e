/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-in files into the store. Each file is one read-only layer whose last good content is part of the
 * state, so a reload is a comparison: what is new or differs is written with a new sequence, what went is
 * withdrawn, all else is left alone. */

#include <errno.h>
#include <string.h>

#include "registry-holding.h"

/* `after_blanket`: the key's blanket is newer than what the layer has there, and would mask it. */
static int put_value(struct registry *r, const struct guid *key, const struct hive_key *k,
        const struct hive_value *v, const char *layer, bool after_blanket, struct holding *h, struct diag *d)
{
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
static int set_layer(struct registry *r, const struct hive_file *f, const char *file)
{
        const struct layer *now = layers_find(&r->dropins, f->layer);
        if (now && now->precedence == f->precedence && now->enabled == f->enabled &&
                strcmp(now->file, file) == 0)
                return 0;
        int e = registry_save_dropins(r);
        if (e == 0)
                e = registry_record(r, &(struct state_record){ .kind = STATE_LAYER,
                                               .name = f->layer,
                                               .precedence = f->precedence,
                                               .enabled = f->enabled,
                                               .file = file });
        if (e == 0)
                e = layers_set(&r->dropins, f->layer, f->precedence, f->enabled, file);
        r->layers_touched = true;
        return e;
}

static int put_file(struct registry *r, const struct dropin *in, struct holding *h, struct diag *d)
{
        const struct hive_file *f = in->file;
        struct savepoint sp;
        int e = savepoint_set(r, &sp);
        if (e < 0)
                return e;
        for (size_t i = 0; e == 0 && i < f->n_keys; i++)
                e = put_key(r, &f->keys[i], f->layer, h, d);
        if (e == 0)
                e = set_layer(r, f, in->path);
        return savepoint_close(r, &sp, e);
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
        const struct registry *r, const struct dropins *files, const struct dropin *in, struct diag *d)
{
        const struct hive_file *f = in->file;
        const struct layer *had = layers_find(&r->dropins, f->layer);

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

/* Metadata alone override a file's; a layer that somebody wrote to cannot be a file's as well. */
static int check_layer(
        const struct registry *r, const struct dropin *in, const struct holding *h, struct diag *d)
{
        const char *name = in->file->layer;
        const struct layer *known = layers_find(&r->layers, name);
        size_t n = r->dropins.n;

        if (known && !known->file && holding_is_used(h, name))
                return diag_set(d, EEXIST,
                        "%s: layer '%s' is there already, and not a file's; choose another name, or delete "
                        "\\System\\Registry\\Layers\\%s",
                        in->path, name, name);
        for (size_t i = 0; !known && i < r->layers.n; i++) {
                const struct layer *l = &r->layers.list[i];
                n += !l->file && !layers_find(&r->dropins, l->name);
        }
        if (!known && n >= LAYERS_MAX)
                return diag_set(d, E2BIG, "%s: layer '%s' is one too many, at most %u are kept", in->path,
                        name, LAYERS_MAX);
        return 0;
}

/* From here on the file is a broken one, whose layer keeps its last good content. */
static int refuse(struct dropin *in, int error, const struct diag *why)
{
        struct diag d = *why;

        if (error == -ENOMEM)
                return error;
        if (!d.text[0])
                (void)diag_set(&d, -error, "%s: cannot be applied: %s", in->path, strerror(-error));
        else if (strncmp(d.text, in->path, strlen(in->path)) != 0)
                diag_prefix(&d, "%s: cannot be applied", in->path);
        in->error = strdup(d.text);
        in->file = hive_file_free(in->file);
        return in->error ? 0 : -ENOMEM;
}

static int apply_file(struct registry *r, const struct dropins *files, struct dropin *in, struct holding *h)
{
        struct diag d = { 0 };
        int e = check_earlier(r, files, in, &d);
        if (e == 0)
                e = check_layer(r, in, h, &d);
        if (e == 0)
                e = put_file(r, in, h, &d);
        return e < 0 ? refuse(in, e, &d) : 0;
}

enum backing {
        BACKING_GONE,
        BACKING_BROKEN, /* nobody knows what the file says now */
        BACKING_GOOD,
};

/* What stands behind a layer. */
static enum backing find_backing(const struct dropins *files, const struct layer *layer)
{
        const char *name = name_of_file(layer->file);
        enum backing backing = BACKING_GONE;

        for (size_t i = 0; i < files->n; i++) {
                const struct dropin *in = &files->list[i];
                if (in->file && layer_name_equal(in->file->layer, layer->name))
                        return BACKING_GOOD;
                if (is_broken(in, name))
                        backing = BACKING_BROKEN;
        }
        return backing;
}

static int forget_layer(struct registry *r, const char *name)
{
        int e = registry_save_dropins(r);
        if (e == 0)
                e = registry_record(r, &(struct state_record){ .kind = STATE_LAYER_GONE, .name = name });
        r->layers_touched = true;
        if (e == 0)
                (void)layers_remove(&r->dropins, name);
        return e;
}

/* Withdraws what the good files do not say any more, and the layers whose files went. */
static int withdraw_rest(struct registry *r, const struct dropins *files, struct holding *h)
{
        struct held_layer *held;
        int e = 0;

        for (uint32_t i = 0; (held = holding_next_layer(h, &i));) {
                const struct layer *layer = layers_find(&r->dropins, held->name);
                enum backing backing = layer ? find_backing(files, layer) : BACKING_BROKEN;
                held->spare = backing == BACKING_BROKEN;
                held->gone = backing == BACKING_GONE;
        }
        e = holding_withdraw(r, h);
        for (uint32_t i = 0; e == 0 && (held = holding_next_layer(h, &i));)
                if (held->gone)
                        e = forget_layer(r, held->name);
        return e;
}

static int apply_all(struct registry *r, struct dropins *files)
{
        _cleanup_(holding_done) struct holding holding = { 0 };
        int e = 0;

        for (size_t i = 0; e == 0 && i < files->n; i++)
                if (files->list[i].file)
                        e = holding_add_layer(&holding, files->list[i].file->layer);
        for (size_t i = 0; e == 0 && i < r->dropins.n; i++)
                if (r->dropins.list[i].file)
                        e = holding_add_layer(&holding, r->dropins.list[i].name);
        if (e == 0)
                e = holding_load(r, &holding);
        for (size_t i = 0; e == 0 && i < files->n; i++)
                if (files->list[i].file)
                        e = apply_file(r, files, &files->list[i], &holding);
        return e < 0 ? e : withdraw_rest(r, files, &holding);
}

/* Files that are each within the limits are never too much together. */
static void allow_large(struct registry *r, bool allow)
{
        if (r->state)
                state_allow_large(r->state, allow);
}

int registry_apply_dropins(
        struct registry *r, struct dropins *files, struct registry_events *ret, struct diag *d)
{
        int e = registry_sync(r, d);
        if (e == 0)
                e = registry_begin(r);
        if (e < 0)
                return e;
        allow_large(r, true);
        e = apply_all(r, files);
        if (e < 0)
                registry_abort(r);
        else
                e = registry_end(r, ret);
        allow_large(r, false);
        return e < 0 ? diag_set(d, -e, "the drop-in files cannot be applied: %s", strerror(-e)) : 0;
}
