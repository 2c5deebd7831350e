/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-part-internal.h"

#include <errno.h>
#include <string.h>

#include "transaction.h"

/* Where a path leads. */
struct place {
        struct guid key;
        bool is_dangling; /* the key is not there */
};

static void drop_item(struct registry_part_item **at)
{
        struct registry_part_item *item = *at;

        *at = item->next;
        free(item);
}

static bool slot_matches(const void *entry, const void *key)
{
        const struct slot *s = entry;
        const struct probe *p = key;
        return s->kind == p->kind && guid_equal(&s->key, p->key) &&
               fold_equal(s->name, s->len, p->name, p->len);
}

static uint32_t probe_hash(const struct probe *p)
{
        return fold_hash(p->name, p->len, guid_hash(p->key) + (uint32_t)p->kind);
}

struct slot *registry_part_find_slot(const struct registry_part *p, const struct probe *probe)
{
        return hashmap_get(&p->slots, probe_hash(probe), slot_matches, probe);
}

/* What is there, or an empty one; NULL: out of memory. */
static struct slot *take_slot(struct registry_part *p, const struct probe *probe, bool *ret_new)
{
        struct slot *slot = registry_part_find_slot(p, probe);

        *ret_new = !slot;
        if (slot)
                return slot;
        slot = malloc(sizeof(*slot) + probe->len);
        if (!slot)
                return NULL;
        *slot = (struct slot){ .key = *probe->key, .kind = probe->kind, .len = probe->len };
        memcpy(slot->name, probe->name, probe->len);
        if (hashmap_put(&p->slots, probe_hash(probe), slot) < 0) {
                free(slot);
                return NULL;
        }
        return slot;
}

