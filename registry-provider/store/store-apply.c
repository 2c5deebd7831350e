/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operations. Each checks, then makes its objects and reserves room, then changes what cannot fail any
 * more. */

#include "store-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/names/path.h"
#include "../../schema/values/value.h"

static struct entry *entry_of_layer(struct entry *chain, const struct layer_name *layer)
{
        while (chain && (!layer || chain->layer != layer->name))
                chain = chain->next;
        return chain;
}

static struct blanket *blanket_of_layer(struct blanket *list, const struct layer_name *layer)
{
        while (list && (!layer || list->layer != layer->name))
                list = list->next;
        return list;
}

static bool chain_has_sequence(const struct entry *chain, const struct entry *but, uint64_t sequence)
{
        for (; chain; chain = chain->next)
                if (chain != but && chain->sequence == sequence)
                        return true;
        return false;
}

static bool blankets_have_sequence(const struct blanket *list, const struct blanket *but, uint64_t sequence)
{
        for (; list; list = list->next)
                if (list != but && list->sequence == sequence)
                        return true;
        return false;
}

static size_t chain_length(const struct entry *chain)
{
        size_t n = 0;
        for (; chain; chain = chain->next)
                n++;
        return n;
}

static int put_entry(struct store *s, struct key *key, const struct store_op *op, bool is_value)
{
        struct entry *chain = chain_find(s, key, is_value, op->name, strlen(op->name));
        struct entry *old = entry_of_layer(chain, layer_find(s, op->layer)), *e;

        if (op->sequence == 0 || chain_has_sequence(chain, old, op->sequence))
                return -EINVAL;
        if (is_value && blankets_have_sequence(key->blankets, NULL, op->sequence))
                return -EINVAL;
        if (is_value && op->expected != 0 && (!old || old->sequence != op->expected))
                return -EAGAIN;
        if (is_value && !old && chain_length(chain) >= STORE_VALUE_LAYERS_MAX)
                return -EDQUOT;

        int r = undo_reserve(s, 3);
        if (r == 0)
                r = hashmap_reserve(entry_map(s, is_value), 1);
        if (r == 0)
                r = entry_new(s, key, op, is_value, &e);
        if (r < 0)
                return r;
        if (old)
                object_detach(s, OBJECT_ENTRY, old);
        object_attach(s, OBJECT_ENTRY, e);
        if (is_value && op->time != 0)
                key_set_time(s, key, op->time);
        return 0;
}

static int remove_entry(struct store *s, const struct store_op *op, bool is_value)
{
        struct key *key = key_find(s, &op->guid);
        if (!key)
                return -ENOENT;
        struct entry *old = entry_of_layer(
                chain_find(s, key, is_value, op->name, strlen(op->name)), layer_find(s, op->layer));
        if (!old)
                return 0;
        int r = undo_reserve(s, 2);
        if (r < 0)
                return r;
        object_detach(s, OBJECT_ENTRY, old);
        if (is_value && op->time != 0)
                key_set_time(s, key, op->time);
        return 0;
}

/* Whether the GUID is a key of `parent`, or may become one. */
static bool may_be_child(const struct identity *id, const struct guid *parent)
{
        if (!id)
                return true;
        if (id->key && !guid_equal(&id->key->view.parent, parent))
                return false;
        return id->named == 0 || guid_equal(&id->named_in->view.guid, parent);
}

static int create_entry(struct store *s, const struct store_op *op)
{
        struct key *parent = key_find(s, &op->guid);
        if (!parent)
                return -ENOENT;
        if (!component_storable(op->name, strlen(op->name)))
                return -EINVAL;
        if (op->code == STORE_CREATE_ENTRY &&
                (guid_is_zero(&op->target) || !may_be_child(identity_find(s, &op->target), &op->guid)))
                return -EINVAL;
        return put_entry(s, parent, op, false);
}

static int delete_entry(struct store *s, const struct store_op *op)
{
        return remove_entry(s, op, false);
}

static int create_key(struct store *s, const struct store_op *op)
{
        struct key *key;
        const struct identity *id = identity_find(s, &op->guid);
        if (id && id->key)
                return -EEXIST;
        if (guid_is_zero(&op->guid) || !component_storable(op->name, strlen(op->name)))
                return -EINVAL;
        if (!guid_is_zero(&op->target)) {
                const struct key *parent = key_find(s, &op->target);
                if (!parent)
                        return -ENOENT;
                if (parent->view.is_volatile && !op->is_volatile)
                        return -EINVAL;
        }
        if (!may_be_child(id, &op->target))
                return -EINVAL;

        int r = undo_reserve(s, 1);
        if (r == 0)
                r = key_new(s, op, &key);
        if (r < 0)
                return r;
        object_attach(s, OBJECT_KEY, key);
        return 0;
}

