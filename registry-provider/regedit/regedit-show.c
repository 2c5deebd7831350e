/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be read: the help, the card of a value or key, its history, and a long error. */
#include <inttypes.h>
#include <string.h>

#include "../../schema/base/table.h"
#include "../../schema/names/fold.h"
#include "../../schema/names/path.h"
#include "../reg/card.h"
#include "../reg/event.h"
#include "../reg/entry.h"
#include "../reg/words.h"
#include "regedit.h"

static struct buf *open_text(struct regedit *r, const char *title)
{
        view_open(&r->view, VIEW_TEXT, title);
        r->chosen = NULL;
        return &r->view.text;
}

void regedit_show_help(struct regedit *r)
{
        actions_help(open_text(r, "Keys"));
}

void regedit_show_error(struct regedit *r)
{
        if (!r->status.text[0])
                return;
        struct buf *out = open_text(r, r->is_error ? "What went wrong" : "What was said");
        buf_puts(out, r->status.text);
}

/* ---- The card ---- */

static const struct table_column columns[] = { { "  LAYER", false }, { "PRECEDENCE", true },
        { "SEQUENCE", true }, { "VALUE", false } };

static void put_layers(struct buf *out, const struct contenders *layers)
{
        _cleanup_table_ struct table table = TABLE(columns);

        for (size_t i = 0; i < layers->n; i++) {
                const struct contender *c = &layers->list[i];
                buf_puts(table_cell(&table), contender_wins(c) ? "* " : "  ");
                utf8_put_safe(&table.text, c->entry.layer, strlen(c->entry.layer));
                buf_printf(table_cell(&table), "%" PRIu32, c->precedence);
                buf_printf(table_cell(&table), "%" PRIu64, c->entry.sequence);
                contender_format(table_cell(&table), c);
        }
        table_format(&table, layers->n > 0, out);
}

static void show_value(struct regedit *r, const struct value_row *row)
{
        const char *key = buf_str(&r->values.key);
        struct buf *out = open_text(r, "Manual");

        if (row->known)
                card_format(out, key, &row->known->sv);
        else {
                words_format_value(out, key, row->name);
                buf_puts(out, "\n\n    The schema does not know this value.\n\n");
        }
        put_layers(out, &row->layers);
        if (row->layers.n == 0)
                buf_puts(out, "no layer has it\n");
        else if (row->origin.len > 0)
                buf_printf(out, "written by: %s\n", buf_str(&row->origin));
}

/* What the schema knows in the selected key. */
static void put_known(struct buf *out, const struct value_list *l)
{
        for (size_t i = 0; i < l->n; i++) {
                const struct description *d = l->rows[i].known;
                const char *name = path_word_of_value_name(l->rows[i].name);
                if (!d)
                        continue;
                utf8_put_between(out, "\n", name, "\n    ");
                utf8_put_between(out, "", d->sv.description, "\n");
        }
}

/* The cursor may have gone on meanwhile. */
static bool is_wanted(const struct regedit *r, const struct feed_answer *a)
{
        return r->view.is_growing && strcmp(a->key, buf_str(&r->values.key)) == 0;
}

static void on_info(struct regedit *r, const struct feed_answer *a)
{
        _cleanup_key_info_ struct key_info info = { 0 };

        if (!is_wanted(r, a))
                return;
        buf_clear(&r->view.text);
        int e = a->reply ? key_info_read(a->reply, &info) : 0;
        regedit_fail_with(r, e);
        if (a->reply && e == 0)
                key_info_format(&r->view.text, &info);
        else
                buf_printf(&r->view.text, "%s\n", a->d.text);
        put_known(&r->view.text, &r->values);
        r->view.is_growing = false;
        view_grown(&r->view);
        r->is_changed = true;
}

void regedit_show_card(struct regedit *r)
{
        const struct value_row *row = r->in_values ? value_list_selected(&r->values) : NULL;
        const char *key = buf_str(&r->values.key);

        if (row) {
                show_value(r, row);
                return;
        }
        buf_puts(open_text(r, "Manual"), "reading ...");
        r->view.is_growing = true;
        regedit_fail_with(r, feed_ask(r->feed, "Info", key, NULL, on_info, "s", key));
}

/* ---- The history ---- */

/* Of one view. */
#define HISTORY_BYTES_MAX (4u * 1024u * 1024u)

static void ask_history(struct regedit *r, const char *key, const char *name, uint64_t cursor);

static int read_rows(struct buf *out, sd_bus_message *m)
{
        struct change_row row = { 0 };
        int r = sd_bus_message_enter_container(m, 'a', "(ttssssbbuvuva{sv})");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "ttssssbbuvuva{sv}")) > 0) {
                r = change_row_read(m, &row);
                if (r >= 0)
                        r = change_row_format(out, &row, m, false);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        change_row_done(&row);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static void on_history(struct regedit *r, const struct feed_answer *a)
{
        uint64_t cursor = 0;
        int e = 0;

        if (!is_wanted(r, a))
                return;
        if (a->reply)
                e = read_rows(&r->view.text, a->reply);
        else
                buf_printf(&r->view.text, "%s\n", a->d.text);
        if (a->reply && e >= 0)
                e = sd_bus_message_read(a->reply, "t", &cursor);
        regedit_fail_with(r, e);
        r->view.is_growing = cursor != 0 && r->view.text.len < HISTORY_BYTES_MAX;
        if (r->view.is_growing)
                ask_history(r, a->key, a->name, cursor);
        else if (cursor != 0)
                buf_puts(&r->view.text, "Earlier ones are left out: peios-reg history has them.\n");
        else if (r->view.text.len == 0)
                buf_puts(&r->view.text, "no change of it is known\n");
        view_grown(&r->view);
        r->is_changed = true;
}

static int append_query(sd_bus_message *m, const char *name, uint64_t cursor)
{
        int r = sd_bus_message_append(m, "b", 0);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "backwards", "b", 1);
        if (r >= 0 && name)
                r = sd_bus_message_append(m, "{sv}", "name", "s", name);
        if (r >= 0 && cursor != 0)
                r = sd_bus_message_append(m, "{sv}", "cursor", "t", cursor);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void ask_history(struct regedit *r, const char *key, const char *name, uint64_t cursor)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int e = feed_new_call(r->feed, "History", &m);
        if (e >= 0)
                e = sd_bus_message_append(m, "s", key);
        if (e >= 0)
                e = append_query(m, name, cursor);
        if (e >= 0)
                e = feed_send(r->feed, m, key, name, on_history);
        regedit_fail_with(r, e);
}

void regedit_show_history(struct regedit *r)
{
        const char *name, *key = regedit_place(r, &name);

        (void)open_text(r, "History, the newest first");
        r->view.is_growing = true;
        ask_history(r, key, name, 0);
}
