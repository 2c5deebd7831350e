/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What names meant before the open transaction. */

#include <errno.h>
#include <string.h>

#include "registry-internal.h"

static void touch_free(struct touch *t)
{
        if (!t)
                return;
        free(t->name);
        free(t->data);
        free(t->layer);
        free(t);
}
DEFINE_CLEANUP(struct touch *, touch_free, touch_freep);

void touches_clear(struct registry *r)
{
        struct touches *touches = &r->touches;

        for (struct touch *t = touches->first, *next; t; t = next) {
                next = t->next;
                touch_free(t);
        }
        for (struct touched_key *k = touches->first_key, *next; k; k = next) {
                next = k->next;
                free(k);
        }
        hashmap_done(&touches->names);
        hashmap_done(&touches->keys);
        *touches = (struct touches){ 0 };
}

struct probe {
        const struct guid *key;
        const char *name;
        bool is_child;
};

static bool touch_matches(const void *entry, const void *key)
{
        const struct touch *t = entry;
        const struct probe *p = key;
        return t->is_child == p->is_child && guid_equal(&t->key->guid, p->key) &&
               fold_equal(t->name, strlen(t->name), p->name, strlen(p->name));
}

static uint32_t guid_hash(const struct guid *guid)
{
        return hashmap_hash(guid->bytes, sizeof(guid->bytes), hashmap_seed());
}

static uint32_t probe_hash(const struct probe *p)
{
        return fold_hash(p->name, strlen(p->name), guid_hash(p->key) + p->is_child);
}

static struct touch *touch_find(const struct registry *r, const struct probe *p)
{
        return hashmap_get(&r->touches.names, probe_hash(p), touch_matches, p);
}

struct touch *touch_of_row(const struct registry *r, const struct history_row *row)
{
        bool is_child = row->op == STORE_CREATE_ENTRY || row->op == STORE_HIDE_ENTRY ||
                        row->op == STORE_DELETE_ENTRY;

        if (!is_child && row->op != STORE_SET_VALUE && row->op != STORE_DELETE_VALUE)
                return NULL;
        return touch_find(r, &(struct probe){ &row->key, row->name, is_child });
}

static bool child_shows(const struct registry *r, const struct layers *l, const struct guid *parent,
        const char *name, const struct guid *guid)
{
        const struct store_path_entry *child;
        return resolve_child(r->store, l, parent, name, strlen(name), &child) == 0 &&
               guid_equal(&child->target, guid);
}

bool key_is_visible(const struct registry *r, const struct layers *l, const struct guid *key)
{
        const struct store_key *k = store_key(r->store, key);

        for (; k && !guid_is_zero(&k->parent); k = store_key(r->store, &k->parent))
                if (!child_shows(r, l, &k->parent, k->name, &k->guid))
                        return false;
        return k != NULL;
}

void touches_see(struct registry *r, const struct layers *now)
{
        for (struct touched_key *k = r->touches.first_key; k; k = k->next) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
                k->is_visible = k->parent ? k->parent->is_visible &&
                                                    child_shows(r, now, &k->parent->guid, k->name, &k->guid)
                                          : store_key(r->store, &k->guid) != NULL;
        }
}

/* As it was when the transaction began: of the names it has touched, that is what they say. */
static bool child_showed(const struct registry *r, const struct guid *parent, const struct store_key *k)
{
        const struct probe probe = { .key = parent, .name = k->name, .is_child = true };
        const struct touch *t = touch_find(r, &probe);

        if (t)
                return t->existed && guid_equal(&t->child, &k->guid);
        return child_shows(r, &r->layers, parent, k->name, &k->guid);
}

