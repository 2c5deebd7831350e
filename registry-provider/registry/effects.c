/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "effects.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../resolve/resolve.h"

/* Each thing is held by a structure and an index, whatever it says itself; and the database holds the pages
 * that change with it, and what they were before. */
#define THING_BYTES 1024u

int effects_take_room(struct effects *fx, size_t bytes)
{
        bytes += THING_BYTES;
        if (bytes > fx->room) {
                fx->room = 0;
                return -EFBIG;
        }
        fx->room -= bytes;
        return 0;
}

void effects_begin(struct effects *fx, bool is_preview, size_t room)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(fx->store);

        fx->history_begun = history_last(fx->store);
        fx->is_preview = is_preview;
        fx->room = room;
}

void effects_end(struct effects *fx)
{
        hashmap_done(&fx->names);
        hashmap_done(&fx->keys);
        arena_done(&fx->arena);
        *fx = (struct effects){
                .store = fx->store, .layers = fx->layers, .schema = fx->schema, .room = fx->room
        };
}

struct probe {
        const struct guid *key;
        const char *name;
        bool is_child;
};

static bool effect_matches(const void *entry, const void *key)
{
        const struct effect *t = entry;
        const struct probe *p = key;
        return t->is_child == p->is_child && guid_equal(&t->key->guid, p->key) &&
               fold_same(t->name, p->name);
}

static uint32_t probe_hash(const struct probe *p)
{
        return fold_hash(p->name, strlen(p->name), guid_hash(p->key) + p->is_child);
}

static struct effect *find(const struct effects *fx, const struct probe *p)
{
        return hashmap_get(&fx->names, probe_hash(p), effect_matches, p);
}

static bool child_shows(const struct effects *fx, const struct layers *l, const struct guid *parent,
        const char *name, const struct guid *guid)
{
        const struct store_path_entry *child;
        return resolve_child(fx->store, l, parent, name, strlen(name), &child) == 0 &&
               guid_equal(&child->target, guid);
}

bool effects_key_is_visible(const struct effects *fx, const struct guid *key)
{
        const struct store_key *k = store_key(fx->store, key);

        for (; k && !guid_is_zero(&k->parent); k = store_key(fx->store, &k->parent))
                if (!child_shows(fx, fx->layers, &k->parent, k->name, &k->guid))
                        return false;
        return k != NULL;
}

static void see(struct effects *fx, const struct layers *now)
{
        for (struct effect_key *k = fx->first_key; k; k = k->next) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(fx->store);
                k->is_visible = k->parent ? k->parent->is_visible &&
                                                    child_shows(fx, now, &k->parent->guid, k->name, &k->guid)
                                          : store_key(fx->store, &k->guid) != NULL;
        }
}

/* As it was when the transaction began: of the names that are noted, that is what they say. */
static bool child_showed(const struct effects *fx, const struct guid *parent, const struct store_key *k)
{
        const struct probe probe = { .key = parent, .name = k->name, .is_child = true };
        const struct effect *t = find(fx, &probe);

        if (t)
                return t->existed && guid_equal(&t->child, &k->guid);
        return child_shows(fx, fx->layers, parent, k->name, &k->guid);
}

static char *path_of(struct arena *into, const struct effect_key *key, const char *child)
{
        size_t child_len = child ? strlen(child) : 0, at = key->path_len + (child ? 1 + child_len : 0);
        char *path = arena_take(into, at + 1);
        if (!path)
                return NULL;
        path[at] = '\0';
        if (child) {
                at -= child_len;
                memcpy(path + at, child, child_len);
                path[--at] = '\\';
        }
        for (; key; key = key->parent) {
                size_t len = strlen(key->name);
                at -= len;
                memcpy(path + at, key->name, len);
                if (key->parent)
                        path[--at] = '\\';
        }
        return path;
}

/* ---- Which changes are policy: a key's place is found once in a transaction, and only beside those that
 * are policy does that need its path ---- */

#define TREE_DEPTH 3u

