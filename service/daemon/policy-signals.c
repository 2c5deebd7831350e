/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-bus.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/taint/taint.h"
#include "taints.h"

static int begin(const struct settings *all, const char *name, sd_bus_message **ret)
{
        return sd_bus_message_new_signal(all->connection, ret, POLICY_PATH, POLICY_INTERFACE, name);
}

static void send_signal(sd_bus_message *m, const char *name, int r)
{
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        if (r < 0)
                log_warning("cannot send the signal %s: %s; ignoring", name, strerror(-r));
}

void policy_bus_policy_changed(const struct setting *s, const char *old, const struct actor *actor)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        if (!s->all->connection)
                return;
        int r = begin(s->all, "PolicyChanged", &m);
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "sssb", s->path, old, setting_shown(s->accepted), (int)(s->live || !s->control));
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = daemon_bus_append_actor(m, actor);
        if (r >= 0 && actor)
                r = daemon_bus_append_text(m, "context", actor->context);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        send_signal(m, "PolicyChanged", r);
}

void policy_bus_policy_refused(const struct setting *s, const char *refused, const char *why)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        if (!s->all->connection)
                return;
        int r = begin(s->all, "PolicyRefused", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ssss", s->path, refused, setting_shown(s->accepted), why);
        send_signal(m, "PolicyRefused", r);
}

void policy_bus_drift_detected(const struct setting *s, const char *found, const char *action)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        _cleanup_free_ char *expected = NULL;

        if (!s->all->connection ||
                (s->accepted && schema_control_text(s->sv, s->accepted, &expected) == -ENOMEM))
                return;
        int r = begin(s->all, "DriftDetected", &m);
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "sss", s->path, control_name(s->control), expected ? expected : "");
        if (r >= 0)
                r = daemon_bus_append_string(m, found);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", action);
        send_signal(m, "DriftDetected", r);
}

int policy_bus_append_event(sd_bus_message *m, const struct taints *t, const struct taint_event *e)
{
        const char *acceptance = taints_acceptance(t, e);
        char name[TAINT_NAME_MAX];
        const struct {
                const char *name, *text;
        } texts[] = {
                { "taint", taint_name(taint_flag_by_bit(e->bit), e->bit, name) },
                { "reason", e->reason },
                { "module", e->module },
                { "module-taints", e->module_taints },
                { "attribution", taint_attribution_name(e->attribution) },
                { "context", taint_context_name(e->context) },
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
                r = daemon_bus_append_actor(m, &e->actor);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

void policy_bus_taint_event(const struct settings *all, const struct taint_event *e)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *name = e->cleared ? "TaintCleared" : "TaintSet";

        if (!all->connection)
                return;
        int r = begin(all, name, &m);
        if (r >= 0)
                r = policy_bus_append_event(m, all->taints, e);
        send_signal(m, name, r);
}
