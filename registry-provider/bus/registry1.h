/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.peios.Registry1: the registry on D-Bus (schema/dbus/org.peios.Registry1.xml). Marshalling, who may
 * write, and the order of things: a change is applied in memory at once, made durable together with what
 * else waits (one fdatasync), and only then answered and sent to subscribers. Reads see durable contents
 * only. */

#include <systemd/sd-bus.h>

#include "../../schema/base/diag.h"
#include "../../schema/bus/refusals.h"
#include "../registry/registry.h"

struct registry1;

struct registry1_config {
        sd_bus *bus;
        struct registry *registry;
        const char *file; /* its database, which is opened beside it for earlier moments */
        const struct problems *problems;
        const char *admin_group;
        struct exe_reader *exe_reader;   /* may be NULL */
        struct auditlog *auditlog;       /* refused calls are recorded there */
        void (*reload)(void *userdata);  /* read the schema and the drop-in files again */
        void (*copy)(void *userdata);    /* registry1_copied() */
        void (*inspect)(void *userdata); /* registry1_inspected() */
        void (*changed)(void *userdata); /* something was written */
        void (*tried)(void *userdata);   /* something took memory, but nothing was written */
        void (*failed)(int error, const char *text, void *userdata); /* the store did, as text says */
        void *userdata;
};

_must_check_ int registry1_new(const struct registry1_config *config, struct registry1 **ret);
struct registry1 *registry1_free(struct registry1 *b);

/* Makes durable and answers what waits; before anything else changes the registry. */
void registry1_flush(struct registry1 *b);

/* Sends subscribers a change that no caller made (a drop-in file). */
void registry1_changed(
        struct registry1 *b, const struct registry_events *events, const struct store_author *author);

/* A copy of the database was made, or not, as text says: answers who waits for it. Takes the descriptor
 * over. */
void registry1_copied(struct registry1 *b, int error, const char *text, int fd);

/* The database was looked at, or could not be, as text says: the same; and what was found is put right where
 * somebody waits for that. Takes the list over. */
void registry1_inspected(struct registry1 *b, int error, const char *text, struct diags *found);

void registry1_problems_changed(struct registry1 *b);
void registry1_schema_reloaded(struct registry1 *b);