static const char *const trees[][TREE_DEPTH] = {
        { DEFAULT_HIVE, "System", "Audit" },
        { DEFAULT_HIVE, "System", "Registry" },
};

static enum policy_place place_in_tree(const struct path *path, const char *const tree[TREE_DEPTH])
{
        for (size_t i = 0; i < TREE_DEPTH && i < path->n; i++) {
                size_t len;
                const char *name = path_component(path, i, &len);
                if (!fold_equal(name, len, tree[i], strlen(tree[i])))
                        return POLICY_ELSEWHERE;
        }
        return path->n < TREE_DEPTH ? POLICY_ABOVE : POLICY_WITHIN;
}

static enum policy_place find_place(const struct effects *fx, const struct path *path)
{
        for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
                enum policy_place place = place_in_tree(path, trees[i]);
                if (place != POLICY_ELSEWHERE)
                        return place;
        }
        return schema_has_key(fx->schema, path) ? POLICY_ABOVE : POLICY_ELSEWHERE;
}

/* `text`: NULL where there was no memory for it. */
static int parse_path(const char *text, struct path *ret)
{
        return text ? path_parse(text, strlen(text), path_any_hive, NULL, ret, NULL) : -ENOMEM;
}

static int place_child(
        struct effects *fx, const struct effect_key *parent, const char *name, enum policy_place *ret)
{
        _cleanup_path_ struct path path = { 0 };

        *ret = parent ? parent->place : POLICY_ABOVE;
        if (*ret != POLICY_ABOVE)
                return 0;
        const size_t mark = fx->arena.total;
        int e = parse_path(parent ? path_of(&fx->arena, parent, name) : name, &path);
        arena_trim(&fx->arena, mark);
        /* What could not be written today is not policy. */
        *ret = e == 0 ? find_place(fx, &path) : POLICY_ELSEWHERE;
        return e == -ENOMEM ? e : 0;
}

/* ---- Noting what a name means before the first change to it ---- */

static bool key_matches(const void *entry, const void *key)
{
        const struct effect_key *k = entry;
        return guid_equal(&k->guid, key);
}

/* Below *at, which becomes the new one; NULL: a hive's root. */
static int add_key(struct effects *fx, const struct store_key *key, struct effect_key **at)
{
        struct effect_key *parent = *at;
        size_t len = strlen(key->name);
        enum policy_place place;
        bool was_visible = !parent || (parent->was_visible && child_showed(fx, &parent->guid, key));
        int e = store_error(fx->store, NULL);
        if (e == 0)
                e = effects_take_room(fx, len);
        if (e == 0)
                e = place_child(fx, parent, key->name, &place);
        if (e < 0)
                return e;
        struct effect_key *k = arena_take(&fx->arena, sizeof(*k) + len + 1);
        if (!k)
                return -ENOMEM;
        *k = (struct effect_key){
                .parent = parent,
                .guid = key->guid,
                .was_visible = was_visible,
                .place = place,
                .path_len = parent ? parent->path_len + 1 + len : len,
        };
        memcpy(k->name, key->name, len + 1);
        e = hashmap_put(&fx->keys, guid_hash(&key->guid), k);
        if (e < 0)
                return e;
        if (fx->last_key)
                fx->last_key->next = k;
        else
                fx->first_key = k;
        fx->last_key = *at = k;
        return 0;
}

/* All keys on the way up are noted as well, so that each costs no more than its own name. */
static int take_key(struct effects *fx, const struct guid *guid, struct effect_key **ret)
{
        const struct store_key *missing[PATH_DEPTH_MAX];
        struct effect_key *k = fx->recent;
        size_t n = 0;
        int e = 0;

        if (k && guid_equal(&k->guid, guid)) {
                *ret = k;
                return 0;
        }
        while (!(k = hashmap_get(&fx->keys, guid_hash(guid), key_matches, guid))) {
                const struct store_key *key = store_key(fx->store, guid);
                *ret = NULL;
                if (!key || n == ARRAY_SIZE(missing))
                        return store_error(fx->store, NULL);
                missing[n++] = key;
                guid = &key->parent;
                if (guid_is_zero(guid))
                        break;
        }
        while (e == 0 && n > 0)
                e = add_key(fx, missing[--n], &k);
        if (e == 0)
                *ret = fx->recent = k;
        return e;
}

