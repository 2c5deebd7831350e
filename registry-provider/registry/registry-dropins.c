/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-in files into the store. Each file is one read-only layer whose last good content is part of the
 * store, so a reload is a comparison: what is new or differs is written with a new sequence, what went is
 * withdrawn, all else is left alone. */
#include "transaction.h"
#include "../../schema/base/array.h"

#include <errno.h>
#include <string.h>

/* What some layers hold in the store now. Each entry that their new contents have too is marked, and what is
 * not marked at the end is withdrawn. */
struct contents_layer {
        bool spare;                 /* nothing of it is withdrawn */
        bool gone;                  /* no file stands behind it any more */
        bool used;                  /* it held something when that was read */
        bool is_sealed_anew;        /* the fleet has published what it holds once more */
        struct store_author author; /* of what is withdrawn; without a reason: whoever began the change */
        char name[];
};

struct contents_item {
        enum store_kind kind;
        bool kept;
        unsigned depth; /* of the key; of path entries */
        const struct contents_layer *layer;
        struct guid key;    /* of the value or blanket; the parent of a path entry */
        struct guid target; /* of a path entry */
        char name[];
};

struct registry_contents {
        struct contents_item **list;
        size_t n;
        struct hashmap index;
        struct hashmap layers;
};

static void contents_done(struct registry_contents *h)
{
        struct contents_layer *layer;

        for (size_t i = 0; i < h->n; i++)
                free(h->list[i]);
        free(h->list);
        hashmap_done(&h->index);
        for (uint32_t i = 0; (layer = hashmap_next(&h->layers, &i));)
                free(layer);
        hashmap_done(&h->layers);
}

static uint32_t name_hash(const char *name)
{
        return fold_hash(name, strlen(name), hashmap_seed());
}

static bool layer_matches(const void *entry, const void *name)
{
        return fold_same(((const struct contents_layer *)entry)->name, name);
}

static struct contents_layer *find_layer(const struct registry_contents *h, const char *name)
{
        return hashmap_get(&h->layers, name_hash(name), layer_matches, name);
}

static int contents_add(struct registry_contents *h, const char *name)
{
        if (find_layer(h, name))
                return 0;
        size_t size = strlen(name) + 1;
        struct contents_layer *layer = malloc(sizeof(*layer) + size);
        if (!layer)
                return -ENOMEM;
        *layer = (struct contents_layer){ 0 };
        memcpy(layer->name, name, size);
        int e = hashmap_put(&h->layers, name_hash(name), layer);
        if (e < 0)
                free(layer);
        return e;
}

static struct contents_layer *contents_next(const struct registry_contents *h, uint32_t *cursor)
{
        return hashmap_next(&h->layers, cursor);
}

static bool contents_is_used(const struct registry_contents *h, const char *layer)
{
        const struct contents_layer *found = find_layer(h, layer);
        return found && found->used;
}

struct probe {
        enum store_kind kind;
        struct contents_layer *layer;
        const struct guid *key;
        const char *name;
};

static bool held_matches(const void *entry, const void *key)
{
        const struct contents_item *h = entry;
        const struct probe *p = key;
        return h->kind == p->kind && h->layer == p->layer && guid_equal(&h->key, p->key) &&
               fold_same(h->name, p->name);
}

static uint32_t probe_hash(const struct probe *p)
{
        return fold_hash(p->name, strlen(p->name),
                hashmap_hash(p->key->bytes, sizeof(p->key->bytes), name_hash(p->layer->name)) +
                        (uint32_t)p->kind);
}

static int hold(
        struct registry_contents *h, const struct probe *p, unsigned depth, const struct guid *target)
{
        if (array_grow(&h->list, h->n, sizeof(struct contents_item *)) < 0)
                return -ENOMEM;
        size_t size = strlen(p->name) + 1;
        struct contents_item *held = malloc(sizeof(*held) + size);
        if (!held)
                return -ENOMEM;
        *held = (struct contents_item){
                .kind = p->kind, .depth = depth, .layer = p->layer, .key = *p->key, .target = *target
        };
        memcpy(held->name, p->name, size);
        int e = hashmap_put(&h->index, probe_hash(p), held);
        if (e < 0) {
                free(held);
                return e;
        }
        h->list[h->n++] = held;
        p->layer->used = true;
        return 0;
}

