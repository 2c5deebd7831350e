/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/bus/refusals.h"
#include "../../schema/bus/gate.h"
#include "../../schema/events/deferred.h"
#include "policy-bus.h"

/* Beside enum setting_change. */
#define AUDIT_COUNTERS (1u << 16)
#define TAINT_STATUS (1u << 17)
#define TAINT_CAPTURE (1u << 18)
#define PROBLEMS (1u << 19)
#define TAINT_ACCEPTED (1u << 20)

struct setter;

struct policy_bus {
        struct policy_bus_config config;
        struct gate *gate;
        struct deferred *flush;
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
int policy_get_problems(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int policy_get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);

/* Sends the answer to `m`, whose size is counted, or says in `error` that there is no room for it. */
_must_check_ int policy_answer(
        struct policy_bus *pb, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error);

/* A getter returns the text to the call that is being worked, if one is. */
void policy_count(struct policy_bus *pb, sd_bus *bus, const char *text);

/* policy-methods.c */
int policy_method_apply(sd_bus_message *m, void *userdata, sd_bus_error *error);
int policy_method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error);
int policy_method_explain(sd_bus_message *m, void *userdata, sd_bus_error *error);
int policy_method_list_settings(sd_bus_message *m, void *userdata, sd_bus_error *error);
int policy_method_preview(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* policy-taint.c */
int policy_get_taint(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int policy_method_list_events(sd_bus_message *m, void *userdata, sd_bus_error *error);
