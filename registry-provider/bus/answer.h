/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What answers and signals of the registry hold, how large they may become, and how errors are called. Where
 * there is an `error` to be set, it is set with whatever is returned, which is negative. */

#include <systemd/sd-bus.h>

#include "../../schema/base/buf.h"
#include "../registry/registry.h"

/* dbus-daemon ends a connection that sends more than 32 MiB at once: what one may ask for stays below. */
#define ANSWER_BYTES_MAX (30u * 1024u * 1024u)

/* At most so many bytes of a message are a value with its numbers and two texts beside it. */
size_t answer_value_bytes(const struct value *v, const char *name, const char *other);
size_t answer_event_bytes(const struct registry_event *e);
/* Adds to *taken; 0, or `error`: the message becomes too large. */
_must_check_ int answer_take(size_t *taken, size_t bytes, sd_bus_error *error);

/* A registry's error, or resolve.h's, under its name on the bus; what d (may be NULL) says of it is the
 * text. */
int answer_fail(const struct registry *r, int e, const struct diag *d, sd_bus_error *error);
/* Of reading a message: InvalidValue where d says what is wrong with it. */
int answer_invalid(int r, const struct diag *d, sd_bus_error *error);
/* An enum history_miss as a registry's error; else r. */
int answer_missed(int r);

/* The `{sv}`s that say who it was, or which file. */
_must_check_ int answer_append_author(sd_bus_message *m, const struct store_author *a);
_must_check_ int answer_append_event(sd_bus_message *m, const struct registry_event *e);

/* For a message to people and for records: the path of a value, or of a key (`name` NULL). */
void answer_format_path(struct buf *out, const char *key, const char *name);
