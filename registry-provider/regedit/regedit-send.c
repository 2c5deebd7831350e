/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A change is previewed, shown, and sent after a yes; so is taking one back. And where to, and whether one
 * may. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/names/fold.h"
#include "../../schema/names/path.h"
#include "../reg/event.h"
#include "../reg/words.h"
#include "regedit.h"

/* ---- The calls ---- */

static int append_change(sd_bus_message *m, const struct edit *e)
{
        const struct value v = { .type = e->type, .size = e->bytes.len, .data = e->bytes.data };

        int r = sd_bus_message_open_container(m, 'a', "(sssuv)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sssuv");
        if (r >= 0)
                r = sd_bus_message_append(m, "sss", e->action, buf_str(&e->key), buf_str(&e->name));
        if (r >= 0)
                r = wire_append_value(m, &v);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_edit(sd_bus_message *m, const struct edit *e, const char *layer)
{
        const struct wire_options options = { .layer = layer,
                .expected = e->expected,
                .recursive = e->action && strcmp(e->action, "delete-key") == 0 };

        if (!e->action)
                return sd_bus_message_append(m, "a{sv}", 1, "sequence", "t", e->undo);
        int r = append_change(m, e);
        return r < 0 ? r : wire_append_options(m, &options);
}

/* A person may be asked for the permission to write. */
static void call(struct regedit *r, const char *method, feed_fn fn)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const struct edit *e = &r->edit;

        int error = feed_new_call(r->feed, method, &m);
        if (error >= 0)
                error = append_edit(m, e, r->layer);
        if (error >= 0)
                error = sd_bus_message_set_allow_interactive_authorization(m, true);
        if (error >= 0)
                error = feed_send(r->feed, m, buf_str(&e->key), buf_str(&e->name), fn);
        regedit_fail_with(r, error);
}

/* ---- What it comes to ---- */

/* What the screen has of the value that an event is about. */
static const struct value_row *row_of(const struct regedit *r, const struct event *e)
{
        const char *key = buf_str(&r->values.key);

        if (strncmp(e->kind, "value-", strlen("value-")) != 0 || !fold_same(e->key, key))
                return NULL;
        return value_list_find(&r->values, e->entry.name);
}

static void put_event(const struct regedit *r, struct buf *out, const struct event *e)
{
        const struct value_row *row = row_of(r, e);

        buf_puts(out, "  ");
        event_format(out, e);
        if (e->entry.layer[0])
                utf8_put_between(out, "   (layer ", e->entry.layer, ")");
        buf_putc(out, '\n');
        if (!row || event_is(e, "value-unchanged"))
                return;
        buf_puts(out, "      before: ");
        if (row->entry) {
                const struct value v = entry_value(row->entry);
                entry_format_short(out, &v);
        } else
                buf_puts(out, "not set");
        buf_putc(out, '\n');
}

static int put_events(const struct regedit *r, struct buf *out, sd_bus_message *m)
{
        struct event event = { 0 };
        size_t n = 0;
        int e = sd_bus_message_enter_container(m, 'a', "(sssuvsts)");

        while (e >= 0 && (e = event_read_next(m, &event)) > 0) {
                put_event(r, out, &event);
                n++;
        }
        entry_done(&event.entry);
        if (n == 0)
                buf_puts(out, "  nothing\n");
        return e < 0 ? e : sd_bus_message_exit_container(m);
}

/* What is sent. */
static void put_edit(struct buf *out, const struct edit *e, const char *layer)
{
        const struct value v = { .type = e->type, .size = e->bytes.len, .data = e->bytes.data };
        const bool is_key = strcmp(e->action, "set") != 0 && strcmp(e->action, "delete") != 0;

        buf_printf(out, "In the layer %s:\n  %s  ", layer, v.type == REG_TOMBSTONE ? "mask" : e->action);
        if (is_key)
                words_format_key(out, buf_str(&e->key));
        else
                words_format_value(out, buf_str(&e->key), buf_str(&e->name));
        if (strcmp(e->action, "set") == 0 && v.type != REG_TOMBSTONE) {
                buf_puts(out, " = ");
                entry_format_typed(out, &v);
        }
        buf_puts(out, "\n\n");
}

