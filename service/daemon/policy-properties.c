/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/events/daemon-bus.h"
#include "config.h"

int policy_get_text(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct policy_bus *pb = userdata;
        const struct item *item = pb->config.taint_events;
        const struct {
                const char *name, *text;
        } texts[] = {
                { "TaintEvents", item->accepted ? item->accepted : "" },
                { "Written", item->written },
                { "Source", item->layer },
                { "ControlPath", control_path(item->control) },
                { "ControlValue", item->control_value },
                { "LastError", item->last_error },
                { "Meaning", item_meaning(item) },
                { "TaintCapture", pb->config.capture->text ? pb->config.capture->text : "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (strcmp(property, texts[i].name) == 0)
                        return daemon_bus_append_string(reply, texts[i].text);
        if (strcmp(property, "Live") == 0)
                return sd_bus_message_append(reply, "b", (int)item->live);
        return -ENOENT;
}

int policy_get_number(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct policy_bus *pb = userdata;
        const struct item *item = pb->config.taint_events;
        const struct sender_status status = auditlog_status(pb->config.auditlog);
        const struct {
                const char *name;
                uint64_t number;
        } numbers[] = {
                { "LastApplied", item->last_applied },
                { "Changes", item->changes },
                { "NoOps", item->no_ops + pb->config.settings->no_ops },
                { "Refused", item->refusals },
                { "Drifts", item->drifts },
                { "AuditSent", status.sent },
                { "AuditLost", status.lost },
                { "AuditKept", status.kept },
        };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (strcmp(property, numbers[i].name) == 0)
                        return sd_bus_message_append(reply, "t", numbers[i].number);
        return -ENOENT;
}

int policy_get_version(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, _unused_ void *userdata,
        _unused_ sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}
