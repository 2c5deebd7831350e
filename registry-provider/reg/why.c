/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* why: the layers that have a value, who wrote the one that wins, and what becomes of it: accepted by its
 * reader, and live. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/base/table.h"
#include "acceptance.h"
#include "commands.h"
#include "entry.h"
#include "event.h"
#include "policy-service.h"

struct why {
        struct session *s;
        const char *name;
        const char *path; /* the key's, with its hive; borrowed from the reply */
        int exists;
        size_t n;                /* entries */
        struct contender winner; /* of no layer: nothing wins */
        sd_bus_message *problems;
        sd_bus_message *ends; /* of layers; NULL: of an earlier moment, which they are not of */
        bool terminal;        /* there are headings */
        struct table table;   /* of the entries; text only */
        struct buf notes;     /* of their files */
        struct json j;
        struct known known;
        const struct schema_value *sv; /* NULL: the schema does not know the value */
};

/* ---- The layers ---- */

static const struct table_column columns[] = { { "  LAYER", false }, { "PRECEDENCE", false },
        { "SEQUENCE", false }, { "VALUE", false } };

static void show_value(struct buf *out, const struct contender *c, const char *ends)
{
        contender_format(out, c);
        layer_put_end(out, "   until ", ends);
        if (c->file[0])
                utf8_put_between(out, "   ", c->file, "");
        layer_put_seal(out, "   ", c->entry.layer, &c->seal);
}

static void show_text(struct why *w, const struct contender *c, const char *problem)
{
        bool wins = contender_wins(c), heading = w->terminal;

        buf_puts(table_cell(&w->table), wins ? "* " : "  ");
        utf8_put_safe(&w->table.text, c->entry.layer, strlen(c->entry.layer));
        buf_printf(table_cell(&w->table), "%s%" PRIu32, heading ? "" : "precedence ", c->precedence);
        buf_printf(table_cell(&w->table), "%s%" PRIu64, heading ? "" : "sequence ", c->entry.sequence);
        show_value(table_cell(&w->table), c, session_find_text(w->ends, c->entry.layer));
        if (problem)
                utf8_put_between(
                        &w->notes, "  the file is broken, this is what it said before: ", problem, "\n");
}

static void show_json(struct why *w, const struct contender *c, const char *problem)
{
        struct json *j = &w->j;
        const struct value v = entry_value(&c->entry);

        json_begin_object(j);
        json_add_string(j, "layer", c->entry.layer);
        json_add_number(j, "precedence", c->precedence);
        json_add_number(j, "sequence", c->entry.sequence);
        layer_end_to_json(j, session_find_text(w->ends, c->entry.layer));
        json_add_string(j, "file", c->file[0] ? c->file : NULL);
        json_add_string(j, "file_problem", problem);
        layer_seal_to_json(j, c->entry.layer, &c->seal);
        json_add_string(j, "state", c->state);
        json_add_bool(j, "tombstone", contender_is_tombstone(c));
        if (!contender_is_tombstone(c))
                value_to_json(j, &v);
        json_end_object(j);
}

static int show_contenders(struct why *w, sd_bus_message *m)
{
        struct contender c = { 0 };
        int r = sd_bus_message_enter_container(m, 'a', "(sustuvsts)");

        while (r >= 0 && (r = contender_read_next(m, &c)) > 0) {
                const char *problem = session_find_text(w->problems, c.file);
                if (w->s->options.json)
                        show_json(w, &c, problem);
                else
                        show_text(w, &c, problem);
                w->n++;
                if (!w->winner.entry.layer && contender_wins(&c)) {
                        w->winner = c;
                        c.entry.bytes = BUF_INIT;
                }
        }
        entry_done(&c.entry);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static void header(struct why *w)
{
        const struct value v = entry_value(&w->winner.entry);
        const char *name = path_word_of_value_name(w->name);

        words_put_path(&w->s->out, w->path);
        utf8_put_between(&w->s->out, "  ", name, "");
        if (w->winner.entry.layer && !contender_is_tombstone(&w->winner)) {
                buf_puts(&w->s->out, " = ");
                entry_format_typed(&w->s->out, &v);
        } else
                buf_puts(&w->s->out, " is not set");
        buf_putc(&w->s->out, '\n');
        table_format(&w->table, w->terminal && w->n > 0, &w->s->out);
        buf_add(&w->s->out, buf_str(&w->notes), w->notes.len);
}

/* Those on the way to the key. */
static int show_links(struct why *w, sd_bus_message *m)
{
        struct buf *out = &w->s->out;
        const char *path, *target;

        if (w->s->options.json)
                json_open_array(&w->j, "links");
        int r = sd_bus_message_enter_container(m, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &path, &target)) > 0) {
                if (!w->s->options.json) {
                        buf_puts(out, "link:       ");
                        words_put_path(out, path);
                        utf8_put_between(out, " -> ", target, "\n");
                        continue;
                }
                json_begin_object(&w->j);
                words_path_to_json(&w->j, "path", path);
                json_add_string(&w->j, "target", target);
                json_end_object(&w->j);
        }
        if (w->s->options.json)
                json_end_array(&w->j);
        return r;
}