/* What is read comes newest first, as it stands in the slot. */
static int add_read(struct registry_part_item ***end, const struct registry_part_item *item)
{
        struct registry_part_item *copy = malloc(sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        *copy = *item;
        **end = copy;
        *end = &copy->next;
        return 0;
}

/* ---- Reading the store ---- */

static int read_values(struct registry_part *p, const struct guid *key, const char *name)
{
        bool is_new;
        int r = 0;

        struct slot *slot = take_slot(p, &(struct probe){ SLOT_VALUE, key, name, strlen(name) }, &is_new);
        if (!slot)
                return -ENOMEM;
        struct registry_part_item **end = &slot->items;
        const struct store_value_entry *v = is_new ? store_value(p->from, key, name, strlen(name)) : NULL;
        for (; r == 0 && v; v = v->next)
                r = add_read(&end, &(struct registry_part_item){ .layer = v->layer,
                                           .sequence = v->sequence,
                                           .value = { v->type, v->size, v->data } });
        if (r < 0)
                return r;
        slot = take_slot(p, &(struct probe){ SLOT_BLANKET, key, "", 0 }, &is_new);
        if (!slot)
                return -ENOMEM;
        end = &slot->items;
        const struct store_blanket *b = is_new ? store_blankets(p->from, key) : NULL;
        for (; r == 0 && b; b = b->next)
                r = add_read(
                        &end, &(struct registry_part_item){ .layer = b->layer, .sequence = b->sequence });
        return r;
}

static int read_children(
        struct registry_part *p, const struct guid *key, const char *name, size_t len, struct slot **ret)
{
        bool is_new;
        int r = 0;

        struct slot *slot = take_slot(p, &(struct probe){ SLOT_CHILD, key, name, len }, &is_new);
        if (!slot)
                return -ENOMEM;
        struct registry_part_item **end = &slot->items;
        const struct store_path_entry *e = is_new ? store_lookup(p->from, key, name, len) : NULL;
        for (; r == 0 && e; e = e->next)
                r = add_read(&end, &(struct registry_part_item){ .layer = e->layer,
                                           .sequence = e->sequence,
                                           .target = e->target,
                                           .is_hidden = e->hidden,
                                           .is_dangling = e->dangling,
                                           .is_link = e->is_link });
        *ret = slot;
        return r;
}

/* Layers that name one key share it: whether an entry before `item` names the same. */
static bool is_met(const struct registry_part_item *first, const struct registry_part_item *item)
{
        while (first != item && (first->is_hidden || !guid_equal(&first->target, &item->target)))
                first = first->next;
        return first != item;
}

/* From component number `depth` on, below each key that any layer names. */
static int read_path(struct registry_part *p, const struct guid *key, size_t need, size_t depth)
{
        const struct path *path = &p->needs[need].key;
        struct slot *slot;
        size_t len;

        if (depth == path->n)
                return read_values(p, key, p->needs[need].name);
        const char *name = path_component(path, depth, &len);
        int r = read_children(p, key, name, len, &slot);
        for (const struct registry_part_item *i = r == 0 ? slot->items : NULL; r == 0 && i; i = i->next)
                if (!i->is_hidden && !i->is_dangling && !is_met(slot->items, i))
                        r = i->is_link ? read_values(p, &i->target, "")
                                       : read_path(p, &i->target, need, depth + 1);
        return r;
}

static const struct guid no_key;

static int read_value(struct registry_part *p, size_t need)
{
        bool is_new;
        size_t len;
        const char *hive = path_component(&p->needs[need].key, 0, &len);
        struct slot *slot = take_slot(p, &(struct probe){ SLOT_ROOT, &no_key, hive, len }, &is_new);

        if (!slot)
                return -ENOMEM;
        const struct store_key *root = is_new ? store_root(p->from, hive, len) : NULL;
        struct registry_part_item **end = &slot->items;
        int r = root ? add_read(&end, &(struct registry_part_item){ .layer = "", .target = root->guid }) : 0;
        if (r < 0 || !slot->items)
                return r;
        return read_path(p, &slot->items->target, need, 1);
}

static void drop_slots(struct registry_part *p)
{
        struct slot *slot;

        for (uint32_t i = 0; (slot = hashmap_next(&p->slots, &i)); free(slot))
                while (slot->items)
                        drop_item(&slot->items);
        hashmap_done(&p->slots);
        layers_done(&p->layers);
        p->layers = (struct layers){ 0 };
}

static int read_needs(struct registry_part *p)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < p->n_needs; i++)
                r = read_value(p, i);
        if (r == 0)
                r = layers_of_files(p->from, &p->layers);
        if (r == 0)
                r = layers_add_metadata(p->from, NULL, &p->layers);
        p->sequence = store_last_sequence(p->from);
        return r == 0 ? store_error(p->from, NULL) : r;
}

struct registry_part *registry_part_free(struct registry_part *p)
{
        if (!p)
                return NULL;
        drop_slots(p);
        registry_part_needs_done(p);
        if (p->from)
                store_scope_end(&p->scope);
        free(p);
        return NULL;
}

/* As the store has it. */
static int begin(struct registry_part *p)
{
        drop_slots(p);
        p->sequence = 0;
        p->turn = 0;
        return p->from ? read_needs(p) : layers_init(&p->layers);
}

/* What links lead to is known only when what they are has been read: then all begins anew. */
static int read_all(struct registry_part *p)
{
        size_t n;
        int r;

        do {
                n = p->n_needs;
                r = begin(p);
                if (r == 0)
                        r = registry_part_need_targets(p);
        } while (r == 0 && n < p->n_needs);
        return r;
}

static int take_schema(struct registry_part *p)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < p->schema->n; i++)
                if (p->schema->values[i].control)
                        r = registry_part_need(p, &p->schema->values[i].key, p->schema->values[i].name);
        p->n_of_schema = p->n_needs;
        return r;
}

int registry_part_new(
        const struct store *from, const struct schema *schema, struct registry_part **ret, struct diag *d)
{
        _cleanup_(registry_part_freep) struct registry_part *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->from = from;
        p->schema = schema;
        if (from)
                p->scope = store_scope_begin(from);
        int r = take_schema(p);
        if (r == 0)
                r = read_all(p);
        if (r < 0)
                return from && store_is_failure(r) && store_failure(from)[0]
                               ? diag_set(d, -r, "%s", store_failure(from))
                               : r;
        *ret = STEAL_PTR(p);
        return 0;
}

