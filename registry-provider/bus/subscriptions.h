/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which clients want to hear of which keys. A subscription is for a path (which need not exist), alone or
 * with all below it. Through links it is for what they lead to; whoever is led elsewhere is asked to read
 * again. Signals go to the subscriber alone. After SUBSCRIPTION_WINDOW signals that a client has
 * not shown to have read (it answers a Peer.Ping that follows them) nothing more is sent to it; then an
 * `overflow` event asks it to read again. */

#include <systemd/sd-bus.h>

#include "../../schema/bus/caller.h"
#include "../registry/registry.h"

#define SUBSCRIPTIONS_MAX 20000u
#define SUBSCRIPTIONS_PER_CLIENT_MAX 4096u
/* What one user who is not root may have, and no more than is left to the others then; root is under none of
 * these limits but that of a client. */
#define SUBSCRIPTIONS_PER_USER_MAX 5000u
/* Bytes of the paths of one user who is not root, and of all. */
#define SUBSCRIPTION_PATHS_PER_USER_MAX (2u * 1024u * 1024u)
#define SUBSCRIPTION_PATHS_MAX (8u * 1024u * 1024u)
#define SUBSCRIPTION_WINDOW 256u

struct subscriptions;

/* The registry is borrowed: it says where links lead. */
_must_check_ int subscriptions_new(sd_bus *bus, const struct registry *registry, struct subscriptions **ret);
/* Before the callers go. */
struct subscriptions *subscriptions_free(struct subscriptions *s);

struct subscription_wish {
        bool subtree;
        bool unchanged; /* also writes that change nothing effective */
        bool of_link;   /* a link in the last place is meant itself */
};
/* The caller is known. 0: *path is taken over; or negative, with `error` set at a limit. */
_must_check_ int subscriptions_add(struct subscriptions *s, struct caller *caller, struct path *path,
        const struct subscription_wish *wish, uint64_t *ret_id, sd_bus_error *error);
/* False: this caller has no such subscription. */
bool subscriptions_remove(struct subscriptions *s, struct caller *caller, uint64_t id);
void subscriptions_drop_caller(struct subscriptions *s, struct caller *caller);
/* It has shown that it reads (account_read_t). */
void subscriptions_caller_reads(struct subscriptions *s, struct caller *caller, bool lost);
size_t subscriptions_count(const struct subscriptions *s);

/* Sends one Changed signal to each subscription that one of the events concerns, with who made the change.
 * What is too much for a signal or for a user, and failures to send, become overflows. */
void subscriptions_dispatch(
        struct subscriptions *s, const struct registry_events *events, const struct store_author *author);
/* All are asked to read again: what each has read may be otherwise. */
void subscriptions_ask_all(struct subscriptions *s);
