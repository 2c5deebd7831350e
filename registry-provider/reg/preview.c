/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --dry-run: what the provider says would change, and what the policy service says of that. */
#include "preview.h"

#include <string.h>

#include "event.h"
#include "policy-service.h"

static const char absent_text[] = POLICY_SERVICE_WORDS " is not running: what it would do is not known";

struct preview {
        struct session *s;
        struct json j;
        bool of_file;
        bool absent; /* said once is enough, and asking again is useless */
        size_t n;
};

static void lines_to_json(struct json *j, const char *lines)
{
        json_open_array(j, "policy");
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
                utf8_put_safe(out, lines, n);
                buf_putc(out, '\n');
                lines += n + (lines[n] != '\0');
        }
}

static int ask_policy(struct preview *p, const struct event *e, struct buf *ret_lines)
{
        const struct value v = entry_value(&e->entry);
        bool deleted = event_is(e, "value-deleted");

        if (p->absent || (!deleted && !event_has_value(e)))
                return EXIT_CODE_OK;
        switch (policy_preview(
                p->s, e->key, e->entry.name, deleted ? NULL : &v, e->entry.layer, ret_lines)) {
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

        /* Of a whole file only what would be another one is of interest. */
        if (p->of_file && event_is(e, "value-unchanged"))
                return EXIT_CODE_OK;
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
        event_format(&p->s->out, e);
        if (e->entry.layer[0])
                utf8_put_between(&p->s->out, "   (layer ", e->entry.layer, ")");
        buf_putc(&p->s->out, '\n');
        lines_to_text(&p->s->out, buf_str(&lines));
        return EXIT_CODE_OK;
}

static int show_events(struct preview *p, sd_bus_message *reply)
{
        struct event e = { 0 };
        int code = EXIT_CODE_OK;

        int r = sd_bus_message_enter_container(reply, 'a', "(sssuvsts)");
        while (r >= 0 && code == EXIT_CODE_OK && (r = event_read_next(reply, &e)) > 0)
                code = show_event(p, &e);
        if (r >= 0 && code == EXIT_CODE_OK)
                r = sd_bus_message_exit_container(reply);
        entry_done(&e.entry);
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
                json_add_string(&p->j, "access", access);
        } else if (strcmp(access, "ask-polkit") == 0)
                buf_puts(&p->s->out,
                        "you are neither root nor an administrator: all that happens only if polkit allows "
                        "it\n");
        else if (strcmp(access, "denied") == 0)
                buf_puts(&p->s->out,
                        "you may not write: this would be refused, and none of that would happen\n");
        return EXIT_CODE_OK;
}

/* ---- How many of the layer's entries are others ---- */

int preview_read_counts(sd_bus_message *m, struct preview_counts *ret)
{
        struct preview_counts c = { 0 };
        const struct {
                const char *name;
                uint32_t *at;
        } members[] = {
                { "values-set", &c.values_set },
                { "values-deleted", &c.values_deleted },
                { "keys-created", &c.keys_created },
                { "keys-deleted", &c.keys_deleted },
                { "masks", &c.masks },
        };
        const char *name;
        uint32_t n;

        int r = sd_bus_message_enter_container(m, 'a', "{su}");
        while (r >= 0 && (r = sd_bus_message_read(m, "{su}", &name, &n)) > 0)
                for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                        if (strcmp(members[i].name, name) == 0)
                                *members[i].at = n;
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = c;
        return 0;
}

uint64_t preview_sum(const struct preview_counts *c)
{
        return (uint64_t)c->values_set + c->values_deleted + c->keys_created + c->keys_deleted + c->masks;
}

void preview_counts_to_json(struct json *j, const struct preview_counts *c)
{
        json_add_number(j, "changes", preview_sum(c));
        json_add_number(j, "values_set", c->values_set);
        json_add_number(j, "values_deleted", c->values_deleted);
        json_add_number(j, "keys_created", c->keys_created);
        json_add_number(j, "keys_deleted", c->keys_deleted);
        json_add_number(j, "masks", c->masks);
}

/* ---- The whole ---- */

static int show_text(struct preview *p, sd_bus_message *reply, struct preview_counts *ret)
{
        if (p->s->options.dry_run)
                buf_puts(&p->s->out, "dry run: nothing is written\n");
        int code = show_events(p, reply);
        if (p->n == 0)
                buf_puts(&p->s->out, "there would be no effective change\n");
        if (code == EXIT_CODE_OK)
                code = show_access(p, reply);
        if (code != EXIT_CODE_OK)
                return code;
        int r = preview_read_counts(reply, ret);
        return r < 0 ? session_bad_reply(p->s, r) : EXIT_CODE_OK;
}

int preview_show(struct session *s, sd_bus_message *reply, struct preview_counts *ret)
{
        struct preview p = { .s = s,
                .j = json_on(&s->out),
                .of_file = s->command == REG_APPLY || s->command == REG_IMPORT ||
                           s->command == REG_RESTORE || s->command == REG_EDIT };

        if (!s->options.json)
                return show_text(&p, reply, ret);
        json_begin_object(&p.j);
        json_add_bool(&p.j, "dry_run", true);
        json_open_array(&p.j, "events");
        int code = show_events(&p, reply);
        json_end_array(&p.j);
        json_add_bool(&p.j, "policy_service_absent", p.absent);
        if (code == EXIT_CODE_OK)
                code = show_access(&p, reply);
        int r = code == EXIT_CODE_OK ? preview_read_counts(reply, ret) : 0;
        if (code == EXIT_CODE_OK && r == 0)
                preview_counts_to_json(&p.j, ret);
        json_end_object(&p.j);
        buf_putc(&s->out, '\n');
        return r < 0 ? session_bad_reply(s, r) : code;
}
