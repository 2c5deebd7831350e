/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One effective change, as Changed signals and Preview() deliver it. */

#include "../../schema/values/value.h"
#include "../../schema/bus/wire.h"

struct event {
        const char *kind; /* "value-set" …; strings are borrowed from the message */
        const char *key, *name, *layer;
        uint32_t type;
        struct buf bytes;
};

void event_done(struct event *e);
#define _cleanup_event_ _cleanup_(event_done)

/* Reads the next struct of "a(sssuvs)": 1, 0 at the end, or negative errno. An event may be read into again
 * and again. */
int event_read_next(sd_bus_message *m, struct event *ret);

bool event_is(const struct event *e, const char *kind);
/* There is a value after the change. */
bool event_has_value(const struct event *e);
struct value event_value(const struct event *e);

/* "value-set  Machine\System\Audit\Modules  TaintEvents = REG_SZ disabled"; no newline. */
void format_event(struct buf *out, const struct event *e);
/* The members of the open object: event, path, name, type, data or hex, layer. */
void event_to_json(struct json *j, const struct event *e);