/* ---- Laying files over it ---- */

/* The layer's own entry. */
static struct registry_part_item *item_of(const struct slot *slot, const char *layer)
{
        struct registry_part_item *item = slot->items;

        while (item && (item->replaced || !fold_same(item->layer, layer)))
                item = item->next;
        return item;
}

/* The layer's entry is a new one. NULL: out of memory. */
static struct registry_part_item *put_item(struct registry_part *p, struct slot *slot, const char *layer)
{
        struct registry_part_item *mine = item_of(slot, layer), *item = calloc(1, sizeof(*item));

        if (!item)
                return NULL;
        if (mine)
                mine->replaced = p->turn;
        *item = (struct registry_part_item){
                .next = slot->items,
                .layer = layer,
                .sequence = ++p->sequence,
                .is_said = true,
                .made = p->turn,
        };
        return slot->items = item;
}

/* As registry_named(). */
static const struct registry_part_item *named_item(
        const struct slot *slot, const struct registry_part_item *mine)
{
        if (mine && !mine->is_hidden)
                return mine;
        for (const struct registry_part_item *i = slot->items; i; i = i->next)
                if (!i->replaced && !i->is_hidden)
                        return i;
        return NULL;
}

/* As transaction_make_keys() has it: what a file made is a link, or none, as the file says now. */
static int check_link(const struct slot *slot, const struct registry_part_item *mine,
        const struct registry_part_item **named, const struct path *path, size_t i, bool makes_link,
        struct diag *d)
{
        bool is_only_name = *named == mine;

        if (!*named || (*named)->is_link == makes_link)
                return 0;
        for (const struct registry_part_item *o = slot->items; o; o = o->next)
                is_only_name &= o == mine || o->replaced || o->is_hidden;
        if (is_only_name) {
                *named = NULL;
                return 0;
        }
        return makes_link ? registry_fail(d, REGISTRY_EXISTS,
                                    "%s: there is a key that is no link, which no write changes", path->text)
                          : registry_fail(d, REGISTRY_BAD_LINK, "%.*s: is a link, expected a key",
                                    path->ends[i], path->text);
}

/* One step of the way, to component number i, below *at, which becomes it. */
static int make_child(struct registry_part *p, const char *layer, const struct path *path, size_t i,
        bool makes_link, struct place *at, struct diag *d)
{
        bool is_new;
        size_t len;
        const char *name = path_component(path, i, &len);
        struct slot *slot = take_slot(p, &(struct probe){ SLOT_CHILD, &at->key, name, len }, &is_new);

        if (!slot)
                return -ENOMEM;
        struct registry_part_item *mine = item_of(slot, layer);
        const struct registry_part_item *named = named_item(slot, mine);
        struct place next = { 0 };

        int r = check_link(slot, mine, &named, path, i, makes_link, d);
        if (r != 0)
                return r;
        if (mine)
                mine->is_said = true;
        if (!mine || named != mine) {
                if (at->is_dangling)
                        return -ENOENT;
                if (named)
                        next = (struct place){ named->target, named->is_dangling };
                r = named ? 0 : guid_new(&next.key);
                struct registry_part_item *made = r == 0 ? put_item(p, slot, layer) : NULL;
                if (!made)
                        return r < 0 ? r : -ENOMEM;
                made->target = next.key;
                made->is_dangling = next.is_dangling;
                made->is_link = makes_link;
                named = made;
        }
        *at = (struct place){ named->target, named->is_dangling };
        return 0;
}

