/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/json.h"
#include "../../schema/base/log.h"
#include "../../schema/bus/wire.h"

/* The policy as the service's properties have it; strings are borrowed from the message. */
struct policy {
        const char *taint_events, *meaning, *written, *source, *signer, *pending, *control_path,
                *control_value, *last_error;
        int live, taint_readable;
        uint64_t serial, last_applied, changes, no_ops, refused, drifts, sent, kept, lost;
};

static int policy_read(sd_bus_message *m, struct policy *ret)
{
        struct policy p = { .taint_events = "",
                .meaning = "",
                .written = "",
                .source = "",
                .signer = "",
                .pending = "",
                .control_path = "",
                .control_value = "",
                .last_error = "",
                .taint_readable = true };
        const struct wire_member members[] = {
                { "TaintEvents", "s", &p.taint_events },
                { "Meaning", "s", &p.meaning },
                { "Written", "s", &p.written },
                { "Source", "s", &p.source },
                { "Serial", "t", &p.serial },
                { "Signer", "s", &p.signer },
                { "Pending", "s", &p.pending },
                { "ControlPath", "s", &p.control_path },
                { "ControlValue", "s", &p.control_value },
                { "LastError", "s", &p.last_error },
                { "Live", "b", &p.live },
                { "TaintReadable", "b", &p.taint_readable },
                { "LastApplied", "t", &p.last_applied },
                { "Changes", "t", &p.changes },
                { "NoOps", "t", &p.no_ops },
                { "Refused", "t", &p.refused },
                { "Drifts", "t", &p.drifts },
                { "AuditSent", "t", &p.sent },
                { "AuditKept", "t", &p.kept },
                { "AuditLost", "t", &p.lost },
        };

        int r = wire_read_dict(m, members, ARRAY_SIZE(members));
        if (r < 0)
                return r;
        *ret = p;
        return 0;
}

static void policy_json(struct json *j, const struct policy *p)
{
        json_add_string(j, "taint_events", p->taint_events);
        json_add_string(j, "meaning", p->meaning);
        json_add_string(j, "written", p->written);
        json_add_string(j, "source", p->source);
        json_add_number(j, "serial", p->serial);
        json_add_string(j, "signer", p->signer);
        json_add_string(j, "pending", p->pending);
        json_add_string(j, "control_path", p->control_path);
        json_add_string(j, "control_value", p->control_value);
        json_add_string(j, "last_error", p->last_error);
        json_add_bool(j, "live", p->live);
        json_add_bool(j, "taint_readable", p->taint_readable);
        json_add_number(j, "last_applied_usec", p->last_applied);
        json_add_number(j, "changes", p->changes);
        json_add_number(j, "no_ops", p->no_ops);
        json_add_number(j, "refused", p->refused);
        json_add_number(j, "drifts", p->drifts);
        json_add_number(j, "audit_sent", p->sent);
        json_add_number(j, "audit_kept", p->kept);
        json_add_number(j, "audit_lost", p->lost);
}

static void policy_text(struct buf *out, const struct policy *p)
{
        buf_printf(out,
                "Audit policy for kernel taint events: %s\n  %s\n"
                "changes %" PRIu64 ", no-ops %" PRIu64 ", refused %" PRIu64 ", drifts %" PRIu64 "\n"
                "audit records: %" PRIu64 " sent, %" PRIu64 " kept to be sent again, %" PRIu64 " lost\n",
                p->taint_events, p->meaning, p->changes, p->no_ops, p->refused, p->drifts, p->sent, p->kept,
                p->lost);
        if (!p->taint_readable)
                buf_puts(out, "the kernel's taint mask cannot be read: no taint is seen\n");
}

/* Polkit may have to ask a person. */
#define SET_TIMEOUT_USEC UINT64_C(140000000)

#define TAINT_EVENTS "\\System\\Audit\\Modules\\TaintEvents"

static enum exit_code call(sd_bus *bus, sd_bus_message *m, sd_bus_message **ret)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        struct diag d = { 0 };

        int r = sd_bus_call(bus, m, SET_TIMEOUT_USEC, &error, ret);
        if (r >= 0)
                return EXIT_CODE_OK;
        enum exit_code code = client_explain(r, &error, POLICY_SERVICE_WORDS, &d);
        log_error("%s", d.text);
        return code;
}

static enum exit_code fail(int r)
{
        log_error("%s", strerror(-r));
        return EXIT_CODE_FAILURE;
}

