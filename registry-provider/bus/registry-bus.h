/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.peios.Registry1: the registry on D-Bus (schema/dbus/org.peios.Registry1.xml). Marshalling, who may
 * write, and the order of things: a change is applied in memory at once, made durable together with what
 * else waits (one fdatasync), and only then answered and told to subscribers. Reads see durable contents
 * only. */

#include <systemd/sd-bus.h>

#include "../../schema/base/problems.h"
#include "../../schema/bus/refusals.h"
#include "../registry/registry.h"

struct registry_bus;

struct registry_bus_config {
        sd_bus *bus;
        struct registry *registry;
        const struct problems *problems;
        const char *admin_group;
        struct exe_reader *exe_reader; /* may be NULL */
        refusals_emit_t refused;
        void (*reload)(void *userdata);  /* read the schema and the drop-in files again */
        void (*changed)(void *userdata); /* something was written */
        void (*tried)(void *userdata);   /* something took memory, but nothing was written */
        void (*failed)(int error, const char *text, void *userdata); /* the store did, as text says */
        void *userdata;
};

_must_check_ int registry_bus_new(const struct registry_bus_config *config, struct registry_bus **ret);
struct registry_bus *registry_bus_free(struct registry_bus *rb);

/* Makes durable and answers what waits. Called from the event loop; other code calls it before it changes
 * anything. */
void registry_bus_flush(struct registry_bus *rb);

/* Tells subscribers of a change that no caller made (a drop-in file): `reason` is "hive-edited", `file` and
 * its owner. */
void registry_bus_tell(struct registry_bus *rb, const struct registry_events *events, const char *reason,
        const char *file, uid_t owner);

void registry_bus_problems_changed(struct registry_bus *rb);
