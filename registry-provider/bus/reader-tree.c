/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key and all below it, in pages. A page is looked for during PAGE_USEC, so that nobody else waits long
 * for it; who may write can have all at once. */
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/clock.h"
#include "../../schema/bus/wire.h"
#include "../../schema/dbus/names.h"
#include "../registry/walk.h"
#include "answer.h"
#include "reader.h"

/* One key of a page is given whatever it takes, within a message. */
#define PAGE_BYTES 65536u
#define PAGE_USEC UINT64_C(5000)
/* The clock is looked at after so many keys: a page has them whatever else the machine has to do. */
#define KEYS_BETWEEN_LOOKS 16u
/* Of a key, and of a value in it, beside what they hold: numbers, lengths, padding. */
#define KEY_BYTES 96u
#define VALUE_BYTES 32u

struct page {
        struct reader *reader;
        struct registry *of;
        sd_bus_message *reply;
        const char **layers; /* that the values of a key come from, each once */
        size_t n_layers;
        struct buf last; /* the path of the key that was passed last */
        size_t taken, max;
        size_t n, n_max; /* keys that are passed; 0: no limit */
        uint64_t end;    /* CLOCK_MONOTONIC; UINT64_MAX: none */
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

static int find_layer(struct page *p, const char *layer, uint32_t *ret)
{
        for (*ret = 0; *ret < p->n_layers; ++*ret)
                if (strcmp(p->layers[*ret], layer) == 0)
                        return 0;
        int r = array_grow(&p->layers, p->n_layers, sizeof(*p->layers));
        if (r == 0)
                p->layers[p->n_layers++] = layer;
        return r;
}

static int append_layers(struct page *p, const struct walk_key *key)
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
static uint32_t number_of(struct page *p, enum column column, const struct store_value_entry *e)
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

static int append_numbers(struct page *p, enum column column, const struct walk_key *key)
{
        void *space;
        int r = sd_bus_message_append_array_space(p->reply, 'u', key->n_values * sizeof(uint32_t), &space);

        for (size_t i = 0; r >= 0 && i < key->n_values; i++)
                ((uint32_t *)space)[i] = number_of(p, column, key->values[i]);
        return r;
}

static int append_sequences(struct page *p, const struct walk_key *key)
{
        void *space;
        int r = sd_bus_message_append_array_space(p->reply, 't', key->n_values * sizeof(uint64_t), &space);

        for (size_t i = 0; r >= 0 && i < key->n_values; i++)
                ((uint64_t *)space)[i] = key->values[i]->sequence;
        return r;
}

static int append_data(struct page *p, const struct walk_key *key)
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

static int append_names(struct page *p, const struct walk_key *key)
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

static int append_key(struct page *p, const struct walk_key *key)
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
static int add_key(struct page *p, struct walk *walk, struct walk_key *key, sd_bus_error *error)
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
        r = walk_read(walk, key);
        if (r < 0)
                return reader_fail(p->reader, p->of, r, &(const struct diag){ 0 }, error);
        r = append_key(p, key);
        return r < 0 ? r : p->last.error ? p->last.error : 1;
}

static bool is_over(size_t n_keys, uint64_t end)
{
        return n_keys % KEYS_BETWEEN_LOOKS == 0 && clock_usec() >= end;
}

/* 1: more is to come; 0: that was all; or negative. */
static int add_keys(struct page *p, struct walk *walk, sd_bus_error *error)
{
        struct walk_key key;
        int more = 0;
        bool is_full = false;

        int r = sd_bus_message_open_container(p->reply, 'a', "(" REGISTRY_TREE_KEY ")");
        while (r >= 0 && !is_full && (more = walk_next(walk, &key)) > 0) {
                r = add_key(p, walk, &key, error);
                is_full = r == 0 || p->n == p->n_max || is_over(p->n, p->end);
        }
        if (more < 0)
                return reader_fail(p->reader, p->of, more, &(const struct diag){ 0 }, error);
        if (r >= 0)
                r = sd_bus_message_close_container(p->reply);
        return r < 0 ? r : more;
}

static int reply_page(struct page *p, sd_bus_message *m, struct walk *walk, sd_bus_error *error)
{
        int r = sd_bus_message_new_method_return(m, &p->reply);
        if (r >= 0)
                r = add_keys(p, walk, error);
        if (r >= 0)
                r = sd_bus_message_append(
                        p->reply, "st", r > 0 ? buf_str(&p->last) : "", registry_sequence(p->of));
        if (r >= 0)
                r = gate_take(p->reader->gate, m, p->taken, error);
        return r < 0 ? r : sd_bus_send(NULL, p->reply, NULL);
}

static int read_options(
        sd_bus_message *m, struct reader_question *q, struct reader_part *part, sd_bus_error *error)
{
        int whole = 0, no_follow = 0;
        const struct wire_member members[] = {
                { "layer", "s", &part->layer },
                { "after", "s", &part->after },
                { "whole", "b", &whole },
                { "no-follow", "b", &no_follow },
        };
        struct diag d = { 0 };

        int r = wire_read_strict(m, members, ARRAY_SIZE(members), &d);
        part->whole = whole != 0;
        q->of_link = no_follow != 0;
        return r < 0 ? answer_invalid(r, &d, error) : 0;
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
        const uint64_t end = clock_usec() + 2 * PAGE_USEC;
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

int reader_answer_tree(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, const struct reader_part *part, sd_bus_error *error)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(of);
        _cleanup_walk_ struct walk *walk = NULL;
        struct page page = { .reader = reader, .of = of, .n_max = part->keys_max };
        struct diag d = { 0 };

        int r = open_walk(of, q, part, &walk, &d);
        if (r != 0)
                return reader_fail(reader, of, r, &d, error);
        const struct caller *caller = gate_caller(reader->gate, m);
        bool whole = part->whole && caller && gate_is_writer(caller);
        page.max = whole ? ANSWER_BYTES_MAX : PAGE_BYTES;
        page.end = whole ? UINT64_MAX : clock_usec() + PAGE_USEC;
        r = reply_page(&page, m, walk, error);
        sd_bus_message_unref(page.reply);
        free(page.layers);
        buf_done(&page.last);
        return r;
}

int reader_read_tree(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct reader *reader = userdata;
        struct reader_question q = { 0 };
        struct reader_part part = { 0 };

        int r = sd_bus_message_read(m, "s", &q.key);
        if (r >= 0)
                r = read_options(m, &q, &part, error);
        if (r < 0)
                return r;
        writer_flush(reader->writer);
        return reader_answer_tree(reader, reader->registry, m, &q, &part, error);
}