static int add_effect(struct effects *fx, struct effect *t)
{
        const struct probe probe = { .key = &t->key->guid, .name = t->name, .is_child = t->is_child };

        int e = effects_take_room(fx, strlen(t->name) + t->size);
        if (e == 0)
                e = hashmap_put(&fx->names, probe_hash(&probe), t);
        if (e < 0)
                return e;
        if (fx->last)
                fx->last->next = t;
        else
                fx->first = t;
        fx->last = t;
        return 0;
}

static const char *copy_text(struct arena *into, const char *text)
{
        return arena_copy(into, text, strlen(text));
}

/* What it means now; of a name that is not there, that alone. */
static int load_value(struct effects *fx, struct effect *t, const char *name)
{
        const struct store_value_entry *v;
        int e = resolve_value(fx->store, fx->layers, &t->key->guid, name, strlen(name), &v);

        if (e < 0 && e != -ENOENT && e != -EBADMSG)
                return e;
        t->existed = e == 0;
        t->name = copy_text(&fx->arena, t->existed ? v->name : name);
        if (!t->name || !t->existed)
                return t->name ? 0 : -ENOMEM;
        t->type = v->type;
        t->size = v->size;
        t->data = arena_copy(&fx->arena, v->data, v->size);
        t->layer = copy_text(&fx->arena, v->layer);
        return t->data && t->layer ? 0 : -ENOMEM;
}

static int load_child(struct effects *fx, struct effect *t, const char *name)
{
        const struct store_path_entry *child;
        int e = resolve_child(fx->store, fx->layers, &t->key->guid, name, strlen(name), &child);

        if (e < 0 && e != -ENOENT && e != -EBADMSG)
                return e;
        t->is_child = true;
        t->existed = e == 0;
        if (t->existed)
                t->child = child->target;
        t->name = copy_text(&fx->arena, t->existed ? child->name : name);
        return t->name ? 0 : -ENOMEM;
}

int effects_note(
        struct effects *fx, const struct guid *guid, const char *name, bool is_child, struct effect **ret)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(fx->store);
        struct effect *t = find(fx, &(struct probe){ guid, name, is_child });

        if (!t) {
                struct effect_key *key;
                int e = take_key(fx, guid, &key);
                if (e < 0 || !key)
                        return e;
                t = arena_take(&fx->arena, sizeof(*t));
                if (!t)
                        return -ENOMEM;
                *t = (struct effect){ .key = key };
                e = (is_child ? load_child : load_value)(fx, t, name);
                if (e == 0)
                        e = add_effect(fx, t);
                if (e < 0)
                        return e;
        }
        if (ret)
                *ret = t;
        return 0;
}

int effects_note_values(struct effects *fx, const struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(fx->store);
        size_t n;
        const struct store_value_entry *const *values = store_values(fx->store, key, 0, &n);
        int e = 0;

        for (size_t i = 0; e == 0 && i < n; i++)
                e = effects_note(fx, key, values[i]->name, false, NULL);
        return e;
}

static int note_layer(struct effects *fx, const char *layer)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(fx->store);
        size_t n;
        const struct store_held *held = store_layer(fx->store, layer, &n);
        int e = store_error(fx->store, NULL);

        for (size_t i = 0; e == 0 && i < n; i++)
                if (held[i].kind == STORE_BLANKET)
                        e = effects_note_values(fx, &held[i].guid);
                else
                        e = effects_note(fx, &held[i].guid, held[i].name, held[i].kind == STORE_ENTRY, NULL);
        return e;
}

