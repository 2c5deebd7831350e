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
        bool is_heard;                        /* what was told last is a value */
        uint32_t heard_type;
        struct buf heard;
};

struct link {
        struct link_config config;
        struct follow *list;
        sd_bus_slot *changed;
        struct peer *provider; /* whose signals count */
        sd_event_source *retry;
        uint64_t delay;
        sd_bus_slot *rechecking;
        bool missed; /* a signal of a change never came */
        bool asking; /* calls are being made: the round cannot be over yet */
        bool failed; /* an answer of this round was an error */
        bool connected;
};

/* link.c. A round: subscribe where there is no subscription, and read everything. */
void link_begin(struct link *l);
/* A question that is under way is asked again: its answer may be older than what made us ask. */
void link_resolve_key(struct link *l, const struct path *key);

/* The same with new subscriptions. */
void link_subscribe_anew(struct link *l);
/* No call is under way, and all values are known. */
bool link_is_settled(const struct link *l);

/* link-recheck.c */
void link_tell(struct follow *f, const struct link_value *v);

/* link-changed.c */
void link_end_subscription(struct link *l, uint64_t subscription);
int link_on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error);