char *touched_path(const struct touched_key *key, const char *child)
{
        size_t child_len = child ? strlen(child) : 0, at = key->path_len + (child ? 1 + child_len : 0);
        char *path = malloc(at + 1);
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

static bool key_matches(const void *entry, const void *key)
{
        const struct touched_key *k = entry;
        return guid_equal(&k->guid, key);
}

/* Below *at, which becomes the new one; NULL: a hive's root. */
static int add_key(struct registry *r, const struct store_key *key, struct touched_key **at)
{
        struct touches *touches = &r->touches;
        struct touched_key *parent = *at;
        size_t len = strlen(key->name);
        enum policy_place place;
        bool was_visible = !parent || (parent->was_visible && child_showed(r, &parent->guid, key));
        int e = store_error(r->store, NULL);
        if (e == 0)
                e = registry_take_room(r, len);
        if (e == 0)
                e = registry_place_child(r, parent, key->name, &place);
        if (e < 0)
                return e;
        struct touched_key *k = malloc(sizeof(*k) + len + 1);
        if (!k)
                return -ENOMEM;
        *k = (struct touched_key){
                .parent = parent,
                .guid = key->guid,
                .was_visible = was_visible,
                .place = place,
                .path_len = parent ? parent->path_len + 1 + len : len,
        };
        memcpy(k->name, key->name, len + 1);
        e = hashmap_put(&touches->keys, guid_hash(&key->guid), k);
        if (e < 0) {
                free(k);
                return e;
        }
        if (touches->last_key)
                touches->last_key->next = k;
        else
                touches->first_key = k;
        touches->last_key = *at = k;
        return 0;
}

/* All keys on the way up are noted as well, so that each costs no more than its own name. */
int touch_key(struct registry *r, const struct guid *guid, struct touched_key **ret)
{
        const struct store_key *missing[PATH_DEPTH_MAX];
        struct touched_key *k = r->touches.recent;
        size_t n = 0;
        int e = 0;

        if (k && guid_equal(&k->guid, guid)) {
                *ret = k;
                return 0;
        }
        while (!(k = hashmap_get(&r->touches.keys, guid_hash(guid), key_matches, guid))) {
                const struct store_key *key = store_key(r->store, guid);
                *ret = NULL;
                if (!key || n == ARRAY_SIZE(missing))
                        return store_error(r->store, NULL);
                missing[n++] = key;
                guid = &key->parent;
                if (guid_is_zero(guid))
                        break;
        }
        while (e == 0 && n > 0)
                e = add_key(r, missing[--n], &k);
        if (e == 0)
                *ret = r->touches.recent = k;
        return e;
}

/* Takes the touch over in any case. */
static int add_touch(struct registry *r, struct touch *t)
{
        struct touches *touches = &r->touches;
        const struct probe probe = { .key = &t->key->guid, .name = t->name, .is_child = t->is_child };

        int e = registry_take_room(r, strlen(t->name) + t->size);
        if (e == 0)
                e = hashmap_put(&touches->names, probe_hash(&probe), t);
        if (e < 0) {
                touch_free(t);
                return e;
        }
        if (touches->last)
                touches->last->next = t;
        else
                touches->first = t;
        touches->last = t;
        return 0;
}

static int set_value(struct touch *t, const struct store_value_entry *v)
{
        t->existed = true;
        t->name = strdup(v->name);
        t->layer = strdup(v->layer);
        t->data = malloc(v->size + 1);
        if (!t->name || !t->layer || !t->data)
                return -ENOMEM;
        t->type = v->type;
        t->size = v->size;
        if (v->size > 0)
                memcpy(t->data, v->data, v->size);
        return 0;
}

static int set_name(struct touch *t, const char *name)
{
        t->name = strdup(name);
        return t->name ? 0 : -ENOMEM;
}

static int note_value(struct registry *r, struct touch *t, const char *name)
{
        const struct store_value_entry *v;
        int e = resolve_value(r->store, &r->layers, &t->key->guid, name, strlen(name), &v);

        if (e < 0 && e != -ENOENT && e != -EBADMSG)
                return e;
        return e == 0 ? set_value(t, v) : set_name(t, name);
}

static int note_child(struct registry *r, struct touch *t, const char *name)
{
        const struct store_path_entry *child;
        int e = resolve_child(r->store, &r->layers, &t->key->guid, name, strlen(name), &child);
        t->is_child = true;
        if (e == -ENOENT || e == -EBADMSG)
                return set_name(t, name);
        if (e < 0)
                return e;
        t->existed = true;
        t->child = child->target;
        return set_name(t, child->name);
}

static int touch(
        struct registry *r, const struct guid *guid, const char *name, bool is_child, struct touch **ret)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        struct touch *t = touch_find(r, &(struct probe){ guid, name, is_child });
        if (!t) {
                struct touched_key *key;
                int e = touch_key(r, guid, &key);
                if (e < 0 || !key)
                        return e;
                _cleanup_(touch_freep) struct touch *made = calloc(1, sizeof(*made));
                if (!made)
                        return -ENOMEM;
                made->key = key;
                e = (is_child ? note_child : note_value)(r, made, name);
                if (e < 0)
                        return e;
                t = STEAL_PTR(made);
                e = add_touch(r, t);
                if (e < 0)
                        return e;
        }
        *ret = t;
        return 0;
}

int touch_value(struct registry *r, const struct guid *key, const char *name, struct touch **ret)
{
        struct touch *t = NULL;
        int e = touch(r, key, name, false, &t);
        if (e == 0 && ret)
                *ret = t;
        return e;
}

int touch_child(struct registry *r, const struct guid *parent, const char *name)
{
        struct touch *t = NULL;
        return touch(r, parent, name, true, &t);
}

int touch_values(struct registry *r, const struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        size_t n;
        const struct store_value_entry *const *values = store_values(r->store, key, false, &n);
        int e = 0;

        for (size_t i = 0; e == 0 && i < n; i++)
                e = touch_value(r, key, values[i]->name, NULL);
        return e;
}

static int touch_held(struct registry *r, const struct store_held *held)
{
        switch (held->kind) {
        case STORE_VALUE:
                return touch_value(r, &held->guid, held->name, NULL);
        case STORE_ENTRY:
                return touch_child(r, &held->guid, held->name);
        case STORE_BLANKET:
                return touch_values(r, &held->guid);
        }
        return -EINVAL;
}

static int touch_layer(struct registry *r, const char *layer)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        size_t n;
        const struct store_held *held = store_layer(r->store, layer, &n);
        int e = store_error(r->store, NULL);

        for (size_t i = 0; e == 0 && i < n; i++)
                e = touch_held(r, &held[i]);
        return e;
}

/* The base layer never changes. */
int touch_changed_layers(struct registry *r, const struct layers *now)
{
        int e = 0;

        for (size_t i = 0; e == 0 && i < now->n; i++)
                if (registry_layer_changed(&r->layers, now, now->list[i].name))
                        e = touch_layer(r, now->list[i].name);
        for (size_t i = 0; e == 0 && i < r->layers.n; i++)
                if (!layers_find(now, r->layers.list[i].name))
                        e = touch_layer(r, r->layers.list[i].name);
        return e;
}
