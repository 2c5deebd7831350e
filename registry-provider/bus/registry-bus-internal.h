/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/bus/gate.h"
#include "../../schema/bus/refusals.h"
#include "../../schema/events/loop.h"
#include "registry-bus.h"
#include "subscriptions.h"

#define WAITING_MAX 1024u /* calls that share one sync */
/* A transaction of more changes is committed by itself: it takes much longer inside of another one, where
 * the store keeps a copy of what it changes. */
#define CHANGES_TOGETHER_MAX 64u
#define ASKING_MAX 32u /* calls that wait for polkit */
#define ASKING_PER_USER_MAX 8u
/* What they hold: of one user, and of all. */
#define ASKING_BYTES_PER_USER_MAX (4u * 1024u * 1024u)
#define ASKING_BYTES_MAX (16u * 1024u * 1024u)
/* Of calls that share one sync. */
#define WAITING_BYTES_MAX (16u * 1024u * 1024u)
/* Changes that somebody who may not write can have previewed: it takes the provider's time. */
#define PREVIEW_CHANGES_MAX 64u
/* And memory: one change can make a whole path of keys, or delete a whole tree. */
#define PREVIEW_BYTES_MAX (8u * 1024u * 1024u)

struct request;

struct registry_bus {
        struct registry_bus_config config;
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

/* registry-bus-properties.c: getters of sd-bus; the userdata is the registry_bus. */
int property_sequence(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_subscriptions(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_hives(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_layers(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_problems(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);
int property_version(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error);

/* registry-bus-read.c */
int method_get(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_get_many(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* Also says what failed in the store. */
int read_failed(struct registry_bus *rb, int r, struct diag *d, sd_bus_error *error);
int method_info(sd_bus_message *m, void *userdata, sd_bus_error *error);
_must_check_ int find_key(
        struct registry_bus *rb, const char *key, struct path *ret_path, struct guid *ret, struct diag *d);

/* registry-bus-resolve.c */
int method_resolve(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* registry-bus-history.c */
int method_history(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* registry-bus-write.c: Set, Delete, CreateKey, DeleteKey, Transact and Preview. */
int method_write(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_preview(sd_bus_message *m, void *userdata, sd_bus_error *error);
void requests_free(struct registry_bus *rb);
/* A call that was not even read is refused. */
void request_refused_unread(
        struct registry_bus *rb, sd_bus_message *m, const struct actor *actor, const char *why);
/* Nobody waits for the answer of this client's calls any more. */
void requests_drop_client(struct registry_bus *rb, const char *client);

/* registry-bus-keys.c */
_must_check_ int keys_register(struct registry_bus *rb);

/* Shared. */
/* dbus-daemon ends a connection that sends more than 32 MiB at once: what one may ask for stays below. */
#define MESSAGE_BYTES_MAX (30u * 1024u * 1024u)
/* At most so many bytes of a message are a value with its numbers and two texts beside it. */
size_t wire_bytes(const struct value *v, const char *name, const char *other);
/* -EFBIG with d set when the message becomes too large. */
_must_check_ int take_room(size_t *taken, size_t bytes, struct diag *d);
int bus_fail(sd_bus_error *error, int r, const struct diag *d);
/* Reports an error of the store; others are the caller's alone. */
void registry_bus_failed(struct registry_bus *rb, int r, const struct diag *d);
int append_actor(sd_bus_message *m, const struct actor *a);
/* The same, or, where a file did it, that one. */
int append_author(sd_bus_message *m, const struct store_author *a);
/* Of the answer that sd-bus makes to the call that is being worked, if one is. */
void count_answer(struct registry_bus *rb, sd_bus *bus, size_t bytes);
/* take_room() for an event. */
_must_check_ int take_event_room(size_t *taken, const struct registry_event *e, struct diag *d);
/* Adds to *taken. -EFBIG with d set: too much for one message. */
_must_check_ int append_event_list(
        sd_bus_message *m, const struct registry_events *events, size_t *taken, struct diag *d);
/* For a message to people and for records: the path of a value, or of a key (`name` NULL). */
void format_value_path(struct buf *out, const char *key, const char *name);
