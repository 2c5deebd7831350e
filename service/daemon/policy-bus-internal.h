/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../registry-provider/bus/refusals.h"
#include "policy-bus.h"

/* Beside enum setting_change. */
#define AUDIT_COUNTERS (1u << 16)
#define TAINT_STATUS (1u << 17)
#define TAINT_CAPTURE (1u << 18)

struct setter;

struct policy_bus {
        struct policy_bus_config config;
        sd_event_source *flush;
        unsigned dirty;
        struct refusals *refusals;
        struct setter *setters;
        size_t n_setters;
};

/* policy-set.c: Properties.Set of TaintEvents, which is answered when the value is in force. */
int policy_set_filter(sd_bus_message *m, void *userdata, sd_bus_error *error);
void policy_set_free(struct policy_bus *pb);

/* policy-properties.c: getters of sd-bus; the userdata is the policy_bus. */
int policy_get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int policy_get_number(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int policy_get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);

/* policy-methods.c */
int policy_method_apply(sd_bus_message *m, void *userdata, sd_bus_error *error);
int policy_method_explain(sd_bus_message *m, void *userdata, sd_bus_error *error);
int policy_method_list_settings(sd_bus_message *m, void *userdata, sd_bus_error *error);
int policy_method_preview(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* policy-taint.c */
int policy_get_taint(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int policy_method_list_events(sd_bus_message *m, void *userdata, sd_bus_error *error);