static unsigned depth_of(const struct transaction *tx, const struct store_key *key)
{
        unsigned depth = 0;
        while (key && !guid_is_zero(&key->parent)) {
                key = store_key(tx->store, &key->parent);
                depth++;
        }
        return depth;
}

static int load_layer(struct transaction *tx, struct registry_contents *h, struct contents_layer *layer)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(tx->store);
        size_t n;
        const struct store_held *held = store_layer(tx->store, layer->name, &n);
        struct guid key = { 0 };
        unsigned depth = 0;
        int e = store_error(tx->store, NULL);

        for (size_t i = 0; e == 0 && i < n; i++) {
                const struct probe p = { held[i].kind, layer, &held[i].guid, held[i].name };
                if (held[i].kind == STORE_ENTRY && !guid_equal(&held[i].guid, &key)) {
                        key = held[i].guid;
                        depth = depth_of(tx, store_key(tx->store, &key));
                }
                e = effects_take_room(&tx->effects, sizeof(struct contents_item));
                if (e == 0)
                        e = hold(h, &p, held[i].kind == STORE_ENTRY ? depth : 0, &held[i].target);
        }
        return e;
}

static int contents_load(struct transaction *tx, struct registry_contents *h)
{
        struct contents_layer *layer;
        int e = 0;

        for (uint32_t i = 0; e == 0 && (layer = contents_next(h, &i));)
                e = load_layer(tx, h, layer);
        return e;
}

bool registry_contents_keep(struct registry_contents *h, enum store_kind kind, const char *layer,
        const struct guid *key, const char *name)
{
        const struct probe p = { kind, find_layer(h, layer), key, name };
        struct contents_item *found =
                p.layer ? hashmap_get(&h->index, probe_hash(&p), held_matches, &p) : NULL;
        if (found)
                found->kept = true;
        return found != NULL;
}

/* What a file has confirmed that is refused. */
static void contents_leave(struct registry_contents *h, const char *layer)
{
        const struct contents_layer *of = find_layer(h, layer);

        for (size_t i = 0; i < h->n; i++)
                if (h->list[i]->layer == of)
                        h->list[i]->kept = false;
}

/* Values, then path entries from the deepest on: then what nobody names any more has no children left. What
 * one author does comes together. */
static int compare(const void *a, const void *b)
{
        const struct contents_item *x = *(struct contents_item *const *)a,
                                   *y = *(struct contents_item *const *)b;
        bool x_is_entry = x->kind == STORE_ENTRY, y_is_entry = y->kind == STORE_ENTRY;

        if (x_is_entry != y_is_entry)
                return x_is_entry ? 1 : -1;
        if (x->depth != y->depth)
                return x->depth > y->depth ? -1 : 1;
        return strcmp(x->layer->name, y->layer->name);
}

static int withdraw(struct transaction *tx, const struct contents_item *held)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(tx->store);
        const char *layer = held->layer->name;

        /* What a key had that gave way to another one went with it. */
        if (!store_key(tx->store, &held->key))
                return store_error(tx->store, NULL);
        switch (held->kind) {
        case STORE_VALUE:
                return transaction_withdraw_value(tx, &held->key, held->name, layer);
        case STORE_BLANKET:
                return transaction_set_blanket(tx, &held->key, layer, false);
        default:
                return transaction_withdraw_entry(tx, &held->key, held->name, layer);
        }
}

