/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* This boot's events, as the service keeps them. */

#include "../../schema/bus/client.h"
#include "event-read.h"

#define EVENTS_MAX 512u

struct events {
        struct shown_event list[EVENTS_MAX];
        size_t n;
};

/* NULL with *ret_code and d set: the service's absence is an answer for some. */
sd_bus_message *events_list(sd_bus *bus, struct diag *d, enum exit_code *ret_code);
/* Borrows from the message. 0 or negative errno. */
_must_check_ int events_read(sd_bus_message *m, struct events *ret);
/* The transition itself; who tells of it anew, in another service's life, tells of the same. */
bool events_have(const struct events *events, const struct shown_event *e);
