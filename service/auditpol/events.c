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

#define AT(member) offsetof(struct shown_event, member)

/* In the order of the JSON. */
static const struct shown_member event_members[] = {
        { "taint", "taint", "s", AT(taint) },
        { "bit", "bit", "u", AT(bit) },
        { "cleared", "cleared", "b", AT(cleared) },
        { "old-mask", "old_mask", "t", AT(old_mask) },
        { "new-mask", "new_mask", "t", AT(new_mask) },
        { "time-usec", "time_usec", "t", AT(time_usec) },
        { "seqno", "seqno", "t", AT(seqno) },
        { "reason", "reason", "s", AT(reason) },
        { "module", "module", "s", AT(module) },
        { "module-taints", "module_taints", "s", AT(module_taints) },
        { "attribution", "attribution", "s", AT(attribution) },
        { "context", "context", "s", AT(context) },
        { "actor", "actor", "s", AT(actor) },
        { "pid", "pid", "u", AT(pid) },
        { "uid", "uid", "u", AT(uid) },
        { "loginuid", "loginuid", "u", AT(loginuid) },
        { "session", "session", "u", AT(session) },
        { "comm", "comm", "s", AT(comm) },
        { "exe", "exe", "s", AT(exe) },
        { "detail", "detail", "s", AT(detail) },
        { "stack", "stack", "s", AT(stack) },
        { "properties", "properties", "s", AT(properties) },
        { "accepted", "accepted", "s", AT(accepted) },
};

/* What is 0, or not there, does not come. */
static int read_event(sd_bus_message *m, struct shown_event *ret)
{
        *ret = (struct shown_event){ 0 };
        return show_read(m, event_members, ARRAY_SIZE(event_members), ret);
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
                utf8_put_between(out, ", by ", e->comm[0] ? e->comm : "?", "");
                put_id(out, " (pid ", e->pid);
                put_id(out, ", uid ", e->uid);
                buf_putc(out, ')');
        } else if (strcmp(e->actor, "none") == 0)
                utf8_put_between(out, ", no actor (", e->context, ")");
        else
                buf_puts(out, ", actor not known");
}

void events_text(struct buf *out, const char *indent, const struct shown_event *e)
{
        buf_puts(out, indent);
        put_time(out, e);
        utf8_put_between(out, "  ", e->taint, e->cleared ? " CLEARED: " : " set: ");
        utf8_put_between(out, "", e->reason, " (");
        utf8_put_between(out, "", e->attribution, ")");
        if (e->module[0])
                utf8_put_between(out, ", module ", e->module, "");
        if (e->module[0] && e->module_taints[0])
                utf8_put_between(out, " (", e->module_taints, ")");
        put_actor(out, e);
        buf_putc(out, '\n');
        if (e->detail[0]) {
                buf_puts(out, indent);
                utf8_put_between(out, "    ", e->detail, "\n");
        }
        if (e->accepted[0]) {
                buf_puts(out, indent);
                utf8_put_between(out, "    accepted: ", e->accepted, "\n");
        }
}

void events_json(struct json *j, const struct shown_event *e)
{
        if (!e)
                return json_null(j);
        json_begin_object(j);
        show_members(j, event_members, ARRAY_SIZE(event_members), true, e);
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
                if (r < 0)
                        return log_failure(EXIT_CODE_FAILURE, "following events: %s", strerror(-r));
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
