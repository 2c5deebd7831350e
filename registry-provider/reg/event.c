/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "event.h"

#include <inttypes.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "words.h"

int event_read_next(sd_bus_message *m, struct event *ret)
{
        struct entry *entry = &ret->entry;
        const char *signer;
        uint64_t serial;

        int r = sd_bus_message_enter_container(m, 'r', "sssuvsts");
        if (r <= 0)
                return r;
        buf_clear(&entry->bytes);
        r = sd_bus_message_read(m, "sss", &ret->kind, &ret->key, &entry->name);
        if (r >= 0)
                r = wire_read_value(m, &entry->bytes, &entry->type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "sts", &entry->layer, &serial, &signer);
        if (r >= 0)
                ret->seal = seal_of(serial, signer);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

bool event_is(const struct event *e, const char *kind)
{
        return strcmp(e->kind, kind) == 0;
}

bool event_has_value(const struct event *e)
{
        /* A write below a tombstone changes nothing, and there is no value: it comes as REG_NONE. */
        return event_is(e, "value-set") || (event_is(e, "value-unchanged") && e->entry.type != REG_NONE);
}

const char *event_name(const struct event *e)
{
        bool of_value = strncmp(e->kind, "value-", strlen("value-")) == 0;

        return of_value ? path_word_of_value_name(e->entry.name) : e->entry.name;
}

void event_format(struct buf *out, const struct event *e)
{
        const struct value v = entry_value(&e->entry);
        const char *name = event_name(e);

        buf_printf(out, "%s  ", e->kind);
        words_put_path(out, e->key);
        if (name[0])
                utf8_put_between(out, "  ", name, "");
        if (event_has_value(e)) {
                buf_puts(out, " = ");
                entry_format_typed(out, &v);
        }
}

void event_to_json(struct json *j, const struct event *e)
{
        const struct value v = entry_value(&e->entry);
        const char *name = event_name(e);

        json_add_string(j, "event", e->kind);
        words_path_to_json(j, "path", e->key);
        if (name[0])
                json_add_string(j, "name", name);
        if (event_has_value(e))
                value_to_json(j, &v);
        if (e->entry.layer[0])
                json_add_string(j, "layer", e->entry.layer);
}

/* ---- Who made it ---- */

static bool is_essential(const char *name)
{
        static const char *const names[] = { "uid", "pid", "comm", "reason", "file", "serial", "signer" };

        return array_has_word(names, name);
}

/* The kernel's "unset", as of a login id. */
#define UNSET UINT32_MAX

static void show_number(const char *name, uint64_t value, struct buf *out)
{
        buf_printf(out, "%s%s %" PRIu64, out->len > 0 ? ", " : "", name, value);
}

static void show_string(const char *name, const char *value, struct buf *out)
{
        if (!value[0])
                return;
        buf_printf(out, "%s%s ", out->len > 0 ? ", " : "", name);
        utf8_put_safe(out, value, strlen(value));
}

/* What else is known is in other members. */
static void show_state(const char *state, struct buf *out)
{
        if (out->len == 0 && strcmp(state, "unknown") == 0)
                buf_puts(out, "not known");
        else if (out->len == 0 && strcmp(state, "none") == 0)
                buf_puts(out, "nobody");
}

/* When the winner was written. */
static int read_time(sd_bus_message *m, struct buf *out, struct json *j)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        uint64_t time;

        int r = sd_bus_message_read(m, "v", "t", &time);
        if (r < 0)
                return r;
        entry_format_time(&text, time);
        if (j) {
                json_add_string(j, "time", buf_str(&text));
                json_add_number(j, "time_usec", time);
        } else
                buf_printf(out, "%s%s", out->len > 0 ? ", " : "", buf_str(&text));
        return text.error;
}

static int read_number(sd_bus_message *m, const char *type, uint64_t *ret, bool *ret_set)
{
        uint32_t number;

        *ret_set = true;
        if (strcmp(type, "t") == 0)
                return sd_bus_message_read(m, "v", "t", ret);
        int r = sd_bus_message_read(m, "v", "u", &number);
        if (r >= 0) {
                *ret = number;
                *ret_set = number != UNSET;
        }
        return r;
}

