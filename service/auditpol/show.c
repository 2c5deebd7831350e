/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include <stdio.h>
#include <string.h>

#include "../../schema/base/json.h"
#include "../../schema/base/log.h"
#include "policy-read.h"

/* Polkit may have to ask a person. */
#define SET_TIMEOUT_USEC UINT64_C(140000000)

static enum exit_code call(sd_bus *bus, sd_bus_message *m, sd_bus_message **ret)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
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

        if (registry_client_connect(ret, &d) == 0)
                return EXIT_CODE_OK;
        log_error("%s", d.text);
        return EXIT_CODE_FAILURE;
}

static enum exit_code ask(sd_bus *bus, const char *method, sd_bus_message **ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(
                bus, &m, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, method);
        return r < 0 ? fail(r) : call(bus, m, ret);
}

static enum exit_code get_all(sd_bus *bus, sd_bus_message **ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(
                bus, &m, POLICY_BUS_NAME, POLICY_PATH, "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", POLICY_INTERFACE);
        return r < 0 ? fail(r) : call(bus, m, ret);
}

enum exit_code show_print(struct buf *out)
{
        if (out->error)
                return fail(out->error);
        (void)fputs(buf_str(out), stdout);
        return EXIT_CODE_OK;
}

static void text_setting(struct buf *out, const char *const s[static 6], bool live, const char *why)
{
        buf_printf(out, "\n%s\n  written   %s%s%s%s\n  accepted  %s\n  live      %s%s%s%s\n  %s\n", s[0],
                s[1][0] ? s[1] : "nothing", s[1][0] ? " (layer " : "", s[1][0] ? s[2] : "",
                s[1][0] ? ")" : "", s[3][0] ? s[3] : "nothing", live ? "yes: " : "no: ", s[4],
                s[5][0] ? " holds " : " is not there", s[5], why);
}

static void json_setting(struct json *j, const char *const s[static 6], bool live, const char *why)
{
        static const char *const names[] = { "path", "written", "layer", "accepted", "control",
                "control_value" };

        json_begin_object(j);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                json_key(j, names[i]);
                json_string(j, s[i]);
        }
        json_key(j, "live");
        json_bool(j, live);
        json_key(j, "why");
        json_string(j, why);
        json_end_object(j);
}

static int show_settings(sd_bus_message *m, struct json *j, struct buf *out)
{
        const char *s[6], *why;
        int live;

        int r = sd_bus_message_enter_container(m, 'a', "(sssssbss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(sssssbss)", &s[0], &s[1], &s[2], &s[3], &s[4], &live,
                                  &s[5], &why)) > 0)
                if (j)
                        json_setting(j, s, live, why);
                else
                        text_setting(out, s, live, why);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

enum exit_code show_status(const struct show_options *o, _unused_ const char *argument)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *properties = NULL, *settings = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);
        struct policy p;

        enum exit_code code = connect_bus(&bus);
        if (code == EXIT_CODE_OK)
                code = get_all(bus, &properties);
        if (code == EXIT_CODE_OK)
                code = ask(bus, "ListSettings", &settings);
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
                json_end_object(&j);
                buf_putc(&out, '\n');
        } else if (r >= 0) {
                policy_text(&out, &p);
                r = show_settings(settings, NULL, &out);
        }
        return r < 0 ? fail(r) : show_print(&out);
}

enum exit_code show_get(const struct show_options *o, _unused_ const char *argument)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *properties = NULL;
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

enum exit_code show_explain(const struct show_options *o, _unused_ const char *argument)
{
        static const char *const names[] = { "written", "accepted", "live", "why" };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);
        const char *s[4];

        enum exit_code code = connect_bus(&bus);
        if (code == EXIT_CODE_OK)
                code = ask(bus, "Explain", &reply);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(reply, "ssss", &s[0], &s[1], &s[2], &s[3]);
        if (r < 0)
                return fail(r);
        if (o->json) {
                json_begin_object(&j);
                for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                        json_key(&j, names[i]);
                        json_string(&j, s[i]);
                }
                json_end_object(&j);
        } else
                buf_puts(&out, s[3]);
        buf_putc(&out, '\n');
        return show_print(&out);
}

enum exit_code show_set(const struct show_options *o, const char *value)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;

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
        return code == EXIT_CODE_OK ? show_explain(o, NULL) : code;
}
