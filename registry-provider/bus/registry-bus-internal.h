/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "registry-bus.h"
#include "subscriptions.h"

#define ORIGINS_N 256u
#define REQUESTS_MAX 1024u /* wait for polkit or for the sync at one time */

/* Who wrote the entries with these sequences: kept for the newest changes, so that a service that was not there when
 * the signal went out can still name the person. */
struct origin {
        uint64_t first, last;
        struct actor actor;
};

struct request;

struct registry_bus {
        struct registry_bus_config config;
        struct caller_cache *callers;
        struct subscriptions *subscriptions;
        sd_event_source *flush;
        struct request *waiting; /* applied, not yet durable; oldest first */
        struct request **waiting_tail;
        struct request *asking;  /* polkit decides */
        size_t n_requests;
        struct origin origins[ORIGINS_N];
        unsigned next_origin;
};

/* registry-bus-read.c */
int method_get(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_get_many(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_info(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_resolve(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* registry-bus-write.c: Set, Delete, CreateKey, DeleteKey, Transact and Preview. */
int method_write(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_preview(sd_bus_message *m, void *userdata, sd_bus_error *error);
void requests_free(struct registry_bus *rb);

/* registry-bus-keys.c */
_must_check_ int keys_register(struct registry_bus *rb);

/* Shared. */
int bus_fail(sd_bus_error *error, int r, const struct diag *d);
int append_actor(sd_bus_message *m, const struct actor *a);
_must_check_ int append_event_list(sd_bus_message *m, const struct registry_events *events);
const struct actor *origin_of(const struct registry_bus *rb, uint64_t sequence);
/* For a message to people and for records: the path of a value. */
void format_value_path(struct buf *out, const char *key, const char *name);