/* A reader that would refuse it keeps what it has. */
static void put_refusal(const struct regedit *r, struct buf *out, const struct edit *e)
{
        const struct value v = { .type = e->type, .size = e->bytes.len, .data = e->bytes.data };
        const struct value_row *row = value_list_find(&r->values, buf_str(&e->name));
        _cleanup_free_ char *text = NULL;
        struct diag why = { 0 };

        if (strcmp(e->action, "set") != 0 || e->type == REG_TOMBSTONE || !row || !row->known ||
                schema_check(&row->known->sv, &v, &text, &why) >= 0)
                return;
        utf8_put_between(out, "Its reader would refuse it: ", why.text, "\n\n");
}

static void on_sent(struct regedit *r, const struct feed_answer *a);

static void on_yes(struct regedit *r)
{
        regedit_say(r, "sending ...");
        call(r, r->edit.action ? "Transact" : "Undo", on_sent);
}

static void on_preview(struct regedit *r, const struct feed_answer *a)
{
        struct buf *out = &r->view.text;
        const struct edit *e = &r->edit;

        if (!a->reply) {
                regedit_fail(r, &a->d);
                regedit_edit_again(r);
                return;
        }
        r->chosen = on_yes;
        view_open(&r->view, VIEW_QUESTION, e->action ? "Send this change?" : "Take this back?");
        if (e->action) {
                put_edit(out, e, r->layer);
                put_refusal(r, out, e);
        } else
                buf_printf(out, "The change %" PRIu64 " is taken back.\n\n", e->undo);
        buf_puts(out, "What readers see changes by that:\n");
        int error = put_events(r, out, a->reply);
        if (r->access == ACCESS_ASKS)
                buf_puts(out, "\nIt happens if polkit allows it.\n");
        regedit_fail_with(r, error);
        r->is_changed = true;
}

void regedit_preview(struct regedit *r)
{
        call(r, r->edit.action ? "Preview" : "PreviewUndo", on_preview);
}

/* ---- What became of it ---- */

static void note_done(struct regedit *r, uint64_t sequence)
{
        if (r->n_done == REGEDIT_UNDO_MAX)
                memmove(r->done, r->done + 1, --r->n_done * sizeof(*r->done));
        r->done[r->n_done++] = sequence;
}

/* The cursor goes to what is new, which is read for that. */
static void go_there(struct regedit *r, const struct feed_answer *a)
{
        const bool is_value = strcmp(r->edit.action, "set") == 0;
        struct key_node *last;

        if (!is_value && strcmp(r->edit.action, "create-key") != 0)
                return;
        (void)key_tree_find(&r->tree, a->key, &last);
        last->read = last->asked = 0;
        r->values.is_read &= !is_value;
        regedit_go(r, a->key, is_value ? a->name : NULL);
        regedit_follow(r);
}

static void on_sent(struct regedit *r, const struct feed_answer *a)
{
        uint64_t sequence;

        if (!a->reply) {
                regedit_fail(r, &a->d);
                regedit_edit_again(r);
                return;
        }
        int e = sd_bus_message_read(a->reply, "t", &sequence);
        regedit_fail_with(r, e);
        if (e < 0)
                return;
        if (r->edit.action) {
                note_done(r, sequence);
                go_there(r, a);
                regedit_say(r, "done: change %" PRIu64, sequence);
        } else {
                r->n_done--;
                regedit_say(r, "taken back");
        }
}

void regedit_undo(struct regedit *r)
{
        if (r->n_done == 0) {
                regedit_say(r, "nothing was changed here that could be taken back");
                return;
        }
        r->edit.action = NULL;
        r->edit.undo = r->done[r->n_done - 1];
        regedit_preview(r);
}

/* ---- Which layer ---- */

static int enter_layers(sd_bus_message *m)
{
        int r = sd_bus_message_rewind(m, true);

        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'v', "a(substs)");
        return r < 0 ? r : sd_bus_message_enter_container(m, 'a', "(substs)");
}

