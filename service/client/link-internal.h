/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/bus/peer.h"
#include "link.h"

struct follow {
        struct link *link;
        const struct path *key;
        const char *name;
        uint64_t subscription;                /* 0: none */
        bool subscribed_here;                 /* the first of its key: carries the key's subscription */
        sd_bus_slot *subscribing, *resolving; /* calls under way */
};

struct link {
        struct link_config config;
        struct follow *list;
        sd_bus_slot *changed;
        struct peer *provider; /* whose signals count */
        sd_event_source *retry;
        uint64_t delay;
        bool asking; /* calls are being made: the round cannot be over yet */
        bool failed; /* an answer of this round was an error */
        bool connected;
};

/* link.c. A round: subscribe where there is no subscription, and read everything. */
void link_begin(struct link *l);
/* A question that is under way is asked again: its answer may be older than what made us ask. */
void link_resolve_key(struct link *l, const struct path *key);

/* link-changed.c */
int link_on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error);
