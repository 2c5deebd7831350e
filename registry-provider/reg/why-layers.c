/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layers that have a value, and who wrote the one that wins. */

#include <inttypes.h>
#include <string.h>

#include "entry.h"
#include "origin.h"
#include "why.h"

struct value contender_value(const struct contender *c)
{
        return (struct value){ .type = c->type, .data = c->bytes.data, .size = c->bytes.len };
}

bool contender_is_tombstone(const struct contender *c)
{
        return c->type == REG_TOMBSTONE;
}

static const struct table_column columns[] = { { "  LAYER", false }, { "PRECEDENCE", false },
        { "SEQUENCE", false }, { "VALUE", false } };

static void show_value(struct buf *out, const struct contender *c, bool wins)
{
        const struct value v = contender_value(c);
        bool hides = strcmp(c->state, "hides-key") == 0;

        if (hides)
                buf_puts(out, "hides the key, or one above it");
        else if (contender_is_tombstone(c))
                buf_puts(out, "tombstone: masks what is below");
        else {
                format_typed(out, &v);
                format_nuls(out, &v);
        }
        if (!wins && !hides)
                buf_printf(out, "   (%s)", c->state);
        if (c->file[0]) {
                buf_puts(out, "   ");
                format_safe(out, c->file, strlen(c->file));
        }
}

static void show_text(struct why *w, const struct contender *c, const char *problem)
{
        bool wins = strcmp(c->state, "wins") == 0, heading = w->terminal;

        buf_puts(table_cell(&w->table), wins ? "* " : "  ");
        format_safe(&w->table.text, c->layer, strlen(c->layer));
        buf_printf(table_cell(&w->table), "%s%" PRIu32, heading ? "" : "precedence ", c->precedence);
        buf_printf(table_cell(&w->table), "%s%" PRIu64, heading ? "" : "sequence ", c->sequence);
        show_value(table_cell(&w->table), c, wins);
        if (problem) {
                buf_puts(&w->notes, "  the file is broken, this is what it said before: ");
                format_safe(&w->notes, problem, strlen(problem));
                buf_putc(&w->notes, '\n');
        }
}

static void show_json(struct json *j, const struct contender *c, const char *problem)
{
        const struct value v = contender_value(c);

        json_begin_object(j);
        json_key(j, "layer");
        json_string(j, c->layer);
        json_key(j, "precedence");
        json_number(j, c->precedence);
        json_key(j, "sequence");
        json_number(j, c->sequence);
        json_key(j, "file");
        json_string(j, c->file[0] ? c->file : NULL);
        json_key(j, "file_problem");
        json_string(j, problem);
        json_key(j, "state");
        json_string(j, c->state);
        json_key(j, "tombstone");
        json_bool(j, contender_is_tombstone(c));
        if (!contender_is_tombstone(c))
                value_to_json(j, &v);
        json_end_object(j);
}

static int read_contender(sd_bus_message *m, struct contender *ret)
{
        int r = sd_bus_message_enter_container(m, 'r', "sustuvs");
        if (r <= 0)
                return r;
        buf_clear(&ret->bytes);
        r = sd_bus_message_read(m, "sust", &ret->layer, &ret->precedence, &ret->file, &ret->sequence);
        if (r >= 0)
                r = wire_read_value(m, &ret->bytes, &ret->type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &ret->state);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

static int show_contenders(struct why *w, sd_bus_message *m)
{
        struct contender c = { 0 };
        int r = sd_bus_message_enter_container(m, 'a', "(sustuvs)");

        while (r >= 0 && (r = read_contender(m, &c)) > 0) {
                const char *problem = problems_find(&w->problems, c.file);
                if (w->s->options.json)
                        show_json(&w->j, &c, problem);
                else
                        show_text(w, &c, problem);
                w->n++;
                if (!w->winner.layer && strcmp(c.state, "wins") == 0) {
                        w->winner = c;
                        c.bytes = BUF_INIT;
                }
        }
        buf_done(&c.bytes);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static void header(struct why *w)
{
        const struct value v = contender_value(&w->winner);
        const char *name = path_word_of_value_name(w->name);

        format_safe(&w->s->out, w->path, strlen(w->path));
        buf_puts(&w->s->out, "  ");
        format_safe(&w->s->out, name, strlen(name));
        if (w->winner.layer && !contender_is_tombstone(&w->winner)) {
                buf_puts(&w->s->out, " = ");
                format_typed(&w->s->out, &v);
        } else
                buf_puts(&w->s->out, " is not set");
        buf_putc(&w->s->out, '\n');
        table_format(&w->table, w->terminal && w->n > 0, &w->s->out);
        buf_add(&w->s->out, buf_str(&w->notes), w->notes.len);
}

int why_layers(struct why *w, sd_bus_message *m)
{
        struct session *s = w->s;
        _cleanup_buf_ struct buf origin = BUF_INIT;
        bool json = s->options.json;

        w->table = TABLE(columns);
        if (json) {
                json_key(&w->j, "path");
                json_string(&w->j, w->path);
                json_key(&w->j, "name");
                json_string(&w->j, path_word_of_value_name(w->name));
                json_key(&w->j, "exists");
                json_bool(&w->j, w->exists);
                json_key(&w->j, "entries");
                json_begin_array(&w->j);
        }
        int r = show_contenders(w, m);
        if (json) {
                json_end_array(&w->j);
                json_key(&w->j, "origin");
        } else
                header(w);
        if (r >= 0)
                r = origin_read(m, s->options.verbose, &origin, json ? &w->j : NULL);
        if (r >= 0 && origin.len > 0)
                buf_printf(&s->out, "written by: %s\n", buf_str(&origin));
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}