static enum exit_code connect_bus(sd_bus **ret)
{
        struct diag d = { 0 };

        if (client_connect(ret, &d) == 0)
                return EXIT_CODE_OK;
        log_error("%s", d.text);
        return EXIT_CODE_FAILURE;
}

static enum exit_code ask(sd_bus *bus, const char *method, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(
                bus, &m, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, method);
        return r < 0 ? fail(r) : call(bus, m, ret);
}

static enum exit_code get_all(sd_bus *bus, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(
                bus, &m, POLICY_BUS_NAME, POLICY_PATH, "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", POLICY_INTERFACE);
        return r < 0 ? fail(r) : call(bus, m, ret);
}

enum exit_code show_print(const struct buf *out)
{
        if (out->error)
                return fail(out->error);
        (void)fwrite(buf_str(out), 1, out->len, stdout);
        return EXIT_CODE_OK;
}

/* Of ListSettings(); borrowed from the message. */
struct setting {
        const char *path, *written, *layer, *signer, *accepted, *pending, *control, *control_value, *error,
                *why;
        uint64_t serial;
        int live;
};

static int read_setting(sd_bus_message *m, struct setting *ret)
{
        return sd_bus_message_read(m, "(ssssssbsssts)", &ret->path, &ret->written, &ret->layer,
                &ret->accepted, &ret->pending, &ret->control, &ret->live, &ret->control_value, &ret->error,
                &ret->why, &ret->serial, &ret->signer);
}

/* Where nothing is in force, nothing is wrong. */
static const char *live_word(const struct setting *s)
{
        if (s->live)
                return "yes";
        if (s->accepted[0] || s->error[0])
                return "no";
        return s->control[0] ? "left alone" : "nothing is to be";
}

static void text_setting(struct buf *out, const struct setting *s)
{
        buf_printf(out, "\n%s\n  written   %s", s->path, s->written[0] ? s->written : "nothing");
        if (s->written[0])
                buf_printf(out, " (layer %s", s->layer);
        if (s->written[0] && s->serial != 0)
                buf_printf(out, ", serial %" PRIu64 ", signed by %s", s->serial, s->signer);
        if (s->written[0])
                buf_putc(out, ')');
        buf_printf(out, "\n  accepted  %s\n", s->accepted[0] ? s->accepted : "nothing");
        if (s->pending[0])
                buf_printf(out, "  pending   %s\n", s->pending);
        buf_printf(out, "  live      %s", live_word(s));
        if (s->control[0])
                buf_printf(out, ": %s%s%s", s->control, s->control_value[0] ? " holds " : " is not there",
                        s->control_value);
        else if (s->error[0])
                buf_printf(out, ": %s", s->error);
        buf_printf(out, "\n  %s\n", s->why);
}

static void json_setting(struct json *j, const struct setting *s)
{
        json_begin_object(j);
        json_add_string(j, "path", s->path);
        json_add_string(j, "written", s->written);
        json_add_string(j, "layer", s->layer);
        json_add_number(j, "serial", s->serial);
        json_add_string(j, "signer", s->signer);
        json_add_string(j, "accepted", s->accepted);
        json_add_string(j, "pending", s->pending);
        json_add_string(j, "control", s->control);
        json_add_string(j, "control_value", s->control_value);
        json_add_string(j, "error", s->error);
        json_add_string(j, "why", s->why);
        json_add_bool(j, "live", s->live);
        json_end_object(j);
}

