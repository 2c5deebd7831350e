/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One event of ListEvents() or a TaintSet signal; strings are borrowed from the message. */

#include <systemd/sd-bus.h>

#include "../../schema/base/json.h"

struct shown_event {
        const char *taint, *reason, *module, *module_taints, *attribution, *context, *actor, *comm, *exe,
                *detail, *stack, *properties, *accepted;
        uint32_t bit, pid, uid, loginuid, session;
        int cleared;
        uint64_t old_mask, new_mask, time_usec, seqno;
};

/* Reads a{sv}. 0 or negative errno. */
_must_check_ int event_read(sd_bus_message *m, struct shown_event *ret);
/* Each line begins with `indent`. */
void event_text(struct buf *out, const char *indent, const struct shown_event *e);
void event_json(struct json *j, const struct shown_event *e);
/* "2026-11-21T20:31:02Z", or "before the service began". */
void event_time(struct buf *out, const struct shown_event *e);
