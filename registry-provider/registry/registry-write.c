/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes that set or make something. */

#include <errno.h>
#include <string.h>

#include "registry-internal.h"

const struct store_path_entry *entry_in_layer(const struct store_path_entry *chain, const char *layer)
{
        while (chain && !layer_name_equal(chain->layer, layer))
                chain = chain->next;
        return chain;
}

const struct store_value_entry *value_in_layer(const struct store_value_entry *chain, const char *layer)
{
        while (chain && !layer_name_equal(chain->layer, layer))
                chain = chain->next;
        return chain;
}

/* An entry of its own layer (a blanket) counts even while the layer is disabled. */
static bool is_rival(const struct registry *r, const struct layer *own, const char *layer)
{
        const struct layer *l = layers_find(&r->layers, layer);
        return l == own || (l && l->enabled && l->precedence == own->precedence);
}

/* Whether something of the same precedence is newer: written again, the entry would stand before it. */
static bool is_overtaken(const struct registry *r, const struct guid *key, const struct layer *own,
        const struct store_value_entry *mine)
{
        const struct store_value_entry *e = store_value(r->store, key, mine->name, strlen(mine->name));

        for (; e; e = e->next)
                if (!layer_name_equal(e->layer, mine->layer) && e->sequence >= mine->sequence &&
                        is_rival(r, own, e->layer))
                        return true;
        for (const struct store_blanket *b = store_blankets(r->store, key); b; b = b->next)
                if (b->sequence >= mine->sequence && is_rival(r, own, b->layer))
                        return true;
        return false;
}

/* The layer already says this, and to say it again would change nothing. */
static bool is_no_op(const struct registry *r, const struct guid *key, const struct store_value_entry *mine,
        const struct value *v)
{
        const struct layer *own = layers_find(&r->layers, mine->layer);
        const struct value have = { .type = mine->type, .data = mine->data, .size = mine->size };

        /* What counts is not known before the end of a transaction that changes layers. */
        if (!own || r->layers_touched || !value_equal(&have, v))
                return false;
        return !is_overtaken(r, key, own, mine);
}

int registry_check_expected(const struct registry_write *w, const struct store_value_entry *mine,
        const char *layer, struct diag *d)
{
        uint64_t sequence = mine ? mine->sequence : 0;
        if (!w->expected.given || sequence == w->expected.sequence)
                return 0;
        return diag_set(d, EAGAIN, "%s: value '%s' has sequence %llu in layer %s, expected %llu",
                w->path->text, path_word_of_value_name(w->name), (unsigned long long)sequence, layer,
                (unsigned long long)w->expected.sequence);
}

int registry_check_size(
        const struct registry *r, const struct path *path, const char *name, size_t size, struct diag *d)
{
        if (size <= r->value_max)
                return 0;
        return diag_set(d, EFBIG, "%s: value '%s' has %zu bytes, at most %zu are kept", path->text,
                path_word_of_value_name(name), size, r->value_max);
}

int registry_value_failed(const struct path *path, const char *name, int error, struct diag *d)
{
        name = path_word_of_value_name(name);
        if (error == -EDQUOT)
                return diag_set(d, EDQUOT, "%s: %u layers have value '%s' already, which is the most",
                        path->text, STORE_VALUE_LAYERS_MAX, name);
        return diag_set(d, -error, "%s: value '%s' cannot be stored: %s", path->text, name,
                error == -EFBIG ? "the transaction has become too large" : strerror(-error));
}

int registry_put(struct registry *r, const struct guid *key, const struct path *path, const char *name,
        const char *layer, const struct value *v, uint64_t *ret_sequence, struct diag *d)
{
        const struct store_value_entry *mine =
                value_in_layer(store_value(r->store, key, name, strlen(name)), layer);
        struct touch *t = NULL;

        int e = touch_value(r, key, name, &t);
        if (e < 0)
                return e;
        uint64_t sequence = mine && is_no_op(r, key, mine, v) ? mine->sequence : 0;
        if (sequence == 0) {
                sequence = store_take_sequence(r->store);
                r->layers_touched |= registry_is_layer_metadata(path, false);
                e = registry_op(r, &(struct store_op){ .code = STORE_SET_VALUE,
                                           .guid = *key,
                                           .name = name,
                                           .layer = layer,
                                           .type = v->type,
                                           .data = v->data,
                                           .size = v->size,
                                           .sequence = sequence,
                                           .time = r->time });
        }
        if (e == -EFBIG && registry_check_size(r, path, name, v->size, d) < 0)
                return e;
        if (e < 0)
                return registry_value_failed(path, name, e, d);
        if (t)
                t->is_write = true;
        *ret_sequence = sequence;
        return 0;
}

