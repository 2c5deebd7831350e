/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every bus client of the registry needs: to connect, to call, and to say to people what went wrong. */

#include "../dbus/names.h"
#include "wire.h"

/* Words for the other end in messages. */
#define REGISTRY_SERVICE_WORDS "the registry provider (" REGISTRY_BUS_NAME ")"
#define POLICY_SERVICE_WORDS "the policy service (" POLICY_BUS_NAME ")"

/* Opens the system bus ($DBUS_SYSTEM_BUS_ADDRESS is honoured) and asks nothing of it but the greeting: no
 * match, no look-up of owners. 0, or negative errno with d set. */
_must_check_ int client_connect(sd_bus **ret, struct diag *d);

/* A call to the registry provider. 0 or negative errno. */
_must_check_ int client_new_call(sd_bus *bus, const char *method, sd_bus_message **ret);

/* Sends a call and waits for the answer, `timeout_usec` at most (0: the bus's default). EXIT_CODE_OK with
 * the reply, or else what went wrong in d. */
_must_check_ enum exit_code client_call(
        sd_bus *bus, sd_bus_message *m, uint64_t timeout_usec, sd_bus_message **ret_reply, struct diag *d);

/* The same in two steps, for who has something to do meanwhile; who does not wait for the answer drops it.
 * Not within a callback of the bus. `*ret` stays where it is in between. 0 or negative errno. */
struct client_call {
        sd_bus_slot *slot;
        sd_bus_message *reply;
};
_must_check_ int client_call_begin(
        sd_bus *bus, sd_bus_message *m, uint64_t timeout_usec, struct client_call *ret);
_must_check_ enum exit_code client_call_end(
        sd_bus *bus, struct client_call *call, sd_bus_message **ret_reply, struct diag *d);
void client_call_drop(struct client_call *call);

/* A failed call for people: `r` is what sd_bus_call() returned or negative from an asynchronous reply,
 * `service` the words for the other end ("the registry provider"). Sets d and returns the exit code. */
enum exit_code client_explain(int r, const sd_bus_error *error, const char *service, struct diag *d);

/* Whether the error says that nobody has the bus name (or that it could not be started). */
bool client_service_absent(const sd_bus_error *error);
