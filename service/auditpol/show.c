/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/audit/record.h"
#include "../../schema/base/log.h"
#include "../../schema/bus/wire.h"

#define MEMBERS_MAX 64u

int show_read(sd_bus_message *m, const struct shown_member *members, size_t n, void *ret)
{
        struct wire_member wire[MEMBERS_MAX];

        for (size_t i = 0; i < n; i++) {
                void *at = (char *)ret + members[i].offset;
                wire[i] = (struct wire_member){ members[i].name, members[i].type, at };
                if (members[i].type[0] == 's')
                        *(const char **)at = "";
        }
        return wire_read_dict(m, wire, n);
}

static void show_member(struct json *j, char type, bool empty_is_null, const void *at)
{
        const char *const *text = at;
        const uint32_t *number = at;
        const uint64_t *large = at;
        const int *is_so = at;

        if (type == 's')
                json_string(j, (*text)[0] || !empty_is_null ? *text : NULL);
        else if (type == 't')
                json_number(j, *large);
        else if (type == 'b')
                json_bool(j, *is_so);
        else if (*number != AUDIT_ID_UNSET)
                json_number(j, *number);
        else
                json_null(j);
}

void show_members(
        struct json *j, const struct shown_member *members, size_t n, bool empty_is_null, const void *from)
{
        for (size_t i = 0; i < n; i++) {
                json_key(j, members[i].json);
                show_member(j, members[i].type[0], empty_is_null, (const char *)from + members[i].offset);
        }
}

/* The policy as the service's properties have it; strings are borrowed from the message. */
struct policy {
        const char *taint_events, *meaning, *written, *source, *signer, *pending, *control_path,
                *control_value, *last_error;
        int live, taint_readable;
        uint64_t serial, last_applied, changes, no_ops, refused, drifts, sent, kept, lost;
};

#define AT(member) offsetof(struct policy, member)

/* In the order of the JSON. */
static const struct shown_member policy_members[] = {
        { "TaintEvents", "taint_events", "s", AT(taint_events) },
        { "Meaning", "meaning", "s", AT(meaning) },
        { "Written", "written", "s", AT(written) },
        { "Source", "source", "s", AT(source) },
        { "Serial", "serial", "t", AT(serial) },
        { "Signer", "signer", "s", AT(signer) },
        { "Pending", "pending", "s", AT(pending) },
        { "ControlPath", "control_path", "s", AT(control_path) },
        { "ControlValue", "control_value", "s", AT(control_value) },
        { "LastError", "last_error", "s", AT(last_error) },
        { "Live", "live", "b", AT(live) },
        { "TaintReadable", "taint_readable", "b", AT(taint_readable) },
        { "LastApplied", "last_applied_usec", "t", AT(last_applied) },
        { "Changes", "changes", "t", AT(changes) },
        { "NoOps", "no_ops", "t", AT(no_ops) },
        { "Refused", "refused", "t", AT(refused) },
        { "Drifts", "drifts", "t", AT(drifts) },
        { "AuditSent", "audit_sent", "t", AT(sent) },
        { "AuditKept", "audit_kept", "t", AT(kept) },
        { "AuditLost", "audit_lost", "t", AT(lost) },
};

static int policy_read(sd_bus_message *m, struct policy *ret)
{
        *ret = (struct policy){ .taint_readable = true };
        return show_read(m, policy_members, ARRAY_SIZE(policy_members), ret);
}

static void policy_json(struct json *j, const struct policy *p)
{
        show_members(j, policy_members, ARRAY_SIZE(policy_members), false, p);
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

#define PROPERTIES "org.freedesktop.DBus.Properties"
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
        return log_failure(EXIT_CODE_FAILURE, "%s", strerror(-r));
}

static enum exit_code connect_bus(sd_bus **ret)
{
        struct diag d = { 0 };

        if (client_connect(ret, &d) == 0)
                return EXIT_CODE_OK;
        return log_failure(EXIT_CODE_FAILURE, "%s", d.text);
}

/* A dialogue needs somebody who can answer it. */
static enum exit_code ask(
        sd_bus *bus, const char *interface, const char *method, sd_bus_message **ret, const char *types, ...)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        va_list ap;

        int r = sd_bus_message_new_method_call(bus, &m, POLICY_BUS_NAME, POLICY_PATH, interface, method);
        va_start(ap, types);
        if (r >= 0)
                r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, isatty(STDIN_FILENO));
        return r < 0 ? fail(r) : call(bus, m, ret);
}

static enum exit_code get_all(sd_bus *bus, sd_bus_message **ret)
{
        return ask(bus, PROPERTIES, "GetAll", ret, "s", POLICY_INTERFACE);
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

        int r = sd_bus_message_enter_container(m, 'v', "a(ss)");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(ss)");
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
                code = ask(bus, POLICY_INTERFACE, "ListSettings", &settings, "");
        if (code == EXIT_CODE_OK)
                code = ask(bus, PROPERTIES, "Get", &problems, "ss", POLICY_INTERFACE, "Problems");
        if (code != EXIT_CODE_OK)
                return code;
        int r = policy_read(properties, &p);
        if (r >= 0 && o->json) {
                json_begin_object(&j);
                policy_json(&j, &p);
                json_open_array(&j, "settings");
                r = show_settings(settings, &j, NULL);
                json_end_array(&j);
                json_open_array(&j, "problems");
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

        enum exit_code code = ask(bus, POLICY_INTERFACE, "Explain", &reply, "");
        if (code == EXIT_CODE_OK && all)
                code = ask(bus, POLICY_INTERFACE, "ListSettings", &settings, "");
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(reply, "sssss", &s[0], &s[1], &s[2], &s[3], &s[4]);
        if (r < 0)
                return fail(r);
        if (o->json) {
                json_begin_object(&j);
                for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                        json_add_string(&j, names[i], s[i]);
                if (all) {
                        json_open_array(&j, "settings");
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
        _cleanup_message_ sd_bus_message *reply = NULL;

        enum exit_code code = connect_bus(&bus);
        if (code == EXIT_CODE_OK)
                code = ask(
                        bus, PROPERTIES, "Set", &reply, "ssv", POLICY_INTERFACE, "TaintEvents", "s", value);
        return code == EXIT_CODE_OK ? explain(bus, o, false) : code;
}
