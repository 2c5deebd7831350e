/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/problems.h"
#include "../../schema/events/daemon-bus.h"
#include "config.h"

int policy_get_text(sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const struct setting *s = pb->config.settings->taint_events;
        const struct {
                const char *name, *text;
        } texts[] = {
                { "TaintEvents", setting_or_empty(s) },
                { "Written", s->written },
                { "Source", s->layer },
                { "Pending", setting_pending(s) },
                { "ControlPath", control_path(s->control) },
                { "ControlValue", s->control_value },
                { "LastError", s->last_error },
                { "Meaning", setting_meaning(s) },
                { "TaintCapture", setting_or_empty(pb->config.settings->capture) },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (strcmp(property, texts[i].name) == 0) {
                        policy_count(pb, bus, texts[i].text);
                        return daemon_bus_append_string(reply, texts[i].text);
                }
        if (strcmp(property, "Live") == 0)
                return sd_bus_message_append(reply, "b", (int)s->live);
        return -ENOENT;
}

static uint64_t own_no_ops(const struct settings *all)
{
        uint64_t n = 0;

        for (size_t i = 0; i < all->n; i++)
                n += all->list[i]->control ? 0 : all->list[i]->no_ops;
        return n;
}

int policy_get_number(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct policy_bus *pb = userdata;
        const struct setting *s = pb->config.settings->taint_events;
        const struct sender_status status = auditlog_status(pb->config.settings->auditlog);
        const struct {
                const char *name;
                uint64_t number;
        } numbers[] = {
                { "LastApplied", s->last_applied },
                { "Changes", s->changes },
                { "NoOps", s->no_ops + own_no_ops(pb->config.settings) },
                { "Refused", s->refusals },
                { "Drifts", s->drifts },
                { "AuditSent", status.sent },
                { "AuditLost", status.lost },
                { "AuditKept", status.kept },
        };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (strcmp(property, numbers[i].name) == 0)
                        return sd_bus_message_append(reply, "t", numbers[i].number);
        return -ENOENT;
}

int policy_get_problems(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct policy_bus *pb = userdata;
        const struct problems *p = pb->config.problems;

        int r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < p->n; i++)
                r = sd_bus_message_append(reply, "(ss)", p->list[i].file, p->list[i].text);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int policy_get_version(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, _unused_ void *userdata,
        _unused_ sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}
