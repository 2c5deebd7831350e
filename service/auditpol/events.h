/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Taint events, and `events` of peios-auditpol. */

#include "../../schema/base/json.h"
#include "show.h"

/* One event of ListEvents() or a TaintSet signal; strings are borrowed from the message. */
struct shown_event {
        const char *taint, *reason, *module, *module_taints, *attribution, *context, *actor, *comm, *exe,
                *detail, *stack, *properties, *accepted;
        uint32_t bit, pid, uid, loginuid, session;
        int cleared;
        uint64_t old_mask, new_mask, time_usec, seqno;
};

/* Each line begins with `indent`. */
void events_text(struct buf *out, const char *indent, const struct shown_event *e);
void events_json(struct json *j, const struct shown_event *e);

#define EVENTS_MAX 512u

/* This boot's events, as the service keeps them. */
struct events {
        struct shown_event list[EVENTS_MAX];
        size_t n;
};

/* NULL with *ret_code and d set: the service's absence is an answer for some. */
sd_bus_message *events_list(sd_bus *bus, struct diag *d, enum exit_code *ret_code);
/* Borrows from the message. 0 or negative errno. */
_must_check_ int events_read(sd_bus_message *m, struct events *ret);

enum exit_code events_show(const struct auditpol_options *o);