static int read_member(
        sd_bus_message *m, bool verbose, struct buf *out, const char **ret_state, struct json *j)
{
        const char *name, *contents, *text;
        uint64_t number = 0;
        bool is_set = true;

        int r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;
        if (strcmp(name, "time") == 0 && strcmp(contents, "t") == 0)
                return read_time(m, out, j);
        bool is_number = strcmp(contents, "u") == 0 || strcmp(contents, "t") == 0;
        if (!is_number && strcmp(contents, "s") != 0)
                return sd_bus_message_skip(m, "v");
        r = is_number ? read_number(m, contents, &number, &is_set) : sd_bus_message_read(m, "v", "s", &text);
        if (r < 0)
                return r;
        if (j) {
                json_key(j, name);
                if (!is_number)
                        json_string(j, text);
                else if (is_set)
                        json_number(j, number);
                else
                        json_null(j);
        } else if (!is_number && strcmp(name, "actor") == 0) {
                *ret_state = text;
        } else if (verbose || is_essential(name)) {
                if (is_number && is_set)
                        show_number(name, number, out);
                else if (!is_number)
                        show_string(name, text, out);
        }
        return 0;
}

int event_read_origin(sd_bus_message *m, bool verbose, struct buf *out, struct json *j)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        const char *state = "";

        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (j)
                json_begin_object(j);
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_member(m, verbose, &text, &state, j);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (j)
                json_end_object(j);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        show_state(state, &text);
        buf_add(out, buf_str(&text), text.len);
        return text.error;
}

/* ---- A change of the history ---- */

void change_row_done(struct change_row *row)
{
        entry_done(&row->old);
        entry_done(&row->event.entry);
}

int change_row_read(sd_bus_message *m, struct change_row *row)
{
        struct event *event = &row->event;
        struct entry *old = &row->old, *new = &event->entry;

        buf_clear(&old->bytes);
        buf_clear(&new->bytes);
        int r = sd_bus_message_read(m, "ttssssbb", &row->time, &row->sequence, &event->kind, &event->key,
                &new->name, &new->layer, &row->effective, &row->dataless);
        if (r >= 0)
                r = wire_read_value(m, &old->bytes, &old->type, NULL);
        return r < 0 ? r : wire_read_value(m, &new->bytes, &new->type, NULL);
}

static void format_side(struct buf *out, const struct entry *e)
{
        const struct value v = entry_value(e);

        if (e->type == CHANGE_ROW_NOTHING)
                buf_puts(out, "none");
        else if (e->type == REG_TOMBSTONE)
                buf_puts(out, "tombstone");
        else
                entry_format_typed(out, &v);
}

static void format_row(struct buf *out, const struct change_row *row)
{
        const char *name = event_name(&row->event);

        entry_format_time(out, row->time);
        buf_printf(out, "  %s", row->event.kind);
        if (row->event.key[0]) {
                buf_puts(out, "  ");
                words_put_path(out, row->event.key);
        }
        if (name[0])
                utf8_put_between(out, "  ", name, "");
        if (row->old.type == CHANGE_ROW_NOTHING && row->event.entry.type == CHANGE_ROW_NOTHING)
                return;
        buf_puts(out, " = ");
        format_side(out, &row->old);
        buf_puts(out, " -> ");
        format_side(out, &row->event.entry);
}

int change_row_format(struct buf *out, const struct change_row *row, sd_bus_message *m, bool verbose)
{
        _cleanup_buf_ struct buf origin = BUF_INIT;

        format_row(out, row);
        buf_puts(out, "   (");
        if (row->event.entry.layer[0])
                utf8_put_between(out, "layer ", row->event.entry.layer, ", ");
        buf_printf(out, "%s%ssequence %" PRIu64, row->effective ? "" : "not effective, ",
                row->dataless ? "without data, " : "", row->sequence);
        int r = event_read_origin(m, verbose, &origin, NULL);
        if (origin.len > 0)
                buf_printf(out, ", %s", buf_str(&origin));
        buf_puts(out, ")\n");
        return r;
}
