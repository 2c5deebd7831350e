/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key and all below it, in pages. It is looked at for STEP_USEC, so that nobody else waits long for it;
 * what is to be had at once takes many such steps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/clock.h"
#include "../../schema/bus/wire.h"
#include "../../schema/dbus/names.h"
#include "../registry/walk.h"
#include "answer.h"
#include "reader.h"

/* One key of a page is given whatever it takes, within a message. */
#define PAGE_BYTES 262144u
#define STEP_USEC UINT64_C(5000)
/* The clock is looked at after so many keys: a page has them whatever else the machine has to do. */
#define KEYS_BETWEEN_LOOKS 16u
/* Of a key, and of a value in it, beside what they hold: numbers, lengths, padding. */
#define KEY_BYTES 96u
#define VALUE_BYTES 32u

struct reader_tree {
        struct reader *reader;
        struct registry *of;
        struct store_scope scope;
        struct walk *walk;
        sd_bus_message *m, *reply;
        const char **layers; /* that the values of a key come from, each once */
        size_t n_layers;
        struct buf last; /* the path of the key that was passed last */
        size_t taken, max;
        size_t n, n_max; /* keys that are passed; 0: no limit */
        bool has_all;
};

static size_t key_bytes(const struct walk_key *key)
{
        size_t bytes = KEY_BYTES + strlen(key->path);

        for (size_t i = 0; i < key->n_values; i++) {
                const struct store_value_entry *e = key->values[i];
                bytes += VALUE_BYTES + strlen(e->name) + strlen(e->layer) + e->size;
        }
        return bytes;
}

static int find_layer(struct reader_tree *p, const char *layer, uint32_t *ret)
{
        for (*ret = 0; *ret < p->n_layers; ++*ret)
                if (p->layers[*ret] == layer || strcmp(p->layers[*ret], layer) == 0)
                        return 0;
        int r = array_grow(&p->layers, p->n_layers, sizeof(*p->layers));
        if (r == 0)
                p->layers[p->n_layers++] = layer;
        return r;
}

static int append_layers(struct reader_tree *p, const struct walk_key *key)
{
        uint32_t at;
        int r = sd_bus_message_open_container(p->reply, 'a', "s");

        p->n_layers = 0;
        for (size_t i = 0; r >= 0 && i < key->n_values; i++)
                r = find_layer(p, key->values[i]->layer, &at);
        for (size_t i = 0; r >= 0 && i < p->n_layers; i++)
                r = sd_bus_message_append_basic(p->reply, 's', p->layers[i]);
        return r < 0 ? r : sd_bus_message_close_container(p->reply);
}

enum column {
        COLUMN_TYPE,
        COLUMN_LAYER,
        COLUMN_SIZE,
};

/* The values fit into a message, so their sizes are no more than 32 bits. */
static uint32_t number_of(struct reader_tree *p, enum column column, const struct store_value_entry *e)
{
        uint32_t layer;

        switch (column) {
        case COLUMN_TYPE:
                return e->type;
        case COLUMN_SIZE:
                return (uint32_t)e->size;
        case COLUMN_LAYER:
                /* It is there. */
                (void)find_layer(p, e->layer, &layer);
                return layer;
        }
        return 0;
}

static int append_numbers(struct reader_tree *p, enum column column, const struct walk_key *key)
{
        void *space;
        int r = sd_bus_message_append_array_space(p->reply, 'u', key->n_values * sizeof(uint32_t), &space);

        for (size_t i = 0; r >= 0 && i < key->n_values; i++)
                ((uint32_t *)space)[i] = number_of(p, column, key->values[i]);
        return r;
}

static int append_sequences(struct reader_tree *p, const struct walk_key *key)
{
        void *space;
        int r = sd_bus_message_append_array_space(p->reply, 't', key->n_values * sizeof(uint64_t), &space);

        for (size_t i = 0; r >= 0 && i < key->n_values; i++)
                ((uint64_t *)space)[i] = key->values[i]->sequence;
        return r;
}

static int append_data(struct reader_tree *p, const struct walk_key *key)
{
        size_t size = 0;
        void *space;

        for (size_t i = 0; i < key->n_values; i++)
                size += key->values[i]->size;
        int r = sd_bus_message_append_array_space(p->reply, 'y', size, &space);
        for (size_t i = 0; r >= 0 && i < key->n_values; i++)
                space = mempcpy(space, key->values[i]->data, key->values[i]->size);
        return r;
}

static int append_names(struct reader_tree *p, const struct walk_key *key)
{
        size_t size = 0;
        void *space;

        for (size_t i = 0; i < key->n_values; i++)
                size += strlen(key->values[i]->name) + 1;
        int r = sd_bus_message_append_array_space(p->reply, 'y', size, &space);
        for (size_t i = 0; r >= 0 && i < key->n_values; i++)
                space = stpcpy(space, key->values[i]->name) + 1;
        return r;
}

static int append_key(struct reader_tree *p, const struct walk_key *key)
{
        uint32_t flags = key->flags;

        int r = sd_bus_message_open_container(p->reply, 'r', REGISTRY_TREE_KEY);
        if (r >= 0)
                r = sd_bus_message_append(p->reply, "su", key->path, flags);
        if (r >= 0)
                r = append_layers(p, key);
        if (r >= 0)
                r = append_numbers(p, COLUMN_TYPE, key);
        if (r >= 0)
                r = append_sequences(p, key);
        if (r >= 0)
                r = append_numbers(p, COLUMN_LAYER, key);
        if (r >= 0)
                r = append_numbers(p, COLUMN_SIZE, key);
        if (r >= 0)
                r = append_data(p, key);
        if (r >= 0)
                r = append_names(p, key);
        return r < 0 ? r : sd_bus_message_close_container(p->reply);
}