/* The base layer never changes. */
static int note_changed_layers(struct effects *fx, const struct layers *now)
{
        int e = 0;

        for (size_t i = 0; e == 0 && i < now->n; i++)
                if (layers_changed(fx->layers, now, now->list[i].name))
                        e = note_layer(fx, now->list[i].name);
        for (size_t i = 0; e == 0 && i < fx->layers->n; i++)
                if (!layers_find(now, fx->layers->list[i].name))
                        e = note_layer(fx, fx->layers->list[i].name);
        return e;
}

/* ---- Whether a change is policy ---- */

static int is_child_policy(struct effects *fx, const struct guid *parent, const char *name, bool *ret)
{
        struct effect_key *key = NULL;
        enum policy_place place = POLICY_ELSEWHERE;
        const bool is_root = guid_is_zero(parent);

        int e = is_root ? 0 : take_key(fx, parent, &key);
        if (e == 0 && (key || is_root))
                e = place_child(fx, key, name, &place);
        *ret = place != POLICY_ELSEWHERE;
        return e;
}

/* `name`: NULL for all that are in the key. Above what is policy, a value is that a control is bound to. */
static int are_values_policy(struct effects *fx, const struct guid *guid, const char *name, bool *ret)
{
        _cleanup_path_ struct path path = { 0 };
        struct effect_key *key;

        int e = take_key(fx, guid, &key);
        *ret = e == 0 && key && key->place != POLICY_ELSEWHERE;
        if (e < 0 || !key || !name || key->place != POLICY_ABOVE)
                return e;
        const size_t mark = fx->arena.total;
        e = parse_path(path_of(&fx->arena, key, NULL), &path);
        arena_trim(&fx->arena, mark);
        if (e < 0)
                return e;
        const struct schema_value *sv = schema_find(fx->schema, &path, name);
        *ret = sv && sv->control;
        return 0;
}

int effects_is_policy(struct effects *fx, const struct store_op *op, bool *ret)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(fx->store);
        const struct store_key *key;

        *ret = false;
        switch (op->code) {
        case STORE_CREATE_ENTRY:
        case STORE_HIDE_ENTRY:
        case STORE_DELETE_ENTRY:
                return is_child_policy(fx, &op->guid, op->name, ret);
        case STORE_CREATE_KEY:
                return is_child_policy(fx, &op->target, op->name, ret);
        case STORE_DROP_KEY:
                key = store_key(fx->store, &op->guid);
                return key ? is_child_policy(fx, &key->parent, key->name, ret)
                           : store_error(fx->store, NULL);
        case STORE_SET_VALUE:
        case STORE_DELETE_VALUE:
                return are_values_policy(fx, &op->guid, op->name, ret);
        case STORE_SET_BLANKET:
                return are_values_policy(fx, &op->guid, NULL, ret);
        default:
                /* The store knows of the others. */
                return 0;
        }
}

/* ---- What names mean after the changes. What is in a key that cannot be reached is not there. ---- */

/* All that is in one key have its path together; a deleted key is reported by its own. */
static const char *path_of_event(struct arena *into, struct effect_key *key, const char *deleted)
{
        if (deleted)
                return path_of(into, key, deleted);
        if (!key->path)
                key->path = path_of(into, key, NULL);
        return key->path;
}

/* Of a name in the key. */
static int add_event(struct effects *fx, struct registry_events *events, enum registry_event_kind kind,
        struct effect_key *key, const char *name, const struct store_value_entry *v, bool is_write)
{
        const bool own_path = kind == EVENT_KEY_DELETED;
        struct arena *into = &events->arena;

        int error = effects_take_room(fx, key->path_len + strlen(name) + (v ? v->size : 0));
        if (error == 0)
                error = array_grow(&events->list, events->n, sizeof(*events->list));
        if (error < 0)
                return error;
        const struct registry_event e = { .kind = kind,
                .path = path_of_event(into, key, own_path ? name : NULL),
                .name = own_path ? "" : copy_text(into, name),
                .type = v ? v->type : REG_TOMBSTONE,
                .data = v ? arena_copy(into, v->data, v->size) : NULL,
                .size = v ? v->size : 0,
                .layer = v ? copy_text(into, v->layer) : NULL,
                .is_write = is_write };
        if (!e.path || !e.name || (v && (!e.data || !e.layer)))
                return -ENOMEM;
        events->list[events->n++] = e;
        return 0;
}