/* The path's first `n` components; `makes_link`: the last one is a link. */
static int make_keys(struct registry_part *p, const char *layer, const struct path *path, size_t n,
        bool makes_link, struct place *ret, struct diag *d)
{
        bool is_new;
        size_t len;
        const char *name = path_component(path, 0, &len);
        struct slot *slot = take_slot(p, &(struct probe){ SLOT_ROOT, &no_key, name, len }, &is_new);
        struct registry_part_item *root = slot ? slot->items : NULL;
        int r = slot ? 0 : -ENOMEM;

        if (slot && !root) {
                root = put_item(p, slot, "");
                r = root ? guid_new(&root->target) : -ENOMEM;
        }
        if (r < 0)
                return r;
        *ret = (struct place){ .key = root->target };
        for (size_t i = 1; i < n; i++) {
                r = make_child(p, layer, path, i, makes_link && i + 1 == n, ret, d);
                if (r < 0)
                        return diag_set(d, -r, "%.*s: the key cannot be made: %s", path->ends[i], path->text,
                                registry_error_text(NULL, r));
                if (r > 0)
                        return r;
        }
        return 0;
}

static int hide_key(struct registry_part *p, const char *layer, const struct path *path, struct diag *d)
{
        struct place parent;
        bool is_new;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);

        int r = make_keys(p, layer, path, path->n - 1, false, &parent, d);
        if (r != 0 || parent.is_dangling)
                return r != 0 ? r : -ENOENT;
        struct slot *slot = take_slot(p, &(struct probe){ SLOT_CHILD, &parent.key, name, len }, &is_new);
        struct registry_part_item *mine = slot ? item_of(slot, layer) : NULL;
        if (slot && !(mine && mine->is_hidden))
                mine = put_item(p, slot, layer);
        if (!mine)
                return -ENOMEM;
        mine->is_hidden = mine->is_said = true;
        return 0;
}

/* `after_blanket`: the key's blanket is newer than what the layer has there, and would mask it. */
static int put_value(struct registry_part *p, const char *layer, const struct path *path,
        const struct guid *key, const struct hive_value *v, bool after_blanket, struct diag *d)
{
        bool is_new;
        unsigned others = 0;
        struct slot *slot =
                take_slot(p, &(struct probe){ SLOT_VALUE, key, v->name, strlen(v->name) }, &is_new);
        struct registry_part_item *mine = slot ? item_of(slot, layer) : NULL;

        for (const struct registry_part_item *i = slot && !mine ? slot->items : NULL; i; i = i->next)
                others += !i->replaced;
        if (others >= STORE_VALUE_LAYERS_MAX)
                return registry_value_failed(path, v->name, -EDQUOT, d);
        if (mine && !after_blanket && value_equal(&mine->value, &v->value)) {
                mine->is_said = true;
                return 0;
        }
        mine = slot ? put_item(p, slot, layer) : NULL;
        if (!mine)
                return -ENOMEM;
        mine->value = v->value;
        return 0;
}

static int put_key(struct registry_part *p, const char *layer, const struct hive_key *k, struct diag *d)
{
        struct place at;
        bool is_new, after_blanket = false;

        if (k->hidden)
                return hide_key(p, layer, &k->path, d);
        int r = k->is_link ? transaction_check_link(&k->path, d) : 0;
        if (r == 0)
                r = make_keys(p, layer, &k->path, k->path.n, k->is_link, &at, d);
        if (r == 0 && k->blanket) {
                struct slot *slot = take_slot(p, &(struct probe){ SLOT_BLANKET, &at.key, "", 0 }, &is_new);
                struct registry_part_item *mine = slot ? item_of(slot, layer) : NULL;
                after_blanket = !mine;
                if (slot && !mine)
                        mine = put_item(p, slot, layer);
                if (!mine || at.is_dangling)
                        return mine ? -ENOENT : -ENOMEM;
                mine->is_said = true;
        }
        if (r == 0 && k->n_values > 0 && at.is_dangling)
                return registry_value_failed(&k->path, k->values[0].name, -ENOENT, d);
        for (size_t i = 0; r == 0 && i < k->n_values; i++)
                r = put_value(p, layer, &k->path, &at.key, &k->values[i], after_blanket, d);
        return r;
}

/* Of a key, or of one above it that a file can hide, or make a link of. */
static bool is_needed(const struct registry_part *p, const struct path *key)
{
        for (size_t i = 0; i < p->n_needs; i++)
                if (path_is_below(&p->needs[i].key, key))
                        return true;
        return false;
}

