/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "../../../schema/values/value.h"
#include "state-util.h"

struct lines {
        char **list;
        size_t n;
};

static void end_line(struct lines *l, struct buf *line)
{
        char *text;
        ck_assert_int_eq(buf_finish(line, &text, NULL), 0);
        if ((l->n & (l->n - 1)) == 0) {
                l->list = reallocarray(l->list, l->n ? l->n * 2 : 1, sizeof(char *));
                ck_assert_ptr_nonnull(l->list);
        }
        l->list[l->n++] = text;
}

static void begin_line(struct buf *line, const char *kind, const struct guid *g)
{
        char guid[37];
        guid_format(g, guid);
        buf_printf(line, "%s %s", kind, guid);
}

static void put_hex(struct buf *line, const void *data, size_t n)
{
        buf_putc(line, ' ');
        hex_format(line, data, n);
}

static void key_line(struct lines *l, const struct store_key *k)
{
        struct buf line = BUF_INIT;
        char parent[37];
        guid_format(&k->parent, parent);
        begin_line(&line, "key", &k->guid);
        buf_printf(&line, " in %s link %d time %" PRIu64, parent, k->is_link, k->last_write);
        put_hex(&line, k->name, strlen(k->name));
        put_hex(&line, k->sd, k->sd_size);
        end_line(l, &line);
}

static void children_lines(struct lines *l, const struct store *s, const struct store_key *k)
{
        const struct store_path_entry *e;
        for (const void *cursor = NULL; (e = store_next_child(s, &k->guid, &cursor));)
                for (; e; e = e->next) {
                        const struct store_key *target = store_target(e);
                        if (target && target->is_volatile)
                                continue;
                        struct buf line = BUF_INIT;
                        char guid[37];
                        guid_format(&e->target, guid);
                        begin_line(&line, "entry", &k->guid);
                        buf_printf(&line, " %s %" PRIu64, e->hidden ? "hidden" : guid, e->sequence);
                        put_hex(&line, e->name, strlen(e->name));
                        put_hex(&line, e->layer, strlen(e->layer));
                        end_line(l, &line);
                }
}

static void value_lines(struct lines *l, const struct store *s, const struct store_key *k)
{
        const struct store_value_entry *e;
        for (const void *cursor = NULL; (e = store_next_value(s, &k->guid, &cursor));)
                for (; e; e = e->next) {
                        struct buf line = BUF_INIT;
                        begin_line(&line, "value", &k->guid);
                        buf_printf(&line, " type %" PRIx32 " %" PRIu64, e->type, e->sequence);
                        put_hex(&line, e->name, strlen(e->name));
                        put_hex(&line, e->layer, strlen(e->layer));
                        put_hex(&line, e->data, e->size);
                        end_line(l, &line);
                }
        for (const struct store_blanket *b = store_blankets(s, &k->guid); b; b = b->next) {
                struct buf line = BUF_INIT;
                begin_line(&line, "blanket", &k->guid);
                buf_printf(&line, " %" PRIu64, b->sequence);
                put_hex(&line, b->layer, strlen(b->layer));
                end_line(l, &line);
        }
}

static void table_lines(struct lines *l, const struct world *w)
{
        for (size_t i = 0; i < w->hives.n; i++) {
                struct buf line = BUF_INIT;
                begin_line(&line, "hive", &w->hives.list[i].root);
                buf_printf(&line, " %s", w->hives.list[i].name);
                end_line(l, &line);
        }
        for (size_t i = 0; i < w->layers.n; i++) {
                const struct layer *layer = &w->layers.list[i];
                struct buf line = BUF_INIT;
                buf_printf(&line, "layer %s %u %d %s", layer->name, layer->precedence, layer->enabled,
                        layer->file ? layer->file : "-");
                end_line(l, &line);
        }
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

char *world_contents(const struct world *w)
{
        struct lines l = { 0 };
        const struct store_key *k;
        struct buf all = BUF_INIT;
        char *text;

        for (uint32_t cursor = 0; (k = store_next_key(w->store, &cursor));) {
                if (k->is_volatile)
                        continue;
                key_line(&l, k);
                children_lines(&l, w->store, k);
                value_lines(&l, w->store, k);
        }
        table_lines(&l, w);
        qsort(l.list, l.n, sizeof(char *), by_text);
        for (size_t i = 0; i < l.n; i++) {
                buf_puts(&all, l.list[i]);
                buf_putc(&all, '\n');
                free(l.list[i]);
        }
        free(l.list);
        ck_assert_int_eq(buf_finish(&all, &text, NULL), 0);
        return text;
}

char *directory_contents(const char *dir)
{
        struct world w;
        char *text = NULL;
        if (world_open(&w, dir, true) == 0)
                text = world_contents(&w);
        world_close(&w);
        return text;
}