static int contents_withdraw(struct transaction *tx, struct registry_contents *h)
{
        int e = 0;

        if (h->n > 1)
                qsort(h->list, h->n, sizeof(struct contents_item *), compare);
        for (size_t i = 0; e == 0 && i < h->n; i++) {
                const struct contents_item *held = h->list[i];
                if (held->layer->spare)
                        continue;
                store_set_author(tx->store, held->layer->author.reason ? &held->layer->author : NULL);
                if (!held->kept)
                        e = withdraw(tx, held);
                /* An entry that was kept may hide now what it named. */
                if (e == 0 && !guid_is_zero(&held->target))
                        e = transaction_drop_unnamed(tx, &held->target);
        }
        store_set_author(tx->store, NULL);
        return e;
}

/* Deleting a layer removes all its entries. A drop-in's go with its file. */
int transaction_empty_layers(struct transaction *tx, const struct layers *now)
{
        _cleanup_(contents_done) struct registry_contents contents = { 0 };
        bool any = false;
        int e = 0;

        for (size_t i = 0; e == 0 && i < tx->layers->n; i++) {
                const struct layer *l = &tx->layers->list[i];
                if (l->file || layers_find(now, l->name))
                        continue;
                any = true;
                e = contents_add(&contents, l->name);
        }
        if (e == 0 && any)
                e = contents_load(tx, &contents);
        return e < 0 || !any ? e : contents_withdraw(tx, &contents);
}

/* ---- Applying files ---- */

/* The files are being applied. */
struct loading {
        struct transaction *tx;
        struct dropins *files;
        struct layers layers; /* those that files stand behind, with what has been applied so far */
        struct registry_contents contents;
};

static struct store_author author_of(const char *file, const struct seal *seal, uid_t owner)
{
        struct store_author author = {
                .reason = "hive-edited", .file = file, .seal = *seal, .actor = ACTOR_UNKNOWN
        };

        author.actor.uid = owner;
        return author;
}

static void loading_done(struct loading *l)
{
        layers_done(&l->layers);
        contents_done(&l->contents);
}

/* `after_blanket`: the key's blanket is newer than what the layer has there, and would mask it. */
static int put_value(struct transaction *tx, const struct guid *key, const struct hive_key *k,
        const struct hive_value *v, const char *layer, bool after_blanket, struct registry_contents *h,
        struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(tx->store);
        const struct store_value_entry *mine =
                registry_value_in_layer(store_value(tx->store, key, v->name, strlen(v->name)), layer);
        uint64_t sequence;

        if (registry_contents_keep(h, STORE_VALUE, layer, key, v->name) && mine && !after_blanket) {
                const struct value have = { .type = mine->type, .data = mine->data, .size = mine->size };
                if (value_equal(&have, &v->value))
                        return find_layer(h, layer)->is_sealed_anew ? transaction_keep(tx, key, v->name) : 0;
        }
        return transaction_put(tx, key, &k->path, v->name, layer, &v->value, &sequence, d);
}

static int hide_key(struct transaction *tx, const struct hive_key *k, const char *layer,
        struct registry_contents *h, struct diag *d)
{
        const struct path *path = &k->path;
        struct guid parent;
        bool made;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);

        const struct wanted_keys above = { .path = path, .n = path->n - 1, .layer = layer, .held = h };
        int e = transaction_make_keys(tx, &above, &parent, &made, d);
        if (e != 0)
                return e;
        const struct store_path_entry *mine =
                registry_entry_in_layer(store_lookup(tx->store, &parent, name, len), layer);
        if (registry_contents_keep(h, STORE_ENTRY, layer, &parent, name) && mine && mine->hidden)
                return 0;
        return transaction_hide(tx, &parent, name, layer);
}

static int put_key(struct transaction *tx, const struct hive_key *k, const char *layer,
        struct registry_contents *h, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(tx->store);
        struct guid key;
        size_t len;
        const char *hive = path_component(&k->path, 0, &len);
        bool made, new_blanket = false;

        int e = transaction_add_hive(tx, hive, len);
        if (e < 0)
                return e;
        if (k->hidden)
                return hide_key(tx, k, layer, h, d);
        const struct wanted_keys want = { .path = &k->path,
                .n = k->path.n,
                .layer = layer,
                .of_link = k->is_link,
                .makes_link = k->is_link,
                .held = h };
        if (k->is_link)
                e = transaction_check_link(&k->path, d);
        if (e == 0)
                e = transaction_make_keys(tx, &want, &key, &made, d);
        if (e == 0 && k->blanket)
                new_blanket = !registry_contents_keep(h, STORE_BLANKET, layer, &key, "");
        if (e == 0 && new_blanket)
                e = transaction_set_blanket(tx, &key, layer, true);
        for (size_t i = 0; e == 0 && i < k->n_values; i++)
                e = put_value(tx, &key, k, &k->values[i], layer, new_blanket, h, d);
        return e;
}

