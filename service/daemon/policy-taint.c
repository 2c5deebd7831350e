/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The taint side of org.peios.AuditPolicy1: the mask, how it is watched, and this boot's events. */

#include <errno.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/taint/taint.h"
#include "policy-bus-internal.h"

static struct monitor_status status_of(const struct policy_bus *pb)
{
        return monitor_status(taints_monitor(pb->config.taints));
}

static int append_flags(sd_bus_message *reply, uint64_t mask)
{
        char name[TAINT_NAME_MAX];

        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (unsigned bit = 0; r >= 0 && bit < 64; bit++)
                if (mask >> bit & 1)
                        r = sd_bus_message_append(reply, "s", taint_name(taint_flag_by_bit(bit), bit, name));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_accepted(struct policy_bus *pb, sd_bus *bus, sd_bus_message *reply)
{
        const struct accepted_taints *accepted = taints_accepted(pb->config.taints);
        int64_t now = (int64_t)clock_of(CLOCK_REALTIME);

        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < accepted->n; i++) {
                if (accepted_taint_ended(&accepted->list[i], now))
                        continue;
                policy_count(pb, bus, accepted->list[i].text);
                r = daemon_bus_append_string(reply, accepted->list[i].text);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int policy_get_taint(sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const struct monitor_status status = status_of(pb);

        if (strcmp(property, "TaintAccepted") == 0)
                return sd_bus_message_append(reply, "t", taints_accepted_mask(pb->config.taints));
        if (strcmp(property, "Accepted") == 0)
                return append_accepted(pb, bus, reply);
        if (strcmp(property, "Tainted") == 0)
                return sd_bus_message_append(reply, "t", status.tainted);
        if (strcmp(property, "TaintReadable") == 0)
                return sd_bus_message_append(reply, "b", (int)status.readable);
        if (strcmp(property, "TaintChars") == 0)
                return sd_bus_message_append(reply, "s", status.letters);
        if (strcmp(property, "TaintFlags") == 0)
                return append_flags(reply, status.tainted);
        if (strcmp(property, "Backend") == 0)
                return sd_bus_message_append(reply, "s", status.backend);
        if (strcmp(property, "Hooks") == 0)
                return sd_bus_message_append(reply, "s", status.hooks);
        if (strcmp(property, "Misses") == 0)
                return sd_bus_message_append(reply, "t", status.misses);
        if (strcmp(property, "Drops") == 0)
                return sd_bus_message_append(reply, "t", status.drops);
        return -ENOENT;
}

static int append_event(const struct policy_bus *pb, sd_bus_message *m, const struct taint_event *e)
{
        const char *acceptance = taints_acceptance(pb->config.taints, e);
        char name[TAINT_NAME_MAX];
        const struct {
                const char *name, *text;
        } texts[] = {
                { "taint", taint_name(taint_flag_by_bit(e->bit), e->bit, name) },
                { "reason", e->reason },
                { "module", e->module },
                { "module-taints", e->module_taints },
                { "attribution", attribution_name(e->attribution) },
                { "context", taint_context_name(e->context) },
                { "actor", actor_state(&e->actor) },
                { "comm", e->actor.comm },
                { "exe", e->actor.exe },
                { "detail", e->detail },
                { "stack", e->stack ? e->stack : "" },
                { "properties", e->properties ? e->properties : "" },
                { "accepted", acceptance ? acceptance : "" },
        };

        int r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
                r = daemon_bus_append_text(m, texts[i].name, texts[i].text);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "bit", "u", e->bit, "cleared", "b",
                        (int)e->cleared, "old-mask", "t", e->old_mask, "new-mask", "t", e->new_mask,
                        "time-usec", "t", e->time_usec, "seqno", "t", e->seqno);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "pid", "u", e->actor.pid, "uid", "u",
                        e->actor.uid, "loginuid", "u", e->actor.loginuid, "session", "u", e->actor.session);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int policy_method_list_events(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        sd_bus_message *reply = NULL;
        size_t n;
        const struct taint_event *events = monitor_events(taints_monitor(pb->config.taints), &n);

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_event(pb, reply, &events[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = policy_answer(pb, m, reply, error);
        sd_bus_message_unref(reply);
        return r;
}

void policy_bus_taint_told(struct policy_bus *pb, const struct taint_event *e)
{
        sd_bus_message *m = NULL;

        int r = sd_bus_message_new_signal(
                pb->config.bus, &m, POLICY_PATH, POLICY_INTERFACE, e->cleared ? "TaintCleared" : "TaintSet");
        if (r >= 0)
                r = append_event(pb, m, e);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        if (r < 0)
                log_warning("cannot signal a taint: %s; ignoring", strerror(-r));
}