/* Takes back what the layer's file has made and confirmed. */
static void undo_turn(struct registry_part *p, const char *layer)
{
        struct slot *slot;

        for (uint32_t i = 0; (slot = hashmap_next(&p->slots, &i));)
                for (struct registry_part_item **at = &slot->items, *item; (item = *at);)
                        if (item->made == p->turn) {
                                drop_item(at);
                        } else {
                                if (item->replaced == p->turn)
                                        item->replaced = 0;
                                item->is_said = item->is_said && !fold_same(item->layer, layer);
                                at = &item->next;
                        }
}

static int put_file(
        struct registry_part *p, const struct dropin *in, struct layers *of_files, struct diag *d)
{
        const struct hive_file *f = in->file;
        int r = 0;

        p->turn++;
        for (size_t i = 0; r == 0 && i < f->n_keys; i++)
                if (is_needed(p, &f->keys[i].path))
                        r = put_key(p, f->layer, &f->keys[i], d);
        if (r == 0)
                r = layers_set_file(of_files,
                        &(struct store_file){ f->layer, in->path, f->precedence, f->enabled, f->seal });
        if (r != 0)
                undo_turn(p, f->layer);
        return r;
}

static int apply_file(
        struct registry_part *p, const struct dropins *files, struct dropin *in, struct layers *of_files)
{
        struct diag d = { 0 };
        const struct layer *known = layers_find(&p->layers, in->file->layer);
        bool is_taken = known && !known->file && p->from && store_layer_is_used(p->from, known->name);

        int r = registry_dropins_check(files, in, &p->layers, of_files, is_taken, &d);
        if (r == 0)
                r = put_file(p, in, of_files, &d);
        return r != 0 ? registry_dropins_refuse(in, r, &d) : 0;
}

/* What the good files do not say any more, and the layers whose files went. */
static void withdraw_rest(struct registry_part *p, const struct dropins *files, const struct layer *layer)
{
        enum registry_backing backing = registry_dropins_backing(files, layer);
        struct slot *slot;

        for (uint32_t i = 0; backing != BACKING_BROKEN && (slot = hashmap_next(&p->slots, &i));)
                for (struct registry_part_item **at = &slot->items, *item; (item = *at);)
                        if (!item->is_said && fold_same(item->layer, layer->name))
                                drop_item(at);
                        else
                                at = &item->next;
}

static int apply_all(struct registry_part *p, struct dropins *files, struct layers *of_files)
{
        int r = p->from ? layers_of_files(p->from, of_files) : layers_init(of_files);
        for (size_t i = 0; r == 0 && i < files->n; i++)
                if (files->list[i].file)
                        r = apply_file(p, files, &files->list[i], of_files);
        for (size_t i = of_files->n; r == 0 && i-- > 0;) {
                const struct layer *layer = &of_files->list[i];
                if (!layer->file)
                        continue;
                withdraw_rest(p, files, layer);
                if (registry_dropins_backing(files, layer) == BACKING_GONE)
                        (void)layers_remove(of_files, layer->name);
        }
        if (r == 0 && p->from)
                r = layers_add_metadata(p->from, &p->layers, of_files);
        return r == 0 && p->from ? store_error(p->from, NULL) : r;
}

static int apply_once(struct registry_part *p, struct dropins *files)
{
        struct layers layers = { 0 };

        int r = apply_all(p, files, &layers);
        if (r < 0) {
                layers_done(&layers);
                return r;
        }
        layers_done(&p->layers);
        p->layers = layers;
        return registry_part_need_targets(p);
}

int registry_part_apply(struct registry_part *p, struct dropins *files, struct diag *d)
{
        size_t n = p->n_needs;

        p->files = files;
        int r = apply_once(p, files);
        while (r == 0 && n < p->n_needs) {
                n = p->n_needs;
                r = begin(p);
                if (r == 0)
                        r = apply_once(p, files);
        }
        return r == 0 ? 0
                      : diag_set(d, -r, "the drop-in files cannot be applied: %s",
                                p->from && store_is_failure(r) && store_failure(p->from)[0]
                                        ? store_failure(p->from)
                                        : strerror(-r));
}
