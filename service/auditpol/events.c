/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../schema/audit/record.h"
#include "../../schema/base/log.h"
#include "../../schema/bus/peer.h"
#include "../../schema/bus/wire.h"
#include "../../schema/names/fold.h"

/* Reads a{sv}. 0 or negative errno. */
static int read_event(sd_bus_message *m, struct shown_event *ret)
{
        struct shown_event e = { .taint = "",
                .reason = "",
                .module = "",
                .module_taints = "",
                .attribution = "",
                .context = "",
                .actor = "",
                .comm = "",
                .exe = "",
                .detail = "",
                .stack = "",
                .properties = "",
                .accepted = "" };
        const struct wire_member members[] = {
                { "taint", "s", &e.taint },
                { "reason", "s", &e.reason },
                { "module", "s", &e.module },
                { "module-taints", "s", &e.module_taints },
                { "attribution", "s", &e.attribution },
                { "context", "s", &e.context },
                { "actor", "s", &e.actor },
                { "comm", "s", &e.comm },
                { "exe", "s", &e.exe },
                { "detail", "s", &e.detail },
                { "stack", "s", &e.stack },
                { "properties", "s", &e.properties },
                { "accepted", "s", &e.accepted },
                { "bit", "u", &e.bit },
                { "pid", "u", &e.pid },
                { "uid", "u", &e.uid },
                { "loginuid", "u", &e.loginuid },
                { "session", "u", &e.session },
                { "cleared", "b", &e.cleared },
                { "old-mask", "t", &e.old_mask },
                { "new-mask", "t", &e.new_mask },
                { "time-usec", "t", &e.time_usec },
                { "seqno", "t", &e.seqno },
        };

        int r = wire_read_dict(m, members, ARRAY_SIZE(members));
        if (r < 0)
                return r;
        *ret = e;
        return 0;
}

/* "2026-11-21T20:31:02Z", or "before the service began". */
static void put_time(struct buf *out, const struct shown_event *e)
{
        time_t seconds = (time_t)(e->time_usec / 1000000);
        char text[32];
        struct tm tm;

        if (e->time_usec == 0 || !gmtime_r(&seconds, &tm) ||
                strftime(text, sizeof(text), "%FT%TZ", &tm) == 0)
                buf_puts(out, "before the service began");
        else
                buf_puts(out, text);
}

/* Anybody can give a task or a module a name that the terminal would obey. */
static void put(struct buf *out, const char *before, const char *text, const char *behind)
{
        buf_puts(out, before);
        utf8_put_safe(out, text, strlen(text));
        buf_puts(out, behind);
}

static void put_id(struct buf *out, const char *before, uint32_t id)
{
        buf_puts(out, before);
        if (id == AUDIT_ID_UNSET)
                buf_putc(out, '?');
        else
                buf_printf(out, "%" PRIu32, id);
}

/* Nobody by nature is not the same as somebody who is not known. */
static void put_actor(struct buf *out, const struct shown_event *e)
{
        if (strcmp(e->actor, "known") == 0) {
                put(out, ", by ", e->comm[0] ? e->comm : "?", "");
                put_id(out, " (pid ", e->pid);
                put_id(out, ", uid ", e->uid);
                buf_putc(out, ')');
        } else if (strcmp(e->actor, "none") == 0) {
                put(out, ", no actor (", e->context, ")");
        } else {
                put(out, ", actor not known", "", "");
        }
}

void events_text(struct buf *out, const char *indent, const struct shown_event *e)
{
        buf_puts(out, indent);
        put_time(out, e);
        put(out, "  ", e->taint, e->cleared ? " CLEARED: " : " set: ");
        put(out, "", e->reason, " ");
        put(out, "(", e->attribution, ")");
        if (e->module[0])
                put(out, ", module ", e->module, "");
        if (e->module[0] && e->module_taints[0])
                put(out, " (", e->module_taints, ")");
        put_actor(out, e);
        buf_putc(out, '\n');
        if (e->detail[0]) {
                buf_puts(out, indent);
                put(out, "    ", e->detail, "\n");
        }
        if (e->accepted[0]) {
                buf_puts(out, indent);
                put(out, "    accepted: ", e->accepted, "\n");
        }
}

static void json_text(struct json *j, const char *name, const char *text)
{
        json_add_string(j, name, text[0] ? text : NULL);
}

static void json_id(struct json *j, const char *name, uint32_t id)
{
        json_key(j, name);
        if (id == AUDIT_ID_UNSET)
                json_null(j);
        else
                json_number(j, id);
}

void events_json(struct json *j, const struct shown_event *e)
{
        json_begin_object(j);
        json_text(j, "taint", e->taint);
        json_add_number(j, "bit", e->bit);
        json_add_bool(j, "cleared", e->cleared);
        json_add_number(j, "old_mask", e->old_mask);
        json_add_number(j, "new_mask", e->new_mask);
        json_add_number(j, "time_usec", e->time_usec);
        json_add_number(j, "seqno", e->seqno);
        json_text(j, "reason", e->reason);
        json_text(j, "module", e->module);
        json_text(j, "module_taints", e->module_taints);
        json_text(j, "attribution", e->attribution);
        json_text(j, "context", e->context);
        json_text(j, "actor", e->actor);
        json_id(j, "pid", e->pid);
        json_id(j, "uid", e->uid);
        json_id(j, "loginuid", e->loginuid);
        json_id(j, "session", e->session);
        json_text(j, "comm", e->comm);
        json_text(j, "exe", e->exe);
        json_text(j, "detail", e->detail);
        json_text(j, "stack", e->stack);
        json_text(j, "properties", e->properties);
        json_text(j, "accepted", e->accepted);
        json_end_object(j);
}

