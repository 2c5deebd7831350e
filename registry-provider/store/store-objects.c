/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and freeing what the store is made of. */

#include "store-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/names/path.h"

struct layer_name *layer_of(const char *name)
{
        return (struct layer_name *)(void *)(name - offsetof(struct layer_name, name));
}

static bool layer_has_name(const void *entry, const void *name)
{
        const struct layer_name *l = entry;
        return fold_equal(l->name, l->len, name, strlen(name));
}

struct layer_name *layer_find(const struct store *s, const char *name)
{
        return hashmap_get(&s->layers, fold_hash(name, strlen(name), hash_seed()), layer_has_name, name);
}

static int layer_ref(struct store *s, const char *name, struct layer_name **ret)
{
        struct layer_name *l = layer_find(s, name);
        if (!l) {
                size_t len = strlen(name);
                if (!component_storable(name, len))
                        return -EINVAL;
                l = malloc(sizeof(*l) + len + 1);
                if (!l)
                        return -ENOMEM;
                *l = (struct layer_name){ .hash = fold_hash(name, len, hash_seed()), .len = len };
                memcpy(l->name, name, len + 1);
                int r = hashmap_put(&s->layers, l->hash, l);
                if (r < 0) {
                        free(l);
                        return r;
                }
        }
        l->users++;
        *ret = l;
        return 0;
}

static void layer_unref(struct store *s, struct layer_name *l)
{
        if (--l->users > 0)
                return;
        hashmap_remove(&s->layers, l->hash, l);
        free(l);
}

static int identity_ref(struct store *s, const struct guid *guid, struct identity **ret)
{
        struct identity *id = identity_find(s, guid);
        if (!id) {
                id = malloc(sizeof(*id));
                if (!id)
                        return -ENOMEM;
                *id = (struct identity){ .guid = *guid,
                        .hash = hash_bytes(guid->bytes, sizeof(guid->bytes), hash_seed()) };
                int r = hashmap_put(&s->identities, id->hash, id);
                if (r < 0) {
                        free(id);
                        return r;
                }
        }
        id->users++;
        *ret = id;
        return 0;
}

static void identity_unref(struct store *s, struct identity *id)
{
        if (!id || --id->users > 0)
                return;
        hashmap_remove(&s->identities, id->hash, id);
        free(id);
}

static struct entry *value_new(const struct store_op *op, size_t len)
{
        struct value_entry *v = malloc(sizeof(*v) + op->size + len + 1);
        if (!v)
                return NULL;
        char *name = v->bytes + op->size;
        if (op->size > 0)
                memcpy(v->bytes, op->data, op->size);
        memcpy(name, op->name, len + 1);
        v->e = (struct entry){
                .value = { .name = name, .type = op->type, .data = v->bytes, .size = op->size },
                .is_value = true,
        };
        return &v->e;
}

static struct entry *path_new(const struct store_op *op, size_t len, struct identity *target)
{
        struct path_entry *p = malloc(sizeof(*p) + len + 1);
        if (!p)
                return NULL;
        memcpy(p->name, op->name, len + 1);
        p->e = (struct entry){ .path = { .name = p->name, .hidden = !target } };
        if (target)
                p->e.path.target = target->guid;
        p->target = target;
        return &p->e;
}

int entry_new(struct store *s, struct key *key, const struct store_op *op, bool is_value, struct entry **ret)
{
        struct identity *target = NULL;
        struct layer_name *layer;
        size_t len = strlen(op->name);

        int r = layer_ref(s, op->layer, &layer);
        if (r < 0)
                return r;
        if (op->code == STORE_CREATE_ENTRY)
                r = identity_ref(s, &op->target, &target);
        struct entry *e = r < 0 ? NULL : is_value ? value_new(op, len) : path_new(op, len, target);
        if (!e) {
                identity_unref(s, target);
                layer_unref(s, layer);
                return -ENOMEM;
        }
        e->layer = layer->name;
        e->sequence = op->sequence;
        e->key = key;
        e->hash = fold_hash(op->name, len, key->id->hash);
        e->name_len = (uint16_t)len;
        *ret = e;
        return 0;
}

int blanket_new(struct store *s, struct key *key, const struct store_op *op, struct blanket **ret)
{
        struct layer_name *layer;
        int r = layer_ref(s, op->layer, &layer);
        if (r < 0)
                return r;
        struct blanket *b = malloc(sizeof(*b));
        if (!b) {
                layer_unref(s, layer);
                return -ENOMEM;
        }
        *b = (struct blanket){ .view = { .layer = layer->name, .sequence = op->sequence }, .key = key };
        *ret = b;
        return 0;
}

int bytes_copy(const void *data, size_t size, void **ret)
{
        void *copy = size > 0 ? malloc(size) : NULL;
        if (size > 0 && !copy)
                return -ENOMEM;
        if (copy)
                memcpy(copy, data, size);
        *ret = copy;
        return 0;
}

int key_new(struct store *s, const struct store_op *op, struct key **ret)
{
        struct identity *id;
        size_t len = strlen(op->name);

        int r = identity_ref(s, &op->guid, &id);
        if (r < 0)
                return r;
        _cleanup_free_ void *sd = NULL;
        struct key *key = malloc(sizeof(*key) + len + 1);
        if (!key || bytes_copy(op->data, op->size, &sd) < 0) {
                free(key);
                identity_unref(s, id);
                return -ENOMEM;
        }
        memcpy(key->name, op->name, len + 1);
        key->id = id;
        key->children = key->values = NULL;
        key->blankets = NULL;
        key->named_children = 0;
        key->view = (struct store_key){
                .guid = op->guid,
                .parent = op->target,
                .name = key->name,
                .sd = STEAL_PTR(sd),
                .sd_size = op->size,
                .last_write = op->time,
                .is_volatile = op->is_volatile,
                .is_link = op->is_link,
        };
        *ret = key;
        return 0;
}

static void entry_free(struct store *s, struct entry *e)
{
        layer_unref(s, layer_of(e->layer));
        if (!e->is_value)
                identity_unref(s, ((struct path_entry *)(void *)e)->target);
        free(e);
}

static void blanket_free(struct store *s, struct blanket *b)
{
        layer_unref(s, layer_of(b->layer));
        free(b);
}

static void list_free(struct store *s, struct entry *head)
{
        while (head) {
                struct entry *next_head = head->list_next;
                for (struct entry *e = head, *next; e; e = next) {
                        next = e->next;
                        entry_free(s, e);
                }
                head = next_head;
        }
}

static void key_free(struct store *s, struct key *key)
{
        list_free(s, key->children);
        list_free(s, key->values);
        for (struct blanket *b = key->blankets, *next; b; b = next) {
                next = b->next;
                blanket_free(s, b);
        }
        identity_unref(s, key->id);
        free((void *)key->view.sd);
        free(key);
}

void object_free(struct store *s, enum object_kind kind, void *object)
{
        switch (kind) {
        case OBJECT_ENTRY:
                entry_free(s, object);
                break;
        case OBJECT_BLANKET:
                blanket_free(s, object);
                break;
        case OBJECT_KEY:
                key_free(s, object);
                break;
        }
}
