/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events, drop-in files, and changes by chance. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry-util.h"
#include "suite.h"

char *take_text(struct buf *text)
{
        char *ret;
        ck_assert_int_eq(buf_finish(text, &ret, NULL), 0);
        return ret;
}

void value_text(struct buf *out, uint32_t type, const void *data, size_t size)
{
        const struct value v = { .type = type, .data = data, .size = size };
        uint32_t n;

        if (type == REG_TOMBSTONE)
                buf_puts(out, "!");
        else if (value_get_u32(&v, &n) == 0)
                buf_printf(out, "%u", n);
        else
                buf_printf(out, "%s'%.*s'", type == REG_SZ ? "" : value_type_keyword(type), (int)size,
                        (const char *)data);
}

static void put_event(struct buf *out, const struct registry_event *e)
{
        buf_printf(out, "%s %s", registry_event_name(e->kind), e->path);
        if (e->kind == EVENT_SUBKEY_CREATED || e->kind == EVENT_SUBKEY_DELETED) {
                buf_printf(out, " %s", e->name);
        } else if (e->kind != EVENT_KEY_DELETED) {
                buf_printf(out, " %s", e->name[0] ? e->name : "@");
                if (e->type != REG_TOMBSTONE) {
                        buf_putc(out, '=');
                        value_text(out, e->type, e->data, e->size);
                        buf_printf(out, "@%s", e->layer);
                }
                buf_puts(out, e->is_write ? "" : " (uncovered)");
        }
        buf_putc(out, '\n');
}

char *events_text(const struct registry_events *events)
{
        struct buf out = BUF_INIT;
        for (size_t i = 0; i < events->n; i++)
                put_event(&out, &events->list[i]);
        return take_text(&out);
}

char *world_reload(struct world *w)
{
        struct registry_events events = { 0 };
        struct buf out = BUF_INIT;

        dropins_done(&w->files);
        w->d = (struct diag){ 0 };
        ck_assert_int_eq(dropins_load(w->root.root, WORLD_VALUE_MAX, &w->files), 0);
        int r = registry_apply_dropins(w->r, &w->files, &events, &w->d);
        if (r == 0)
                r = registry_sync(w->r, &w->d);
        if (r < 0)
                return error_text(w, r);
        for (size_t i = 0; i < events.n; i++)
                put_event(&out, &events.list[i]);
        for (size_t i = 0; i < w->files.n; i++)
                if (w->files.list[i].error)
                        buf_printf(&out, "error %s\n", w->files.list[i].error);
        registry_events_done(&events);
        return take_text(&out);
}

void world_reload_well(struct world *w)
{
        _cleanup_free_ char *text = world_reload(w);
        ck_assert_msg(text[0] != 'E', "%s", text);
}

void world_expect_reload(struct world *w, const char *expected)
{
        _cleanup_free_ char *text = world_reload(w);
        ck_assert_msg(strcmp(text, expected) == 0, "gives:\n%s\nexpected:\n%s", text, expected);
}

static void split_lines(const char *text, struct dump *to)
{
        for (size_t n; *text; text += n + 1) {
                n = strcspn(text, "\n");
                dump_line(to, "%.*s", (int)n, text);
        }
        dump_sort(to);
}

void assert_same_lines(const char *got, const char *expected, const char *what)
{
        struct dump a = { 0 }, b = { 0 };

        split_lines(expected, &a);
        split_lines(got, &b);
        dump_assert_equal(&a, &b, what);
        dump_done(&a);
        dump_done(&b);
}

void world_expect_reload_sorted(struct world *w, const char *expected)
{
        _cleanup_free_ char *text = world_reload(w);
        assert_same_lines(text, expected, "reload");
}

void world_change_somehow(struct world *w, const char *const *layers, size_t n_layers)
{
        static const char *const words[] = { "set", "set", "set", "set", "del", "mk", "rm", "rmr", "hide",
                "show", "mask", "mask", "unmask" };
        static const char *const keys[] = { "A", "a", "A\\B", "A\\B\\C", "D" };
        static const char *const values[] = { "1", "2", "!", "text" };
        char line[120];

        const char *word = words[pick(ARRAY_SIZE(words))], *key = keys[pick(ARRAY_SIZE(keys))];
        int n = snprintf(
                line, sizeof(line), "%s %s Machine\\%s", word, layers[pick((unsigned)n_layers)], key);
        if (word[1] == 'e')
                n += snprintf(line + n, sizeof(line) - (size_t)n, " %c", 'U' + (int)pick(2));
        if (word[0] == 's' && word[1] == 'e')
                (void)snprintf(line + n, sizeof(line) - (size_t)n, " %s", values[pick(ARRAY_SIZE(values))]);
        free(world_run(w, line));
}