static int value_event(
        struct effects *fx, const struct layers *now, struct effect *t, struct registry_events *ret)
{
        const struct store_value_entry *v;
        bool existed = t->existed && t->key->was_visible;
        bool exists = t->key->is_visible &&
                      resolve_value(fx->store, now, &t->key->guid, t->name, strlen(t->name), &v) == 0;

        t->is_effective = exists != existed;
        if (!exists && existed)
                return add_event(fx, ret, EVENT_VALUE_DELETED, t->key, t->name, NULL, t->is_write);
        if (!exists)
                return t->is_write ? add_event(fx, ret, EVENT_VALUE_UNCHANGED, t->key, t->name, NULL, true)
                                   : 0;

        const struct value before = { .type = t->type, .data = t->data, .size = t->size };
        const struct value after = { .type = v->type, .data = v->data, .size = v->size };
        t->is_effective |= !value_equal(&before, &after);
        if (t->is_effective)
                return add_event(fx, ret, EVENT_VALUE_SET, t->key, v->name, v, t->is_write);
        if (t->is_write || strcmp(t->layer, v->layer) != 0)
                return add_event(fx, ret, EVENT_VALUE_UNCHANGED, t->key, v->name, v, t->is_write);
        return 0;
}

static int child_event(
        struct effects *fx, const struct layers *now, struct effect *t, struct registry_events *ret)
{
        const struct store_path_entry *child;
        bool existed = t->existed && t->key->was_visible;
        bool exists = t->key->is_visible &&
                      resolve_child(fx->store, now, &t->key->guid, t->name, strlen(t->name), &child) == 0;

        t->is_effective = existed != exists || (exists && !guid_equal(&child->target, &t->child));
        if (!t->is_effective)
                return 0;
        int e = existed ? add_event(fx, ret, EVENT_KEY_DELETED, t->key, t->name, NULL, false) : 0;
        if (e == 0 && existed)
                e = add_event(fx, ret, EVENT_SUBKEY_DELETED, t->key, t->name, NULL, false);
        if (e < 0 || !exists)
                return e;
        return add_event(fx, ret, EVENT_SUBKEY_CREATED, t->key, child->name, NULL, false);
}

/* What was written and changed nothing is marked in the history, which does not resolve layers. */
static int mark_shadowed(struct effects *fx)
{
        int64_t id = fx->history_begun;

        for (int e = 0;;) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(fx->store);
                const struct history_row *row = history_after(fx->store, id);
                if (!row || e < 0)
                        return e;
                bool is_child = row->op == STORE_CREATE_ENTRY || row->op == STORE_HIDE_ENTRY ||
                                row->op == STORE_DELETE_ENTRY;
                bool is_named = is_child || row->op == STORE_SET_VALUE || row->op == STORE_DELETE_VALUE;
                const struct effect *t =
                        is_named ? find(fx, &(struct probe){ &row->key, row->name, is_child }) : NULL;
                if (t && !t->is_effective)
                        e = history_shadowed(fx->store, row->id);
                id = row->id;
        }
}

int effects_to_events(struct effects *fx, const struct layers *now, struct registry_events *ret)
{
        int e = note_changed_layers(fx, now);
        bool is_shadowed = false;

        if (e == 0)
                see(fx, now);
        for (struct effect *t = fx->first; e == 0 && t; t = t->next) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(fx->store);
                e = (t->is_child ? child_event : value_event)(fx, now, t, ret);
                is_shadowed |= !t->is_effective;
        }
        for (size_t i = 0; e == 0 && i < ret->n; i++)
                if (ret->list[i].layer)
                        ret->list[i].seal = layers_find(now, ret->list[i].layer)->seal;
        return e < 0 || !is_shadowed || fx->is_preview ? e : mark_shadowed(fx);
}
