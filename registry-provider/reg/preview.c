/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --dry-run: what the provider says would change, and what the policy service says of that. */

#include <errno.h>
#include <string.h>

#include "change.h"
#include "event.h"
#include "policy.h"

static const char absent_text[] = POLICY_SERVICE_WORDS " is not running: what it would do is not known";

struct preview {
        struct session *s;
        struct json j;
        bool absent; /* said once is enough, and asking again is useless */
        size_t n;
};

static void lines_to_json(struct json *j, const char *lines)
{
        json_key(j, "policy");
        json_begin_array(j);
        while (*lines) {
                size_t n = strcspn(lines, "\n");
                json_string_n(j, lines, n);
                lines += n + (lines[n] != '\0');
        }
        json_end_array(j);
}

static void lines_to_text(struct buf *out, const char *lines)
{
        while (*lines) {
                size_t n = strcspn(lines, "\n");
                buf_puts(out, "  policy: ");
                format_safe(out, lines, n);
                buf_putc(out, '\n');
                lines += n + (lines[n] != '\0');
        }
}

static int ask_policy(struct preview *p, const struct event *e, struct buf *ret_lines)
{
        const struct value v = event_value(e);
        bool deleted = event_is(e, "value-deleted");

        if (p->absent || (!deleted && !event_has_value(e)))
                return EXIT_CODE_OK;
        switch (policy_preview(p->s, e->key, e->name, deleted ? NULL : &v, e->layer, ret_lines)) {
        case POLICY_SAID:
        case POLICY_NOTHING_TO_SAY:
                return EXIT_CODE_OK;
        case POLICY_ABSENT:
                p->absent = true;
                buf_printf(ret_lines, "%s\n", absent_text);
                return ret_lines->error ? session_fail(p->s, ret_lines->error, NULL) : EXIT_CODE_OK;
        case POLICY_FAILED:
                break;
        }
        return EXIT_CODE_FAILURE;
}

static int show_event(struct preview *p, const struct event *e)
{
        _cleanup_buf_ struct buf lines = BUF_INIT;

        int code = ask_policy(p, e, &lines);
        if (code != EXIT_CODE_OK)
                return code;
        p->n++;
        if (p->s->options.json) {
                json_begin_object(&p->j);
                event_to_json(&p->j, e);
                lines_to_json(&p->j, buf_str(&lines));
                json_end_object(&p->j);
                return EXIT_CODE_OK;
        }
        format_event(&p->s->out, e);
        if (e->layer[0]) {
                buf_puts(&p->s->out, "   (layer ");
                format_safe(&p->s->out, e->layer, strlen(e->layer));
                buf_putc(&p->s->out, ')');
        }
        buf_putc(&p->s->out, '\n');
        lines_to_text(&p->s->out, buf_str(&lines));
        return EXIT_CODE_OK;
}

static int show_events(struct preview *p, sd_bus_message *reply)
{
        _cleanup_event_ struct event e = { 0 };
        int code = EXIT_CODE_OK;

        int r = sd_bus_message_enter_container(reply, 'a', "(sssuvs)");
        while (r >= 0 && code == EXIT_CODE_OK && (r = event_read_next(reply, &e)) > 0)
                code = show_event(p, &e);
        if (r >= 0 && code == EXIT_CODE_OK)
                r = sd_bus_message_exit_container(reply);
        return r < 0 ? session_bad_reply(p->s, r) : code;
}

/* Whether the caller may do it at all. */
static int show_access(struct preview *p, sd_bus_message *reply)
{
        const char *access;

        int r = sd_bus_message_read(reply, "s", &access);
        if (r < 0)
                return session_bad_reply(p->s, r);
        if (p->s->options.json) {
                json_key(&p->j, "access");
                json_string(&p->j, access);
        } else if (strcmp(access, "ask-polkit") == 0)
                buf_puts(&p->s->out,
                        "you are neither root nor an administrator: all that only if polkit allows it\n");
        else if (strcmp(access, "denied") == 0)
                buf_puts(&p->s->out,
                        "you may not write: you would be refused, and nothing of that would happen\n");
        return EXIT_CODE_OK;
}

static int show_preview(struct session *s, sd_bus_message *reply)
{
        struct preview p = { .s = s, .j = json_on(&s->out) };

        if (!s->options.json) {
                buf_puts(&s->out, "dry run: nothing is written\n");
                int code = show_events(&p, reply);
                if (p.n == 0)
                        buf_puts(&s->out, "nothing would change\n");
                return code == EXIT_CODE_OK ? show_access(&p, reply) : code;
        }
        json_begin_object(&p.j);
        json_key(&p.j, "dry_run");
        json_bool(&p.j, true);
        json_key(&p.j, "events");
        json_begin_array(&p.j);
        int code = show_events(&p, reply);
        json_end_array(&p.j);
        json_key(&p.j, "policy_service_absent");
        json_bool(&p.j, p.absent);
        if (code == EXIT_CODE_OK)
                code = show_access(&p, reply);
        json_end_object(&p.j);
        buf_putc(&s->out, '\n');
        return code;
}

static int append_change(sd_bus_message *m, const struct change *c)
{
        static const char *const actions[] = {
                [CHANGE_SET] = "set",
                [CHANGE_DELETE] = "delete",
                [CHANGE_CREATE_KEY] = "create-key",
                [CHANGE_DELETE_KEY] = "delete-key",
        };
        const struct value none = { .type = REG_NONE };

        int r = sd_bus_message_open_container(m, 'a', "(sssuv)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sssuv");
        if (r >= 0)
                r = sd_bus_message_append(m, "sss", actions[c->kind], c->key, c->name ? c->name : "");
        if (r >= 0)
                r = wire_append_value(m, c->value ? c->value : &none);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int change_preview(struct session *s, const struct change *c)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        int code = session_new_call(s, "Preview", NULL, NULL, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = append_change(m, c);
        if (r >= 0)
                r = change_append_options(s, m);
        if (r < 0)
                return session_fail(s, r, NULL);
        code = session_call(s, m, &reply);
        return code == EXIT_CODE_OK ? show_preview(s, reply) : code;
}