/* The table last: a file that is refused before has changed nothing. */
static int set_layer(
        struct transaction *tx, struct layers *dropins, const struct hive_file *f, const char *file)
{
        const struct layer *now = layers_find(dropins, f->layer);
        if (now && now->precedence == f->precedence && now->enabled == f->enabled &&
                seal_equal(&now->seal, &f->seal) && strcmp(now->file, file) == 0)
                return 0;
        tx->layers_touched = true;
        int e = transaction_op(tx, &(struct store_op){ .code = STORE_SET_FILE,
                                           .layer = f->layer,
                                           .name = file,
                                           .precedence = f->precedence,
                                           .set = f->enabled,
                                           .seal = f->seal });
        return e < 0 ? e
                     : layers_set_file(dropins,
                               &(struct store_file){ f->layer, file, f->precedence, f->enabled, f->seal });
}

static int put_file(struct loading *l, const struct dropin *in, struct diag *d)
{
        const struct store_author author = author_of(in->path, &in->file->seal, in->owner);
        struct transaction *tx = l->tx;
        const struct hive_file *f = in->file;
        const struct layer *now = layers_find(&l->layers, f->layer);
        struct savepoint sp;

        find_layer(&l->contents, f->layer)->is_sealed_anew = now && !seal_equal(&now->seal, &f->seal);
        int e = savepoint_set(tx, &sp);
        if (e < 0)
                return e;
        store_set_author(tx->store, &author);
        for (size_t i = 0; e == 0 && i < f->n_keys; i++)
                e = put_key(tx, &f->keys[i], f->layer, &l->contents, d);
        if (e == 0)
                e = set_layer(tx, &l->layers, f, in->path);
        store_set_author(tx->store, NULL);
        if (e != 0)
                contents_leave(&l->contents, f->layer);
        return savepoint_close(tx, &sp, e, d);
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
                        return registry_fail(d, REGISTRY_EXISTS,
                                "%s:%u:%u: layer `%s` belongs to %s, which is broken and keeps it, "
                                "expected another name",
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
        if (e != 0)
                return e;
        if (is_taken)
                return registry_fail(d, REGISTRY_EXISTS,
                        "%s: layer '%s' is there already, and not a file's; choose another name, or delete " LAYERS_KEY
                        "\\%s",
                        in->path, name, name);
        for (size_t i = 0; !known && i < all->n; i++)
                n += !all->list[i].file && !layers_find(of_files, all->list[i].name);
        if (!known && n >= LAYERS_MAX)
                return registry_fail(d, REGISTRY_LIMIT,
                        "%s: layer '%s' is one too many, at most %u are kept", in->path, name, LAYERS_MAX);
        return 0;
}

int registry_dropins_refuse(struct dropin *in, int error, const struct diag *why)
{
        struct diag d = *why;

        if (error == -ENOMEM || store_is_failure(error))
                return error;
        if (!d.text[0])
                (void)diag_set(
                        &d, 0, "%s: cannot be applied: %s", in->path, registry_error_text(NULL, error));
        else if (strncmp(d.text, in->path, strlen(in->path)) != 0)
                diag_prefix(&d, "%s: cannot be applied", in->path);
        in->error = strdup(d.text);
        in->file = hive_file_free(in->file);
        return in->error ? 0 : -ENOMEM;
}

static int apply_file(struct loading *l, struct dropin *in)
{
        const struct layers *all = l->tx->layers;
        const char *name = in->file->layer;
        const struct layer *known = layers_find(all, name);
        bool is_taken = known && !known->file && contents_is_used(&l->contents, name);
        struct diag d = { 0 };

        int e = registry_dropins_check(l->files, in, all, &l->layers, is_taken, &d);
        if (e == 0)
                e = put_file(l, in, &d);
        return e != 0 ? registry_dropins_refuse(in, e, &d) : 0;
}

enum registry_backing registry_dropins_backing(const struct dropins *files, const struct layer *layer)
{
        const char *name = name_of_file(layer->file);
        enum registry_backing backing = BACKING_GONE;

        for (size_t i = 0; i < files->n; i++) {
                const struct dropin *in = &files->list[i];
                if (in->file && fold_same(in->file->layer, layer->name))
                        return BACKING_GOOD;
                if (is_broken(in, name))
                        backing = BACKING_BROKEN;
        }
        return backing;
}

static int forget_layer(struct loading *l, const struct contents_layer *held)
{
        struct transaction *tx = l->tx;

        tx->layers_touched = true;
        store_set_author(tx->store, &held->author);
        int e = transaction_op(tx, &(struct store_op){ .code = STORE_FORGET_FILE, .layer = held->name });
        store_set_author(tx->store, NULL);
        if (e == 0)
                (void)layers_remove(&l->layers, held->name);
        return e;
}

/* Of a file that is gone nobody knows whose it was. */
static uid_t owner_of(const struct dropins *files, const char *path)
{
        for (size_t i = 0; i < files->n; i++)
                if (strcmp(files->list[i].path, path) == 0)
                        return files->list[i].owner;
        return (uid_t)-1;
}

/* Withdraws what the good files do not say any more, and the layers whose files went. */
static int withdraw_rest(struct loading *l)
{
        struct registry_contents *h = &l->contents;
        struct contents_layer *held;
        int e = 0;

        for (uint32_t i = 0; (held = contents_next(h, &i));) {
                const struct layer *layer = layers_find(&l->layers, held->name);
                enum registry_backing backing =
                        layer ? registry_dropins_backing(l->files, layer) : BACKING_BROKEN;
                held->spare = backing == BACKING_BROKEN;
                held->gone = backing == BACKING_GONE;
                if (layer)
                        held->author = author_of(layer->file, &layer->seal, owner_of(l->files, layer->file));
        }
        e = contents_withdraw(l->tx, h);
        for (uint32_t i = 0; e == 0 && (held = contents_next(h, &i));)
                if (held->gone)
                        e = forget_layer(l, held);
        return e;
}

static int apply_all(struct loading *l)
{
        const struct dropins *files = l->files;

        int e = layers_of_files(l->tx->store, &l->layers);
        for (size_t i = 0; e == 0 && i < files->n; i++)
                if (files->list[i].file)
                        e = contents_add(&l->contents, files->list[i].file->layer);
        for (size_t i = 0; e == 0 && i < l->layers.n; i++)
                if (l->layers.list[i].file)
                        e = contents_add(&l->contents, l->layers.list[i].name);
        if (e == 0)
                e = contents_load(l->tx, &l->contents);
        for (size_t i = 0; e == 0 && i < files->n; i++)
                if (files->list[i].file)
                        e = apply_file(l, &files->list[i]);
        return e < 0 ? e : withdraw_rest(l);
}

int registry_apply_dropins(
        struct registry *r, struct dropins *files, struct registry_events *ret, struct diag *d)
{
        _cleanup_(loading_done) struct loading l = { .tx = registry_transaction(r), .files = files };

        int e = registry_begin(r, NULL);
        if (e == 0)
                e = apply_all(&l);
        if (e != 0)
                registry_abort(r);
        else
                e = registry_end(r, ret);
        if (e == 0)
                return 0;
        /* Too much as a whole, which is no file's fault either. */
        return diag_set(
                d, e < 0 ? -e : EFBIG, "the drop-in files cannot be applied: %s", registry_error_text(r, e));
}
