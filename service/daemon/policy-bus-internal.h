/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy-bus.h"

#define AUDIT_COUNTERS (1u << 16) /* beside enum item_change */

struct setter;

struct policy_bus {
        struct policy_bus_config config;
        sd_event_source *flush;
        unsigned dirty;
        struct setter *setters;
        size_t n_setters;
};

/* policy-set.c: Properties.Set of TaintEvents, which is answered when the value is in force. */
int policy_set_filter(sd_bus_message *m, void *userdata, sd_bus_error *error);
void policy_set_free(struct policy_bus *pb);

/* The value of an argument pair "uv" for Preview(). */
struct item *policy_bus_find(const struct policy_bus *pb, const char *key, const char *name);
