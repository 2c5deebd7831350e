/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.peios.AuditPolicy1: properties, methods and signals (schema/dbus/org.peios.AuditPolicy1.xml).
 * Marshalling only. */

#include <systemd/sd-bus.h>

#include "taints.h"

struct policy_bus;

struct policy_bus_config {
        sd_bus *bus;
        struct settings *settings; /* of which TaintEvents is the one that the properties show */
        struct taints *taints;
        const struct problems *problems;
        struct manager *manager;
};

_must_check_ int policy_bus_new(const struct policy_bus_config *config, struct policy_bus **ret);
struct policy_bus *policy_bus_free(struct policy_bus *pb);

/* Of the rest `pb` may be NULL: nobody is told. `changes` of enum setting_change; gathered, and signalled
 * once a turn of the loop. */
void policy_bus_changed(struct policy_bus *pb, const struct setting *s, unsigned changes);
void policy_bus_audit_changed(struct policy_bus *pb);
void policy_bus_problems_changed(struct policy_bus *pb);
/* `old`: "unset" for none. */
void policy_bus_policy_changed(
        struct policy_bus *pb, const struct setting *s, const char *old, const struct actor *actor);
void policy_bus_policy_refused(
        struct policy_bus *pb, const struct setting *s, const char *refused, const char *why);
void policy_bus_drift_detected(
        struct policy_bus *pb, const struct setting *s, const char *found, const char *action);
void policy_bus_taint_told(struct policy_bus *pb, const struct taint_event *e);
void policy_bus_taint_changed(struct policy_bus *pb);
void policy_bus_accepted_changed(struct policy_bus *pb);
/* Answers those who set the property and wait for it to be in force. */
void policy_bus_settled(struct policy_bus *pb, const struct setting *s);
