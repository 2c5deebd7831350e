/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../schema/values/value.h"
#include "../hive/hive.h"
#include "snapshot-writer.h"

/* A group is ended here, so that a document does not grow far beyond its size. */
#define GROUP_BYTES ((size_t)512 * 1024)
/* Each string of a list is a node in memory when it is read again; above this the list is written raw. */
#define MULTI_BYTES ((size_t)64 * 1024)

static void put_value(struct buf *out, const struct store_value_entry *e)
{
        if (e->type == REG_MULTI_SZ && e->size > MULTI_BYTES) {
                buf_printf(out, "!0x%x \"", (unsigned)e->type);
                hex_format(out, e->data, e->size);
                buf_putc(out, '"');
        } else {
                hive_format_value(out, &(struct value){ .type = e->type, .size = e->size, .data = e->data });
        }
        buf_putc(out, '\n');
}

/* `5-8 12`: runs of numbers, as an import makes them. */
static void put_sequences(struct buf *out, const struct store_value_entry *const *v, size_t n)
{
        for (size_t i = 0, end; i < n; i = end) {
                for (end = i + 1; end < n && v[end]->sequence == v[end - 1]->sequence + 1;)
                        end++;
                if (i > 0)
                        buf_putc(out, ' ');
                put_number(out, v[i]->sequence);
                if (end > i + 1) {
                        buf_putc(out, '-');
                        put_number(out, v[end - 1]->sequence);
                }
        }
}

static int by_layer_and_sequence(const void *a, const void *b)
{
        const struct store_value_entry *x = *(const struct store_value_entry *const *)a;
        const struct store_value_entry *y = *(const struct store_value_entry *const *)b;
        int c = x->layer == y->layer ? 0 : strcmp(x->layer, y->layer);

        if (c != 0)
                return c;
        if (x->sequence != y->sequence)
                return x->sequence < y->sequence ? -1 : 1;
        return strcmp(x->name, y->name);
}

static int keep_value(struct snapshot_writer *w, size_t n, const struct store_value_entry *e)
{
        if (n == w->values_size) {
                size_t size = n ? n * 2 : 64;
                const struct store_value_entry **values =
                        reallocarray((void *)w->values, size, sizeof(struct store_value_entry *));
                if (!values)
                        return -ENOMEM;
                w->values = values;
                w->values_size = size;
        }
        w->values[n] = e;
        return 0;
}

static int collect_values(struct snapshot_writer *w, const struct store_key *key, size_t *ret_n)
{
        const struct store_value_entry *e;
        size_t n = 0;

        for (const void *cursor = NULL; (e = store_next_value(w->store, &key->guid, &cursor));)
                for (; e; e = e->next, n++) {
                        int r = keep_value(w, n, e);
                        if (r < 0)
                                return r;
                }
        if (n > 1)
                qsort((void *)w->values, n, sizeof(struct store_value_entry *), by_layer_and_sequence);
        *ret_n = n;
        return 0;
}

/* How many values, from the first on, make one group: of one layer, and not too many bytes. */
static size_t group_of(const struct store_value_entry *const *v, size_t n)
{
        size_t bytes = 0, i;
        for (i = 0; i < n && strcmp(v[i]->layer, v[0]->layer) == 0; i++) {
                size_t more = strlen(v[i]->name) + v[i]->size + 24;
                if (i > 0 && bytes + more > GROUP_BYTES)
                        break;
                bytes += more;
        }
        return i;
}

static void put_group(struct snapshot_writer *w, const struct store_value_entry *const *v, size_t n)
{
        struct buf *out = &w->text;

        put_indent(out, 4);
        put_key(out, 4, v[0]->layer);
        buf_puts(out, "\n    - ");
        put_sequences(out, v, n);
        for (size_t i = 0; i < n; i++) {
                buf_puts(out, i == 0 ? "\n    - " : "      ");
                put_key(out, 6, v[i]->name);
                buf_putc(out, ' ');
                put_value(out, v[i]);
        }
}

