/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon-bus.h"

#include <errno.h>
#include <string.h>

#include "../base/buf.h"
#include "../base/log.h"
#include "../bus/peer.h"
#include "../names/fold.h"

/* The library itself is the sender of what it has to say. */
#define LOCAL "org.freedesktop.DBus.Local"

/* By now the bus has left the loop. */
static int on_gone(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        if (!peer_is(m, LOCAL))
                return 0;
        log_error("the bus went away");
        return sd_event_exit(userdata, EXIT_FAILURE);
}

int daemon_bus_open(sd_event *event, sd_bus **ret, struct diag *d)
{
        sd_bus *bus = NULL;

        int r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, NULL, LOCAL, "/org/freedesktop/DBus/Local", LOCAL,
                        "Disconnected", on_gone, NULL, event);
        if (r < 0) {
                sd_bus_unref(bus);
                return diag_set(d, -r, "no connection to the system bus: %s", strerror(-r));
        }
        *ret = bus;
        return 0;
}

int daemon_bus_own(sd_bus *bus, const char *name, struct diag *d)
{
        int r = sd_bus_request_name(bus, name, 0);
        if (r == -EEXIST)
                return diag_set(d, EEXIST, "%s is owned by another process on this bus", name);
        return r < 0 ? diag_set(d, -r, "cannot own %s: %s", name, strerror(-r)) : 0;
}

int daemon_bus_stub(sd_bus_message *call, sd_bus_message **ret)
{
        sd_bus_message *stub = NULL;
        uint64_t cookie;

        int r = sd_bus_message_get_cookie(call, &cookie);
        if (r >= 0)
                r = sd_bus_message_new_method_call(sd_bus_message_get_bus(call), &stub, NULL,
                        sd_bus_message_get_path(call), sd_bus_message_get_interface(call),
                        sd_bus_message_get_member(call));
        if (r >= 0)
                r = sd_bus_message_set_sender(stub, sd_bus_message_get_sender(call));
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(stub, sd_bus_message_get_expect_reply(call) > 0);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(
                        stub, sd_bus_message_get_allow_interactive_authorization(call) > 0);
        if (r >= 0)
                r = sd_bus_message_seal(stub, cookie, 0);
        if (r < 0) {
                sd_bus_message_unref(stub);
                return r;
        }
        *ret = stub;
        return 0;
}

int daemon_bus_append_text(sd_bus_message *m, const char *name, const char *text)
{
        _cleanup_buf_ struct buf valid = BUF_INIT;

        utf8_replace(&valid, text, strlen(text));
        return valid.error ? valid.error : sd_bus_message_append(m, "{sv}", name, "s", buf_str(&valid));
}

int daemon_bus_append_string(sd_bus_message *m, const char *text)
{
        _cleanup_buf_ struct buf valid = BUF_INIT;

        utf8_replace(&valid, text, strlen(text));
        return valid.error ? valid.error : sd_bus_message_append(m, "s", buf_str(&valid));
}

int daemon_bus_append_actor(sd_bus_message *m, const struct actor *a)
{
        int r = daemon_bus_append_text(m, "actor", actor_state(a));
        if (r < 0 || !a)
                return r;
        r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "pid", "u", a->pid, "uid", "u", a->uid, "loginuid",
                "u", a->loginuid, "session", "u", a->session);
        if (r >= 0)
                r = daemon_bus_append_text(m, "comm", a->comm);
        return r < 0 ? r : daemon_bus_append_text(m, "exe", a->exe);
}