/* Reads the rest of Resolve()'s reply, after the path. */
static int show_layers(struct why *w, sd_bus_message *m)
{
        struct session *s = w->s;
        _cleanup_buf_ struct buf origin = BUF_INIT;
        bool json = s->options.json;

        if (json) {
                words_path_to_json(&w->j, "path", w->path);
                json_add_string(&w->j, "name", path_word_of_value_name(w->name));
                json_add_bool(&w->j, "exists", w->exists);
                json_open_array(&w->j, "entries");
        }
        int r = show_contenders(w, m);
        if (json) {
                json_end_array(&w->j);
                json_key(&w->j, "origin");
        } else
                header(w);
        if (r >= 0)
                r = event_read_origin(m, s->options.verbose, &origin, json ? &w->j : NULL);
        if (r >= 0 && origin.len > 0)
                buf_printf(&s->out, "written by: %s\n", buf_str(&origin));
        if (r >= 0)
                r = show_links(w, m);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

/* ---- The reader ---- */

struct judgement {
        char *text; /* canonical; NULL: refused, or nothing to judge */
        bool refused;
        struct diag why;
};

static int judge(struct why *w, struct judgement *ret)
{
        const struct value v = entry_value(&w->winner.entry);

        int code = known_get(w->s, w->path, w->name, &w->known);
        if (code != EXIT_CODE_OK)
                return code;
        w->sv = known_value(&w->known);
        if (!w->sv || !w->winner.entry.layer || contender_is_tombstone(&w->winner))
                return EXIT_CODE_OK;
        int r = schema_check(w->sv, &v, &ret->text, &ret->why);
        if (r == -ENOMEM)
                return session_fail(w->s, r, NULL);
        ret->refused = r < 0;
        return EXIT_CODE_OK;
}

static void judgement_to_text(struct why *w, const struct judgement *judgement)
{
        struct buf *out = &w->s->out;

        buf_puts(out, "schema:     ");
        if (!w->sv)
                buf_puts(out, "does not know this value");
        else if (judgement->refused) {
                utf8_put_between(out, "refused: ", judgement->why.text, "");
        } else if (judgement->text) {
                buf_puts(out, "accepted, ");
                schema_describe_allowed(w->sv, out);
        } else {
                buf_puts(out, "not set, allowed is ");
                schema_describe_allowed(w->sv, out);
        }
        buf_putc(out, '\n');
        if (w->s->options.verbose && w->sv && w->sv->description)
                buf_printf(out, "            %s (%s)\n", w->sv->description, w->sv->source);
}

static void judgement_to_json(struct why *w, const struct judgement *judgement)
{
        struct json *j = &w->j;

        json_key(j, "schema");
        if (!w->sv) {
                json_null(j);
                return;
        }
        json_begin_object(j);
        known_to_json(j, w->sv);
        json_add_bool(j, "refused", judgement->refused);
        json_add_string(j, "why", judgement->refused ? judgement->why.text : NULL);
        json_end_object(j);
}

static const char *or_none(const char *s)
{
        return s[0] ? s : "(none)";
}

static void setting_to_text(struct buf *out, const struct policy_setting *p)
{
        buf_printf(out, "written:    %s   (layer %s)\naccepted:   %s\n", or_none(p->written), p->layer,
                or_none(p->accepted));
        if (p->pending[0])
                buf_printf(out, "pending:    %s\n", p->pending);
        buf_printf(out, "live:       %s", p->live ? "yes" : "no");
        if (p->control[0])
                buf_printf(out, ", %s holds %s", p->control, or_none(p->control_value));
        utf8_put_between(out, "\n            ", p->why, "\n");
}

static void setting_to_json(struct json *j, const struct policy_setting *p)
{
        const struct {
                const char *key, *text;
        } members[] = {
                { "written", p->written },
                { "layer", p->layer },
                { "accepted", p->accepted },
                { "pending", p->pending },
                { "control", p->control },
                { "control_value", p->control_value },
                { "error", p->error },
                { "why", p->why },
        };

        json_begin_object(j);
        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                json_add_string(j, members[i].key, members[i].text);
        json_add_bool(j, "live", p->live);
        json_end_object(j);
}

static int show_setting(struct why *w)
{
        _cleanup_policy_setting_ struct policy_setting p = { 0 };
        bool json = w->s->options.json;

        enum policy_answer answer = policy_setting_get(w->s, w->path, w->name, &p);
        if (answer == POLICY_FAILED)
                return EXIT_CODE_FAILURE;
        /* What is bound to no control is nobody's to make live, but the service's own. */
        if (answer != POLICY_SAID && !w->sv->control)
                return EXIT_CODE_OK;
        if (json) {
                json_key(&w->j, "policy");
                if (answer == POLICY_SAID)
                        setting_to_json(&w->j, &p);
                else
                        json_null(&w->j);
        } else if (answer == POLICY_SAID)
                setting_to_text(&w->s->out, &p);
        else
                buf_printf(&w->s->out, "live:       not known: %s %s\n", POLICY_SERVICE_WORDS,
                        answer == POLICY_ABSENT ? "is not running" : "does not know this value");
        return EXIT_CODE_OK;
}

static int show_reader(struct why *w)
{
        struct judgement judgement = { 0 };

        int code = judge(w, &judgement);
        if (code == EXIT_CODE_OK) {
                if (w->s->options.json)
                        judgement_to_json(w, &judgement);
                else
                        judgement_to_text(w, &judgement);
        }
        free(judgement.text);
        return code == EXIT_CODE_OK && w->sv && !w->s->options.at ? show_setting(w) : code;
}

/* ---- The command ---- */

static void why_done(struct why *w)
{
        sd_bus_message_unref(w->problems);
        sd_bus_message_unref(w->ends);
        entry_done(&w->winner.entry);
        known_done(&w->known);
        table_done(&w->table);
        buf_done(&w->notes);
}
#define _cleanup_why_ _cleanup_(why_done)

static int not_known(struct why *w)
{
        (void)diag_set(&w->s->diag, ENOENT, "%s: no layer has a value '%s', and the schema does not know it",
                w->path, path_word_of_value_name(w->name));
        acceptance_hint(w->s, w->path, w->name);
        return EXIT_CODE_NOT_FOUND;
}

static int show(struct why *w, sd_bus_message *reply)
{
        bool json = w->s->options.json;

        if (json)
                json_begin_object(&w->j);
        int code = show_layers(w, reply);
        if (code == EXIT_CODE_OK)
                code = show_reader(w);
        if (code == EXIT_CODE_OK && w->n == 0 && !w->sv)
                return not_known(w);
        if (json)
                session_end_json(w->s, &w->j);
        return code;
}

/* `w` has the session and the name. *ret is read behind the path. */
static int begin(struct why *w, const char *key, sd_bus_message **ret)
{
        struct session *s = w->s;

        w->terminal = isatty(STDOUT_FILENO);
        w->table = TABLE(columns);
        int code = session_ask(s, "Resolve", key, w->name, ret);
        /* What is wrong with the files, and live, is known of today. */
        if (code == EXIT_CODE_OK && !s->options.at)
                code = session_get_problems(s, &w->problems);
        if (code == EXIT_CODE_OK && !s->options.at)
                code = session_get_property(s, "LayerEnds", &w->ends);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(*ret, "bs", &w->exists, &w->path);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

int why_show(struct session *s, const char *key, const char *name)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_why_ struct why w = { .s = s, .name = name, .j = json_on(&s->out) };

        int code = begin(&w, key, &reply);
        return code == EXIT_CODE_OK ? show(&w, reply) : code;
}

int why_show_layers(struct session *s, const char *key, const char *name)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_why_ struct why w = { .s = s, .name = name };

        int code = begin(&w, key, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        int r = show_contenders(&w, reply);
        table_format(&w.table, w.terminal && w.n > 0, &s->out);
        buf_add(&s->out, buf_str(&w.notes), w.notes.len);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

int command_why(struct session *s)
{
        _cleanup_free_ char *key = NULL, *name = NULL;

        int code = session_target(s, &key, &name);
        if (code != EXIT_CODE_OK)
                return code;
        if (name)
                return why_show(s, key, name);
        return session_error(s, EXIT_CODE_USAGE,
                "'%s' is a key: name one of its values too ('@' is the default value)", key);
}