static int write_key(struct store *s, const struct store_op *op)
{
        struct key *key = key_find(s, &op->guid);
        if (!key)
                return -ENOENT;
        if (op->mask & ~(uint32_t)(STORE_MASK_SD | STORE_MASK_TIME))
                return -EINVAL;

        int r = undo_reserve(s, 2);
        if (r < 0)
                return r;
        if (op->mask & STORE_MASK_SD) {
                void *sd;
                r = bytes_copy(op->data, op->size, &sd);
                if (r < 0)
                        return r;
                key_set_sd(s, key, sd, op->size);
        }
        if (op->mask & STORE_MASK_TIME)
                key_set_time(s, key, op->time);
        return 0;
}

static int drop_key(struct store *s, const struct store_op *op)
{
        struct key *key = key_find(s, &op->guid);
        if (!key)
                return 0;
        if (key->named_children > 0)
                return -ENOTEMPTY;
        if (key->id->named > 0)
                return -EINVAL;
        int r = undo_reserve(s, 1);
        if (r < 0)
                return r;
        object_detach(s, OBJECT_KEY, key);
        return 0;
}

static int set_value(struct store *s, const struct store_op *op)
{
        struct key *key = key_find(s, &op->guid);
        if (!key)
                return -ENOENT;
        if (op->size > s->value_max)
                return -EFBIG;
        size_t len = strlen(op->name);
        if (len > NAME_BYTES_MAX || (!value_type_known(op->type) && op->type != REG_TOMBSTONE))
                return -EDOM;
        if (!value_name_storable(op->name, len) || (op->type == REG_TOMBSTONE && op->size > 0))
                return -EINVAL;
        return put_entry(s, key, op, true);
}

static int delete_value(struct store *s, const struct store_op *op)
{
        return remove_entry(s, op, true);
}

static int put_blanket(struct store *s, struct key *key, const struct store_op *op, struct blanket *old)
{
        struct blanket *b;

        if (op->sequence == 0 || blankets_have_sequence(key->blankets, old, op->sequence))
                return -EINVAL;
        for (const struct entry *head = key->values; head; head = head->list_next)
                if (chain_has_sequence(head, NULL, op->sequence))
                        return -EINVAL;
        int r = undo_reserve(s, 2);
        if (r == 0)
                r = blanket_new(s, key, op, &b);
        if (r < 0)
                return r;
        if (old)
                object_detach(s, OBJECT_BLANKET, old);
        object_attach(s, OBJECT_BLANKET, b);
        return 0;
}

static int set_blanket(struct store *s, const struct store_op *op)
{
        struct key *key = key_find(s, &op->guid);
        if (!key)
                return -ENOENT;
        struct blanket *old = blanket_of_layer(key->blankets, layer_find(s, op->layer));
        if (op->set)
                return put_blanket(s, key, op, old);
        if (!old)
                return 0;
        int r = undo_reserve(s, 1);
        if (r < 0)
                return r;
        object_detach(s, OBJECT_BLANKET, old);
        return 0;
}

static void detach_layer_from_list(struct store *s, struct entry *head, const struct layer_name *layer)
{
        while (head) {
                struct entry *next = head->list_next, *e = entry_of_layer(head, layer);
                if (e)
                        object_detach(s, OBJECT_ENTRY, e);
                head = next;
        }
}

static int delete_layer(struct store *s, const struct store_op *op)
{
        const struct layer_name *layer = layer_find(s, op->layer);
        const struct identity *id;
        if (!layer)
                return 0;

        /* Under a mark of its own, as nothing may be freed (and a GUID forgotten) during the walk. */
        int r = store_begin(s);
        if (r < 0)
                return r;
        r = undo_reserve(s, layer->users);
        for (uint32_t i = 0; r == 0 && (id = hashmap_next(&s->identities, &i));) {
                if (!id->key)
                        continue;
                detach_layer_from_list(s, id->key->children, layer);
                detach_layer_from_list(s, id->key->values, layer);
                struct blanket *b = blanket_of_layer(id->key->blankets, layer);
                if (b)
                        object_detach(s, OBJECT_BLANKET, b);
        }
        store_commit(s);
        return r;
}

int store_apply(struct store *s, const struct store_op *op)
{
        static const struct {
                uint16_t code;
                bool has_sequence;
                int (*apply)(struct store *s, const struct store_op *op);
        } ops[] = {
                { STORE_CREATE_ENTRY, true, create_entry },
                { STORE_HIDE_ENTRY, true, create_entry },
                { STORE_DELETE_ENTRY, false, delete_entry },
                { STORE_CREATE_KEY, false, create_key },
                { STORE_WRITE_KEY, false, write_key },
                { STORE_DROP_KEY, false, drop_key },
                { STORE_SET_VALUE, true, set_value },
                { STORE_DELETE_VALUE, false, delete_value },
                { STORE_SET_BLANKET, true, set_blanket },
                { STORE_DELETE_LAYER, false, delete_layer },
        };

        for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
                if (ops[i].code != op->code)
                        continue;
                int r = ops[i].apply(s, op);
                if (r == 0 && ops[i].has_sequence)
                        store_raise_sequence(s, op->sequence);
                return r;
        }
        return -EINVAL;
}