int events_read(sd_bus_message *m, struct events *ret)
{
        int r = sd_bus_message_enter_container(m, 'a', "a{sv}");

        ret->n = 0;
        while (r >= 0 && (r = sd_bus_message_at_end(m, false)) == 0 && ret->n < EVENTS_MAX)
                r = read_event(m, &ret->list[ret->n++]);
        return r < 0 ? r : 0;
}

/* A number would say it, but where the kernel audits there is none. */
static bool is_same(const struct shown_event *a, const struct shown_event *b)
{
        return a->bit == b->bit && a->cleared == b->cleared && a->old_mask == b->old_mask &&
               a->new_mask == b->new_mask && a->time_usec == b->time_usec;
}

/* A service that reports it anew, in another life, reports the same transition. */
static bool is_listed(const struct events *events, const struct shown_event *e)
{
        for (size_t i = 0; i < events->n; i++)
                if (is_same(&events->list[i], e))
                        return true;
        return false;
}

sd_bus_message *events_list(sd_bus *bus, struct diag *d, enum exit_code *ret_code)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        int r = sd_bus_call_method(
                bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "ListEvents", &error, &reply, "");
        *ret_code = r < 0 ? client_explain(r, &error, POLICY_SERVICE_WORDS, d) : EXIT_CODE_OK;
        sd_bus_error_free(&error);
        return r < 0 ? NULL : reply;
}

static enum exit_code print_event(const struct auditpol_options *o, const struct shown_event *e)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        if (o->json) {
                events_json(&j, e);
                buf_putc(&out, '\n');
        } else
                events_text(&out, "", e);
        enum exit_code code = show_print(&out);
        (void)fflush(stdout);
        return code;
}

struct listener {
        const struct auditpol_options *options;
        struct peer *service;
        const struct events *listed; /* shown already; NULL once signals are younger than the list */
};

static void listener_done(struct listener *l)
{
        (void)peer_free(l->service);
}
#define _cleanup_listener_ _cleanup_(listener_done)

static int on_taint(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        const struct listener *l = userdata;
        struct shown_event e;

        if (!peer_sent(l->service, m) || read_event(m, &e) < 0)
                return 0;
        if (l->listed && is_listed(l->listed, &e))
                return 0;
        return print_event(l->options, &e) == EXIT_CODE_OK ? 0 : -EIO;
}

static int listen_for(sd_bus *bus, struct listener *l)
{
        static const char *const members[] = { "TaintSet", "TaintCleared" };

        int r = peer_new(bus, POLICY_BUS_NAME, NULL, NULL, &l->service);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(members); i++)
                r = sd_bus_match_signal(
                        bus, NULL, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, members[i], on_taint, l);
        return r;
}

/* Until the bus or the terminal goes away. What waits at first came before the list. */
static enum exit_code follow(sd_bus *bus, struct listener *l)
{
        for (;;) {
                uint64_t waiting;
                int r = sd_bus_get_n_queued_read(bus, &waiting);
                if (r >= 0 && waiting == 0)
                        l->listed = NULL;
                if (r >= 0)
                        r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0) {
                        log_error("following events: %s", strerror(-r));
                        return EXIT_CODE_FAILURE;
                }
                if (ferror(stdout))
                        return EXIT_CODE_FAILURE;
        }
}

static enum exit_code print_all(const struct auditpol_options *o, const struct events *events)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        if (!o->json || o->follow) {
                for (size_t i = 0; i < events->n; i++)
                        if (print_event(o, &events->list[i]) != EXIT_CODE_OK)
                                return EXIT_CODE_FAILURE;
                return EXIT_CODE_OK;
        }
        json_begin_array(&j);
        for (size_t i = 0; i < events->n; i++)
                events_json(&j, &events->list[i]);
        json_end_array(&j);
        buf_putc(&out, '\n');
        return show_print(&out);
}

enum exit_code events_show(const struct auditpol_options *o)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_free_ struct events *events = calloc(1, sizeof(*events));
        _cleanup_listener_ struct listener listener = { .options = o, .listed = events };
        enum exit_code code = EXIT_CODE_FAILURE;
        struct diag d = { 0 };

        if (!events)
                return code;
        int r = client_connect(&bus, &d);
        /* Listening first: what comes while the list is on its way may not be in it. */
        if (r >= 0 && o->follow)
                r = listen_for(bus, &listener);
        if (r >= 0)
                reply = events_list(bus, &d, &code);
        if (!reply || (r = events_read(reply, events)) < 0) {
                log_error("%s", d.text[0] ? d.text : strerror(-r));
                return code == EXIT_CODE_OK ? EXIT_CODE_FAILURE : code;
        }
        code = print_all(o, events);
        return code == EXIT_CODE_OK && o->follow ? follow(bus, &listener) : code;
}
