/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"

static void warn_signal(const char *name, int r)
{
        if (r < 0)
                log_warning("cannot send the signal %s: %s; ignoring", name, strerror(-r));
}

static int append_actor(sd_bus_message *m, const struct actor *a)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = daemon_bus_append_text(m, "actor", actor_state(a));
        if (r >= 0 && !a)
                return sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "pid", "u", a->pid, "uid", "u", a->uid,
                        "loginuid", "u", a->loginuid, "session", "u", a->session);
        if (r >= 0)
                r = daemon_bus_append_text(m, "comm", a->comm);
        if (r >= 0)
                r = daemon_bus_append_text(m, "exe", a->exe);
        if (r >= 0)
                r = daemon_bus_append_text(m, "context", a->context);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

void policy_bus_policy_changed(
        struct policy_bus *pb, const struct setting *s, const char *old, const struct actor *actor)
{
        sd_bus_message *m = NULL;

        if (!pb)
                return;
        int r = sd_bus_message_new_signal(
                pb->config.bus, &m, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "sssb", s->path, old, setting_shown(s->accepted), (int)(s->live || !s->control));
        if (r >= 0)
                r = append_actor(m, actor);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        warn_signal("PolicyChanged", r);
}

void policy_bus_policy_refused(
        struct policy_bus *pb, const struct setting *s, const char *refused, const char *why)
{
        if (pb)
                warn_signal("PolicyRefused",
                        sd_bus_emit_signal(pb->config.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyRefused",
                                "ssss", s->path, refused, setting_shown(s->accepted), why));
}

void policy_bus_drift_detected(
        struct policy_bus *pb, const struct setting *s, const char *found, const char *action)
{
        _cleanup_free_ char *expected = NULL;

        if (!pb)
                return;
        if (s->accepted && schema_control_text(s->sv, s->accepted, &expected) == -ENOMEM)
                return;
        sd_bus_message *m = NULL;
        int r = sd_bus_message_new_signal(
                pb->config.bus, &m, POLICY_PATH, POLICY_INTERFACE, "DriftDetected");
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "sss", s->path, control_name(s->control), expected ? expected : "");
        if (r >= 0)
                r = daemon_bus_append_string(m, found);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", action);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        warn_signal("DriftDetected", r);
}
