/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.peios.AuditPolicy1: properties, methods and signals (schema/dbus/org.peios.AuditPolicy1.xml).
 * Marshalling only. */

#include <systemd/sd-bus.h>

#include "../../schema/bus/gate.h"
#include "../settings/settings.h"

struct policyd;
struct policy_bus;
struct problems;
struct taint_event;

/* The properties show TaintEvents of `settings`. `policyd` reads the schema again. Calls of the members of
 * `admin_group` ("": nobody) come before others'. 0 or negative errno. */
_must_check_ int policy_bus_new(sd_bus *bus, const char *admin_group, struct settings *settings,
        const struct problems *problems, struct policyd *policyd, struct policy_bus **ret);
struct policy_bus *policy_bus_free(struct policy_bus *pb);

/* What changed is gathered, and signalled once a turn of the loop. A setting's `changes` are of enum
 * setting_change. `pb` may be NULL, as in settings: then nobody hears of it. */
void policy_bus_changed(const struct setting *s, unsigned changes);
void policy_bus_audit_changed(struct policy_bus *pb);
void policy_bus_problems_changed(struct policy_bus *pb);
void policy_bus_taint_changed(struct policy_bus *pb);
void policy_bus_accepted_changed(struct policy_bus *pb);
/* Answers those who set the property and wait for it to be in force. */
void policy_bus_settled(const struct setting *s);

/* policy-signals.c: nothing is sent while settings have no connection. `old`: "unset" for none. */
void policy_bus_policy_changed(const struct setting *s, const char *old, const struct actor *actor);
void policy_bus_policy_refused(const struct setting *s, const char *refused, const char *why);
void policy_bus_drift_detected(const struct setting *s, const char *found, const char *action);
void policy_bus_taint_event(const struct settings *all, const struct taint_event *e);
/* The a{sv} of an event, as ListEvents() has it too. 0 or more, or negative errno. */
_must_check_ int policy_bus_append_event(
        sd_bus_message *m, const struct taints *t, const struct taint_event *e);

/* Setting the property TaintEvents: written through to the registry as the caller, and answered when the
 * value is in force, or with the reason why it is not. sd-bus answers property setters at once, so the call
 * is taken over. */

struct policy_set;

/* To be made before the object with the property. 0 or negative errno. */
_must_check_ int policy_set_new(
        sd_bus *bus, struct gate *gate, const struct settings *settings, struct policy_set **ret);
struct policy_set *policy_set_free(struct policy_set *set);

/* TaintEvents has dealt with what was written: answers those who wait for it. */
void policy_set_settled(struct policy_set *set);
