/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* history: who changed what, and when; the newest first. */

#include <errno.h>
#include <inttypes.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/date.h"
#include "event.h"
#include "commands.h"
#include "words.h"

struct history {
        struct session *s;
        const char *key, *name; /* name NULL: all of the key */
        uint64_t since, until;  /* 0: no bound */
        uint64_t left;          /* rows; UINT64_MAX: no limit */
        uint64_t cursor, shown;
        struct change_row row;
};

static void history_done(struct history *h)
{
        change_row_done(&h->row);
}
#define _cleanup_history_ _cleanup_(history_done)

/* ---- One row ---- */

static int show_text(struct history *h, sd_bus_message *m)
{
        return change_row_format(&h->s->out, &h->row, m, h->s->options.verbose);
}

static void side_to_json(struct json *j, const char *key, const struct entry *e)
{
        const struct value v = entry_value(e);

        json_key(j, key);
        if (e->type == CHANGE_ROW_NOTHING) {
                json_null(j);
                return;
        }
        json_begin_object(j);
        json_add_bool(j, "tombstone", e->type == REG_TOMBSTONE);
        if (e->type != REG_TOMBSTONE)
                value_to_json(j, &v);
        json_end_object(j);
}

static int show_json(struct history *h, sd_bus_message *m)
{
        const struct change_row *row = &h->row;
        struct json j = json_on(&h->s->out);
        _cleanup_buf_ struct buf time = BUF_INIT, unused = BUF_INIT;

        entry_format_time(&time, row->time);
        json_begin_object(&j);
        json_add_string(&j, "time", buf_str(&time));
        json_add_string(&j, "change", row->event.kind);
        json_add_string(&j, "path", row->event.key[0] ? row->event.key : NULL);
        json_add_string(&j, "name", event_name(&row->event)[0] ? event_name(&row->event) : NULL);
        json_add_string(&j, "layer", row->event.entry.layer[0] ? row->event.entry.layer : NULL);
        json_add_number(&j, "time_usec", row->time);
        json_add_number(&j, "sequence", row->sequence);
        json_add_bool(&j, "effective", row->effective);
        json_add_bool(&j, "dataless", row->dataless);
        side_to_json(&j, "old", &row->old);
        side_to_json(&j, "new", &row->event.entry);
        json_key(&j, "origin");
        int r = event_read_origin(m, true, &unused, &j);
        json_end_object(&j);
        buf_putc(&h->s->out, '\n');
        return r;
}

/* ---- Pages ---- */

static int append_query(struct history *h, sd_bus_message *m)
{
        const struct {
                const char *name;
                uint64_t number;
        } numbers[] = { { "since", h->since }, { "until", h->until }, { "cursor", h->cursor } };

        int r = sd_bus_message_append(m, "b", (int)h->s->options.subtree);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "backwards", "b", 1);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
                if (numbers[i].number != 0)
                        r = sd_bus_message_append(m, "{sv}", numbers[i].name, "t", numbers[i].number);
        if (r >= 0 && h->name)
                r = sd_bus_message_append(m, "{sv}", "name", "s", h->name);
        if (r >= 0 && h->left <= UINT32_MAX)
                r = sd_bus_message_append(m, "{sv}", "limit", "u", (uint32_t)h->left);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int show_page(struct history *h, sd_bus_message *reply)
{
        int r = sd_bus_message_enter_container(reply, 'a', "(ttssssbbuvuva{sv})");

        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "ttssssbbuvuva{sv}")) > 0) {
                r = change_row_read(reply, &h->row);
                if (r >= 0)
                        r = (h->s->options.json ? show_json : show_text)(h, reply);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                h->shown++;
                h->left -= h->left != UINT64_MAX;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &h->cursor);
        return r < 0 ? session_bad_reply(h->s, r) : session_flush(h->s);
}

static int show(struct history *h)
{
        int code = EXIT_CODE_OK;

        h->cursor = 0;
        do {
                _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
                code = session_new_call(h->s, "History", h->key, NULL, &m);
                if (code != EXIT_CODE_OK)
                        return code;
                int r = append_query(h, m);
                if (r < 0)
                        return session_fail(h->s, r, NULL);
                code = session_call(h->s, m, &reply);
                if (code == EXIT_CODE_OK)
                        code = show_page(h, reply);
        } while (code == EXIT_CODE_OK && h->cursor != 0 && h->left > 0);
        return code;
}

static int read_time(struct session *s, const char *option, const char *text, uint64_t *ret)
{
        int64_t time;

        if (!text)
                return EXIT_CODE_OK;
        if (date_parse(text, (int64_t)clock_of(CLOCK_REALTIME), &time) && time > 0) {
                *ret = (uint64_t)time;
                return EXIT_CODE_OK;
        }
        return session_error(s, EXIT_CODE_USAGE,
                "--%s: '%s' is no time; such are 2026-01-31, '2026-01-31 10:00', 7d, 12h, 30m, @SECONDS",
                option, text);
}

int reg_history_show_since(struct session *s, const char *key, uint64_t time)
{
        _cleanup_history_ struct history h = { .s = s, .left = UINT64_MAX, .key = key, .since = time };

        s->options.subtree = true;
        return show(&h);
}

int command_history(struct session *s)
{
        const struct reg_options *o = &s->options;
        _cleanup_free_ char *key = NULL, *name = NULL;
        _cleanup_history_ struct history h = { .s = s, .left = o->count ? o->count : UINT64_MAX };

        int code = read_time(s, "since", o->since, &h.since);
        if (code == EXIT_CODE_OK)
                code = read_time(s, "until", o->until, &h.until);
        if (code == EXIT_CODE_OK)
                code = session_target(s, &key, &name);
        if (code != EXIT_CODE_OK)
                return code;
        h.key = key;
        h.name = name;
        code = show(&h);
        /* What is no key now may have been one. */
        if (code == EXIT_CODE_OK && h.shown == 0 && name && s->line.n_words == 1) {
                h.key = s->line.words[0];
                h.name = NULL;
                code = show(&h);
        }
        if (code == EXIT_CODE_OK && h.shown == 0 && !o->quiet)
                session_warn("no change of it is known");
        return code;
}