struct layer_row {
        const char *name, *file;
        uint32_t precedence;
        int enabled;
};

static int read_layer(sd_bus_message *m, struct layer_row *ret)
{
        return sd_bus_message_read(
                m, "(substs)", &ret->name, &ret->precedence, &ret->enabled, &ret->file, NULL, NULL);
}

static void on_layer(struct regedit *r)
{
        size_t number = r->view.lines[r->view.selected].number;
        struct layer_row l;

        int e = enter_layers(r->layers);
        while (e >= 0 && (e = read_layer(r->layers, &l)) > 0 && number > 0)
                number--;
        if (e <= 0)
                return;
        if (l.file[0])
                regedit_say(r, "%s is a file, which is edited as one: %s", l.name, l.file);
        else {
                (void)snprintf(r->layer, sizeof(r->layer), "%s", l.name);
                r->values.is_read = false;
                regedit_follow(r);
        }
}

static void put_layer(struct buf *out, const struct layer_row *l)
{
        utf8_put_safe(out, l->name, strlen(l->name));
        buf_printf(out, "   precedence %" PRIu32 "%s", l->precedence, l->enabled ? "" : ", off");
        if (l->file[0])
                utf8_put_between(out, ", read-only: ", l->file, "");
        buf_putc(out, '\n');
}

static void on_layers(struct regedit *r, const struct feed_answer *a)
{
        struct layer_row l;

        if (!a->reply) {
                regedit_fail(r, &a->d);
                return;
        }
        sd_bus_message_unref(r->layers);
        r->layers = sd_bus_message_ref(a->reply);
        view_open(&r->view, VIEW_MENU, "Write to which layer?");
        r->chosen = on_layer;
        int e = enter_layers(r->layers);
        while (e >= 0 && (e = read_layer(r->layers, &l)) > 0)
                put_layer(&r->view.text, &l);
        regedit_fail_with(r, e);
        r->is_changed = true;
}

void regedit_choose_layer(struct regedit *r)
{
        regedit_fail_with(r, feed_ask_property(r->feed, "Layers", on_layers));
}

/* ---- Whether one may ---- */

static void on_polkit(struct regedit *r, const struct feed_answer *a)
{
        int allowed = 0, asks = 1;

        if (a->reply && (sd_bus_message_enter_container(a->reply, 'r', "bba{ss}") < 0 ||
                                sd_bus_message_read(a->reply, "bb", &allowed, &asks) < 0))
                return;
        if (a->is_absent || (!allowed && !asks))
                r->access = ACCESS_DENIED;
        else if (allowed)
                r->access = ACCESS_ALLOWED;
        r->is_changed = true;
}

static void on_access(struct regedit *r, const struct feed_answer *a)
{
        static const char *const words[] = { [ACCESS_UNKNOWN] = "",
                [ACCESS_ALLOWED] = "allowed",
                [ACCESS_ASKS] = "ask-polkit",
                [ACCESS_DENIED] = "denied" };
        const char *word;

        r->access = ACCESS_UNKNOWN;
        if (!a->reply || sd_bus_message_skip(a->reply, "a(sssuvsts)") < 0 ||
                sd_bus_message_read(a->reply, "s", &word) < 0)
                return;
        if (array_has_word(words, word))
                r->access = (enum access)array_find_word(words, ARRAY_SIZE(words), word);
        if (r->access == ACCESS_ASKS)
                regedit_fail_with(r, feed_ask_polkit(r->feed, on_polkit));
        r->is_changed = true;
}

/* What nothing at all would be met with. */
void regedit_ask_access(struct regedit *r)
{
        regedit_fail_with(r, feed_ask(r->feed, "Preview", "", NULL, on_access, "a(sssuv)a{sv}", 0, 0));
}

bool regedit_may_write(struct regedit *r)
{
        if (!r->is_there)
                return false;
        if (r->access == ACCESS_DENIED)
                regedit_say(r,
                        "read-only: only root, the administrators' group and whom polkit allows may write");
        return r->access != ACCESS_DENIED;
}
