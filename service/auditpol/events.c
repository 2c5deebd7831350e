/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/bus/peer.h"
#include "event-list.h"

static enum exit_code print_event(const struct auditpol_options *o, const struct shown_event *e)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        if (o->json) {
                event_json(&j, e);
                buf_putc(&out, '\n');
        } else
                event_text(&out, "", e);
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

        if (!peer_sent(l->service, m) || event_read(m, &e) < 0)
                return 0;
        if (l->listed && events_have(l->listed, &e))
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
                event_json(&j, &events->list[i]);
        json_end_array(&j);
        buf_putc(&out, '\n');
        return show_print(&out);
}

enum exit_code show_events(const struct auditpol_options *o, _unused_ const char *argument)
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
