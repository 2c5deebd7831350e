/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whom a signal is from. Any client of the bus can send any signal to any other, and a match rule's
 * `sender=` of a well-known name lets every unique name pass: so each handler of a signal asks here. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "../base/macro.h"

/* Exactly this name, which the bus itself wrote: for names that no client can have. */
bool peer_is(sd_bus_message *m, const char *sender);

/* Calls `fn` for every client that leaves the bus. 0 or negative errno. */
_must_check_ int peer_watch_leaving(
        sd_bus *bus, sd_bus_slot **ret, sd_bus_message_handler_t fn, void *userdata);
/* The same for every client that comes. `installed` gets the bus's answer: from then on none is missed. */
_must_check_ int peer_watch_coming(sd_bus *bus, sd_bus_slot **ret, sd_bus_message_handler_t fn,
        sd_bus_message_handler_t installed, void *userdata);
/* In such a handler: the unique name of the peer that came; NULL where it is not the bus that says so. */
const char *peer_came(sd_bus_message *m);
/* In the other: the unique name of the peer that left; NULL where it is not the bus that says so. */
const char *peer_left(sd_bus_message *m);

/* Follows who owns a well-known name. */
struct peer;

/* Unique names; "" where nobody owns it. The first call says who owned it at the beginning (`old` is ""). */
typedef void (*peer_fn)(const char *old, const char *owner, void *userdata);

/* Asks the bus and returns without waiting for its answer, which comes before that to any later call.
 * `changed` may be NULL. 0 or negative errno. */
_must_check_ int peer_new(sd_bus *bus, const char *name, peer_fn changed, void *userdata, struct peer **ret);
struct peer *peer_free(struct peer *p);
DEFINE_CLEANUP(struct peer *, peer_free, peer_freep);

/* Whether it is from the one who owns the name now. */
bool peer_sent(const struct peer *p, sd_bus_message *m);
