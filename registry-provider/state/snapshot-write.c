/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/base/crc32c.h"
#include "../../schema/yaml/yaml.h"
#include "snapshot-writer.h"

#define FLUSH_BYTES ((size_t)256 * 1024)
#define DOCUMENT_BYTES ((size_t)1024 * 1024)

static const struct guid no_parent;

void snapshot_flush(struct snapshot_writer *w)
{
        if (w->error == 0)
                w->error = w->text.error;
        if (w->error < 0 || w->text.len == 0)
                return;
        w->crc = crc32c(w->crc, w->text.data, w->text.len);
        w->error = w->sink(w->text.data, w->text.len, w->userdata);
        w->document += w->text.len;
        buf_clear(&w->text);
}

void snapshot_begin_document(struct snapshot_writer *w)
{
        buf_puts(&w->text, "---\n");
        w->document = 0;
}

bool snapshot_next_item(struct snapshot_writer *w)
{
        if (w->text.len >= FLUSH_BYTES)
                snapshot_flush(w);
        if (w->document + w->text.len < DOCUMENT_BYTES)
                return false;
        snapshot_flush(w);
        snapshot_begin_document(w);
        return true;
}

static int compare_parent(const struct guid *a, const struct guid *b)
{
        return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static int by_parent_and_name(const void *a, const void *b)
{
        const struct store_key *x = *(const struct store_key *const *)a;
        const struct store_key *y = *(const struct store_key *const *)b;
        int c = compare_parent(&x->parent, &y->parent);

        if (c == 0)
                c = strcmp(x->name, y->name);
        return c != 0 ? c : compare_parent(&x->guid, &y->guid);
}

static int collect_keys(struct snapshot_writer *w)
{
        size_t n = store_counts(w->store).keys;
        const struct store_key *key;

        w->keys = calloc(n > 0 ? n : 1, sizeof(const struct store_key *));
        if (!w->keys)
                return -ENOMEM;
        for (uint32_t cursor = 0; (key = store_next_key(w->store, &cursor));)
                if (!key->is_volatile)
                        w->keys[w->n_keys++] = key;
        qsort((void *)w->keys, w->n_keys, sizeof(const struct store_key *), by_parent_and_name);
        return 0;
}

static size_t first_child(const struct snapshot_writer *w, const struct guid *parent)
{
        size_t low = 0, high = w->n_keys;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (compare_parent(&w->keys[middle]->parent, parent) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* One level of the walk down the tree: the next key of a run of siblings. */
struct level {
        size_t next;
        size_t path_len; /* of the parent's path */
};

/* Parents come before their children, as the store wants them. A key whose parent was dropped can never be
 * reached again and is left out. */
static int put_keys(struct snapshot_writer *w)
{
        size_t depth = 0, size = 64;
        _cleanup_free_ struct level *levels = calloc(size, sizeof(*levels));
        if (!levels)
                return -ENOMEM;

        levels[depth++] = (struct level){ .next = first_child(w, &no_parent) };
        struct guid parent = { 0 };
        while (depth > 0 && w->error == 0) {
                struct level *l = &levels[depth - 1];
                const struct store_key *key = l->next < w->n_keys ? w->keys[l->next] : NULL;
                if (!key || !guid_equal(&key->parent, &parent)) {
                        depth--;
                        if (depth > 0)
                                parent = w->keys[levels[depth - 1].next - 1]->parent;
                        continue;
                }
                l->next++;
                w->path.len = l->path_len;
                if (l->path_len > 0)
                        buf_putc(&w->path, '\\');
                buf_puts(&w->path, key->name);
                snapshot_put_key(w, key);
                if (w->path.error)
                        return w->path.error;
                if (depth == size) {
                        struct level *more = reallocarray(levels, size *= 2, sizeof(*levels));
                        if (!more)
                                return -ENOMEM;
                        levels = more;
                }
                levels[depth++] =
                        (struct level){ .next = first_child(w, &key->guid), .path_len = w->path.len };
                parent = key->guid;
        }
        return w->error;
}

static void put_head(struct snapshot_writer *w, const struct state_hives *hives, const struct layers *layers,
        uint64_t generation)
{
        struct buf *out = &w->text;
        bool first = true;

        buf_puts(out,
                "# Written by peios-registryd; do not edit: a changed file is set aside and not used.\n"
                "# Settings belong in hive files (/etc/peios/registry.d) or are made with peios-reg.\n");
        buf_printf(out, "peios-registry-snapshot: %u\ngeneration: %" PRIu64 "\nsequence: %" PRIu64 "\n",
                SNAPSHOT_FORMAT_VERSION, generation, store_last_sequence(w->store));
        for (size_t i = 0; i < hives->n; i++) {
                buf_puts(out, i == 0 ? "hives:\n  " : "  ");
                put_key(out, 2, hives->list[i].name);
                buf_putc(out, ' ');
                put_guid(out, &hives->list[i].root);
                buf_putc(out, '\n');
        }
        for (size_t i = 0; i < layers->n; i++) {
                const struct layer *l = &layers->list[i];
                if (!l->file)
                        continue;
                buf_puts(out, first ? "layers:\n  " : "  ");
                first = false;
                put_key(out, 2, l->name);
                buf_printf(out, "\n    precedence: %" PRIu32 "\n    enabled: %s\n    file: ", l->precedence,
                        l->enabled ? "true" : "false");
                yaml_quote(out, l->file, strlen(l->file));
                buf_putc(out, '\n');
        }
}

static int put_end(struct snapshot_writer *w, uint32_t *ret_crc)
{
        snapshot_flush(w);
        uint32_t crc = w->crc;
        buf_printf(&w->text, "# crc32c: %08" PRIx32 "\n", crc);
        snapshot_flush(w);
        if (w->error == 0)
                *ret_crc = crc;
        return w->error;
}

static void writer_done(struct snapshot_writer *w)
{
        buf_done(&w->text);
        buf_done(&w->path);
        free((void *)w->keys);
        free((void *)w->values);
}

int snapshot_write(const struct store *store, const struct state_hives *hives, const struct layers *layers,
        uint64_t generation, snapshot_sink_t sink, void *userdata, uint32_t *ret_crc)
{
        _cleanup_(writer_done) struct snapshot_writer w = {
                .store = store, .sink = sink, .userdata = userdata
        };
        int r = collect_keys(&w);
        if (r < 0)
                return r;
        put_head(&w, hives, layers, generation);
        if (w.n_keys > 0)
                snapshot_begin_document(&w);
        r = put_keys(&w);
        return r < 0 ? r : put_end(&w, ret_crc);
}