/* 1: the key is passed; 0: the page is full; or negative with `error` set, or a bus error. */
static int add_key(struct reader_tree *p, struct walk_key *key, sd_bus_error *error)
{
        size_t bytes = key_bytes(key);
        bool is_empty = key->flags == 0 && key->n_values == 0;

        if (p->n > 0 && !is_empty && p->taken + bytes > p->max)
                return 0;
        p->n++;
        buf_clear(&p->last);
        buf_puts(&p->last, key->path);
        if (is_empty)
                return p->last.error ? p->last.error : 1;
        int r = answer_take(&p->taken, bytes, error);
        if (r < 0)
                return r;
        r = walk_read(p->walk, key);
        if (r < 0)
                return reader_fail(p->reader, p->of, r, &(const struct diag){ 0 }, error);
        r = append_key(p, key);
        return r < 0 ? r : p->last.error ? p->last.error : 1;
}

static bool is_over(size_t n_keys, uint64_t end)
{
        return n_keys % KEYS_BETWEEN_LOOKS == 0 && clock_usec() >= end;
}

int reader_tree_step(struct reader_tree *p, sd_bus_error *error)
{
        const uint64_t end = clock_usec() + STEP_USEC;
        const size_t taken = p->taken;
        struct walk_key key;
        int more;

        while ((more = walk_next(p->walk, &key)) > 0) {
                int r = add_key(p, &key, error);
                if (r <= 0 || p->n == p->n_max)
                        return r < 0 ? r : 0;
                if (is_over(p->n, end) || (p->taken - taken >= PAGE_BYTES && clock_usec() >= end))
                        return 1;
        }
        p->has_all = more == 0;
        return more < 0 ? reader_fail(p->reader, p->of, more, &(const struct diag){ 0 }, error) : 0;
}

int reader_tree_send(struct reader_tree *p, sd_bus_error *error)
{
        int r = sd_bus_message_close_container(p->reply);

        if (r >= 0)
                r = sd_bus_message_append(
                        p->reply, "st", p->has_all ? "" : buf_str(&p->last), registry_sequence(p->of));
        if (r >= 0)
                r = gate_take(p->reader->gate, p->m, p->taken, error);
        return r < 0 ? r : sd_bus_send(NULL, p->reply, NULL);
}

static int open_walk(struct registry *of, const struct reader_question *q, const struct reader_part *part,
        struct walk **ret, struct diag *d)
{
        _cleanup_place_ struct reader_place place = { 0 };
        _cleanup_path_ struct path after = { 0 };

        if (part->layer && path_check_component(part->layer, strlen(part->layer), d) < 0)
                return REGISTRY_INVALID_NAME;
        int r = reader_find(of, q, &place, d);
        if (r == 0 && part->after)
                r = registry_path(of, part->after, &after, d);
        if (r == 0)
                r = walk_open(of, place.way.path, part->layer, part->after ? &after : NULL, ret, d);
        return registry_explain_way(&place.way, r, d);
}

size_t reader_look_at_tree(
        struct registry *of, const struct reader_question *q, const struct reader_part *part)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(of);
        _cleanup_walk_ struct walk *walk = NULL;
        struct walk_key k;
        const uint64_t end = clock_usec() + 2 * STEP_USEC;
        size_t taken = 0, n = 0;

        if (open_walk(of, q, part, &walk, NULL) != 0)
                return 0;
        while (walk_next(walk, &k) > 0) {
                n++;
                taken += key_bytes(&k);
                if (taken > PAGE_BYTES || is_over(n, end))
                        return n;
        }
        return 0;
}

struct reader_tree *reader_tree_free(struct reader_tree *p)
{
        if (!p)
                return NULL;
        (void)walk_close(p->walk);
        store_scope_end(&p->scope);
        sd_bus_message_unref(p->reply);
        free(p->layers);
        buf_done(&p->last);
        free(p);
        return NULL;
}
DEFINE_CLEANUP(struct reader_tree *, reader_tree_free, reader_tree_freep);

int reader_tree_open(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, const struct reader_part *part, struct reader_tree **ret,
        sd_bus_error *error)
{
        _cleanup_(reader_tree_freep) struct reader_tree *p = calloc(1, sizeof(*p));
        struct diag d = { 0 };

        if (!p)
                return -ENOMEM;
        *p = (struct reader_tree){ .reader = reader,
                .of = of,
                .scope = registry_scope(of),
                .m = m,
                .max = part->whole ? ANSWER_BYTES_MAX : PAGE_BYTES,
                .n_max = part->keys_max };
        int r = open_walk(of, q, part, &p->walk, &d);
        if (r != 0)
                return reader_fail(reader, of, r, &d, error);
        r = sd_bus_message_new_method_return(m, &p->reply);
        if (r >= 0)
                r = sd_bus_message_open_container(p->reply, 'a', "(" REGISTRY_TREE_KEY ")");
        if (r >= 0)
                *ret = STEAL_PTR(p);
        return r;
}

int reader_answer_tree(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, const struct reader_part *part, sd_bus_error *error)
{
        _cleanup_(reader_tree_freep) struct reader_tree *p = NULL;

        int r = reader_tree_open(reader, of, m, q, part, &p, error);
        if (r >= 0)
                r = reader_tree_step(p, error);
        return r < 0 ? r : reader_tree_send(p, error);
}