static void put_values(struct snapshot_writer *w, const struct store_key *key)
{
        size_t n = 0;
        int r = collect_values(w, key, &n);
        if (r < 0 && w->error == 0)
                w->error = r;

        const char *layer = NULL;
        for (size_t i = 0, count; w->error == 0 && i < n; i += count) {
                count = group_of(w->values + i, n - i);
                bool again = layer && strcmp(layer, w->values[i]->layer) == 0;
                /* Each layer is once in the map; the rest of a large one goes into another item. */
                if (snapshot_next_item(w) || again) {
                        buf_puts(&w->text, "- more: ");
                        put_guid(&w->text, &key->guid);
                        buf_putc(&w->text, '\n');
                        layer = NULL;
                }
                if (!layer)
                        buf_puts(&w->text, "  values:\n");
                layer = w->values[i]->layer;
                put_group(w, w->values + i, count);
        }
}

/* The layers in which the key is visible under its own name. */
static void put_layers_of(struct snapshot_writer *w, const struct store_key *key)
{
        const struct store_path_entry *e =
                store_lookup(w->store, &key->parent, key->name, strlen(key->name));
        bool first = true;

        for (; e; e = e->next) {
                if (e->hidden || !guid_equal(&e->target, &key->guid) || strcmp(e->name, key->name) != 0)
                        continue;
                buf_puts(&w->text, first ? "  in:\n    " : "    ");
                first = false;
                put_key(&w->text, 4, e->layer);
                buf_putc(&w->text, ' ');
                put_number(&w->text, e->sequence);
                buf_putc(&w->text, '\n');
        }
}

static void put_blankets(struct snapshot_writer *w, const struct store_key *key)
{
        const struct store_blanket *first = store_blankets(w->store, &key->guid);

        for (const struct store_blanket *b = first; b; b = b->next) {
                buf_puts(&w->text, b == first ? "  blankets:\n    " : "    ");
                put_key(&w->text, 4, b->layer);
                buf_putc(&w->text, ' ');
                put_number(&w->text, b->sequence);
                buf_putc(&w->text, '\n');
        }
}

/* An entry that hides, that names its key otherwise than the key itself, or whose key is not there (yet). */
static void put_entry(
        struct snapshot_writer *w, const struct store_key *parent, const struct store_path_entry *e)
{
        struct buf *out = &w->text;
        const struct store_key *target = store_target(e);

        if (target && (target->is_volatile || strcmp(target->name, e->name) == 0))
                return;
        (void)snapshot_next_item(w);
        buf_puts(out, "- entry: ");
        put_name(out, e->name);
        buf_puts(out, "\n  parent: ");
        put_guid(out, &parent->guid);
        buf_puts(out, "\n  layer: ");
        put_name(out, e->layer);
        buf_puts(out, "\n  sequence: ");
        put_number(out, e->sequence);
        if (e->hidden) {
                buf_puts(out, "\n  hides: true\n");
        } else {
                buf_puts(out, "\n  target: ");
                put_guid(out, &e->target);
                buf_putc(out, '\n');
        }
}

static void put_entries(struct snapshot_writer *w, const struct store_key *key)
{
        const struct store_path_entry *e;

        for (const void *cursor = NULL; (e = store_next_child(w->store, &key->guid, &cursor));)
                for (; e; e = e->next)
                        put_entry(w, key, e);
}

void snapshot_put_key(struct snapshot_writer *w, const struct store_key *key)
{
        struct buf *out = &w->text;

        (void)snapshot_next_item(w);
        put_comment(out, &w->path);
        buf_puts(out, "- key: ");
        put_name(out, key->name);
        buf_puts(out, "\n  guid: ");
        put_guid(out, &key->guid);
        if (!guid_is_zero(&key->parent)) {
                buf_puts(out, "\n  parent: ");
                put_guid(out, &key->parent);
        }
        buf_puts(out, "\n  written: ");
        put_number(out, key->last_write);
        if (key->is_link)
                buf_puts(out, "\n  link: true");
        if (key->sd_size > 0) {
                buf_puts(out, "\n  sd: \"");
                hex_format(out, key->sd, key->sd_size);
                buf_putc(out, '"');
        }
        buf_putc(out, '\n');
        if (!guid_is_zero(&key->parent))
                put_layers_of(w, key);
        put_blankets(w, key);
        put_values(w, key);
        put_entries(w, key);
}