static int show_settings(sd_bus_message *m, struct json *j, struct buf *out)
{
        struct setting s;

        int r = sd_bus_message_enter_container(m, 'a', "(ssssssbsssts)");
        while (r >= 0 && (r = read_setting(m, &s)) > 0)
                if (j)
                        json_setting(j, &s);
                else
                        text_setting(out, &s);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* A line for each of the others. */
static int explain_others(sd_bus_message *m, struct buf *out)
{
        struct setting s;

        int r = sd_bus_message_enter_container(m, 'a', "(ssssssbsssts)");
        while (r >= 0 && (r = read_setting(m, &s)) > 0)
                if (strcmp(s.path, TAINT_EVENTS) != 0)
                        buf_printf(out, "\n%s: %s", s.path, s.why);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int show_problems(sd_bus_message *m, struct json *j, struct buf *out)
{
        const char *file, *text;

        int r = sd_bus_message_enter_container(m, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &file, &text)) > 0) {
                if (!j) {
                        buf_printf(out, "problem: %s\n", text);
                        continue;
                }
                json_begin_object(j);
                json_add_string(j, "file", file);
                json_add_string(j, "text", text);
                json_end_object(j);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static enum exit_code get_problems(sd_bus *bus, sd_bus_message **ret)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        struct diag d = { 0 };

        int r = sd_bus_get_property(
                bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "Problems", &error, ret, "a(ss)");
        if (r >= 0)
                return EXIT_CODE_OK;
        enum exit_code code = client_explain(r, &error, POLICY_SERVICE_WORDS, &d);
        log_error("%s", d.text);
        return code;
}

enum exit_code show_status(const struct auditpol_options *o)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *properties = NULL, *settings = NULL, *problems = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);
        struct policy p;

        enum exit_code code = connect_bus(&bus);
        if (code == EXIT_CODE_OK)
                code = get_all(bus, &properties);
        if (code == EXIT_CODE_OK)
                code = ask(bus, "ListSettings", &settings);
        if (code == EXIT_CODE_OK)
                code = get_problems(bus, &problems);
        if (code != EXIT_CODE_OK)
                return code;
        int r = policy_read(properties, &p);
        if (r >= 0 && o->json) {
                json_begin_object(&j);
                policy_json(&j, &p);
                json_key(&j, "settings");
                json_begin_array(&j);
                r = show_settings(settings, &j, NULL);
                json_end_array(&j);
                json_key(&j, "problems");
                json_begin_array(&j);
                if (r >= 0)
                        r = show_problems(problems, &j, NULL);
                json_end_array(&j);
                json_end_object(&j);
                buf_putc(&out, '\n');
        } else if (r >= 0) {
                policy_text(&out, &p);
                r = show_problems(problems, NULL, &out);
                if (r >= 0)
                        r = show_settings(settings, NULL, &out);
        }
        return r < 0 ? fail(r) : show_print(&out);
}

enum exit_code show_get(const struct auditpol_options *o)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *properties = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);
        struct policy p;

        enum exit_code code = connect_bus(&bus);
        if (code == EXIT_CODE_OK)
                code = get_all(bus, &properties);
        if (code != EXIT_CODE_OK)
                return code;
        int r = policy_read(properties, &p);
        if (r < 0)
                return fail(r);
        if (o->json) {
                json_begin_object(&j);
                policy_json(&j, &p);
                json_end_object(&j);
        } else
                buf_puts(&out, p.taint_events);
        buf_putc(&out, '\n');
        return show_print(&out);
}

static enum exit_code explain(sd_bus *bus, const struct auditpol_options *o, bool all)
{
        static const char *const names[] = { "written", "accepted", "pending", "live", "why" };
        _cleanup_message_ sd_bus_message *reply = NULL, *settings = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);
        const char *s[ARRAY_SIZE(names)];

        enum exit_code code = ask(bus, "Explain", &reply);
        if (code == EXIT_CODE_OK && all)
                code = ask(bus, "ListSettings", &settings);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(reply, "sssss", &s[0], &s[1], &s[2], &s[3], &s[4]);
        if (r < 0)
                return fail(r);
        if (o->json) {
                json_begin_object(&j);
                for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                        json_add_string(&j, names[i], s[i]);
                }
                if (all) {
                        json_key(&j, "settings");
                        json_begin_array(&j);
                        r = show_settings(settings, &j, NULL);
                        json_end_array(&j);
                }
                json_end_object(&j);
        } else {
                buf_puts(&out, s[4]);
                r = all ? explain_others(settings, &out) : 0;
        }
        buf_putc(&out, '\n');
        return r < 0 ? fail(r) : show_print(&out);
}

enum exit_code show_explain(const struct auditpol_options *o)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        enum exit_code code = connect_bus(&bus);
        return code == EXIT_CODE_OK ? explain(bus, o, true) : code;
}

enum exit_code show_set(const struct auditpol_options *o, const char *value)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        enum exit_code code = connect_bus(&bus);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_new_method_call(
                bus, &m, POLICY_BUS_NAME, POLICY_PATH, "org.freedesktop.DBus.Properties", "Set");
        if (r >= 0)
                r = sd_bus_message_append(m, "ssv", POLICY_INTERFACE, "TaintEvents", "s", value);
        /* A dialogue needs somebody who can answer it. */
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, isatty(STDIN_FILENO));
        if (r < 0)
                return fail(r);
        code = call(bus, m, &reply);
        return code == EXIT_CODE_OK ? explain(bus, o, false) : code;
}
