/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Changes: who may make them, and their way to the disk. Root, members of the administrators' group, and
 * whom polkit allows (asked over D-Bus, without blocking the loop) may write; where polkit is not there, the
 * first two remain. Calls that came together share one sync. */

#include <systemd/sd-bus.h>

#include "../../schema/bus/gate.h"
#include "../../schema/events/loop.h"
#include "registry1.h"
#include "subscriptions.h"

/* Setting layers' metadata (precedence above all) is its own action: it needs more than writing a value. */
#define WRITER_ACTION_WRITE "org.peios.Registry1.write"
#define WRITER_ACTION_LAYERS "org.peios.Registry1.manage-layers"

struct request;

struct writer {
        const struct registry1_config *config;
        struct gate *gate;
        struct subscriptions *subscriptions;
        struct refusals *refusals;
        struct loop_deferred *flush;
        struct request *waiting; /* applied, not yet durable; oldest first */
        struct request **waiting_tail;
        struct request *asking; /* polkit decides */
        size_t n_waiting, n_asking;
        size_t waiting_bytes;
};

/* All are borrowed; the writer stays where it is. */
_must_check_ int writer_init(struct writer *w, const struct registry1_config *config, struct gate *gate,
        struct subscriptions *subscriptions, struct refusals *refusals);
/* What waits is made durable and answered; one that was never begun does nothing. */
void writer_done(struct writer *w);

/* Methods; the userdata is the writer. Set, Delete, CreateKey, DeleteKey and Transact are one. */
int writer_write(sd_bus_message *m, void *userdata, sd_bus_error *error);
int writer_preview(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* Restore or PreviewRestore, of which the copy was compared with the registry as it is now. Whether the
 * caller may was seen to. */
struct restoration;
_must_check_ int writer_restore(
        struct writer *w, sd_bus_message *m, struct restoration *copy, sd_bus_error *error);

/* Makes durable and answers what waits. */
void writer_flush(struct writer *w);
/* Reports an error of the store; others are the caller's alone. */
void writer_failed(const struct writer *w, int e, const struct diag *d);
/* Nobody waits for the answer of this client's calls any more. */
void writer_drop_caller(struct writer *w, const char *name);
/* A call that was not even read is refused (request.c). */
void request_refused_unread(struct writer *w, sd_bus_message *m, const struct actor *actor, const char *why);