static int set_in_layer(struct registry *r, const struct registry_write *w, const char *layer,
        const struct value *v, uint64_t *ret_sequence, struct diag *d)
{
        struct guid key;
        bool made;

        int e = registry_make_keys(r, w->path, w->path->n, layer, w->is_volatile, NULL, &key, &made, d);
        if (e < 0)
                return e;
        e = registry_check_expected(
                w, value_in_layer(store_value(r->store, &key, w->name, strlen(w->name)), layer), layer, d);
        return e < 0 ? e : registry_put(r, &key, w->path, w->name, layer, v, ret_sequence, d);
}

int registry_set(struct registry *r, const struct registry_write *w, const struct value *v,
        uint64_t *ret_sequence, struct diag *d)
{
        const char *layer = w->layer;
        struct savepoint sp;

        int e = registry_check_writable(r, &layer, d);
        if (e == 0)
                e = registry_check_metadata(w->path, d);
        if (e < 0)
                return e;
        e = path_check_value_name(w->name, strlen(w->name), d);
        if (e < 0) {
                diag_prefix(d, "%s", w->path->text);
                return e;
        }
        if (v->type == REG_TOMBSTONE && v->size > 0)
                return diag_set(d, EINVAL, "%s: a tombstone has no data", w->path->text);
        if (v->type != REG_TOMBSTONE && !value_type_known(v->type))
                return diag_set(d, EDOM, "%s: no value has type code 0x%x, expected 0 to %u", w->path->text,
                        v->type, VALUE_TYPE_MAX);
        e = savepoint_set(r, &sp);
        if (e < 0)
                return e;
        return savepoint_close(r, &sp, set_in_layer(r, w, layer, v, ret_sequence, d), d);
}

/* Whether the layer names the key itself, and that shows. */
static bool is_there(const struct registry *r, const struct path *path, const char *layer)
{
        struct guid parent;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);

        if (path->n == 1)
                return true;
        if (registry_find_named(r, path, path->n - 1, layer, &parent) < 0)
                return false;
        const struct store_path_entry *mine =
                entry_in_layer(store_lookup(r->store, &parent, name, len), layer);
        return mine && !mine->hidden && key_is_visible(r, &r->layers, &mine->target);
}

static int create_in_layer(
        struct registry *r, const struct registry_write *w, const char *layer, struct diag *d)
{
        struct guid key;
        bool made = false;

        if (is_there(r, w->path, layer))
                return diag_set(
                        d, EEXIST, "%s: the key is there already, in layer %s", w->path->text, layer);
        int e = registry_make_keys(r, w->path, w->path->n, layer, w->is_volatile, NULL, &key, &made, d);
        if (e == 0 && made && w->expected.given && w->expected.sequence != 0)
                e = diag_set(d, EAGAIN,
                        "%s: there is no such key in layer %s, expected it with sequence %llu",
                        w->path->text, layer, (unsigned long long)w->expected.sequence);
        r->layers_touched |= registry_is_layer_metadata(w->path, false);
        return e;
}

int registry_create_key(struct registry *r, const struct registry_write *w, struct diag *d)
{
        const char *layer = w->layer;
        struct savepoint sp;

        int e = registry_check_writable(r, &layer, d);
        if (e == 0)
                e = registry_check_metadata(w->path, d);
        if (e == 0)
                e = savepoint_set(r, &sp);
        return e < 0 ? e : savepoint_close(r, &sp, create_in_layer(r, w, layer, d), d);
}
