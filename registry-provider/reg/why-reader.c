/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of the value that wins: accepted by its reader, and live. */

#include <errno.h>
#include <string.h>

#include "policy.h"
#include "why.h"

struct judgement {
        char *text; /* canonical; NULL: refused, or nothing to judge */
        bool refused;
        struct diag why;
};

static int judge(struct why *w, struct judgement *ret)
{
        _cleanup_path_ struct path path = { 0 };
        const struct value v = contender_value(&w->winner);

        int code = session_path(w->s, w->path, &path);
        if (code != EXIT_CODE_OK)
                return code;
        const struct schema *schema = session_schema(w->s);
        w->sv = schema ? schema_find(schema, &path, w->name) : NULL;
        if (!w->sv || !w->winner.layer || contender_is_tombstone(&w->winner))
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
                buf_puts(out, "refused: ");
                format_safe(out, judgement->why.text, strlen(judgement->why.text));
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
        _cleanup_buf_ struct buf allowed = BUF_INIT;

        json_key(j, "schema");
        if (!w->sv) {
                json_null(j);
                return;
        }
        schema_describe_allowed(w->sv, &allowed);
        json_begin_object(j);
        json_key(j, "type");
        json_string(j, value_type_keyword(w->sv->type));
        json_key(j, "allowed");
        json_string(j, buf_str(&allowed));
        json_key(j, "default");
        json_string(j, w->sv->default_text);
        json_key(j, "refused");
        json_bool(j, judgement->refused);
        json_key(j, "why");
        json_string(j, judgement->refused ? judgement->why.text : NULL);
        json_key(j, "description");
        json_string(j, w->sv->description);
        json_key(j, "source");
        json_string(j, w->sv->source);
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
        buf_puts(out, "\n            ");
        format_safe(out, p->why, strlen(p->why));
        buf_putc(out, '\n');
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
        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                json_key(j, members[i].key);
                json_string(j, members[i].text);
        }
        json_key(j, "live");
        json_bool(j, p->live);
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

int why_reader(struct why *w)
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
        return code == EXIT_CODE_OK && w->sv ? show_setting(w) : code;
}
