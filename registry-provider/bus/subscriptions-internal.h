/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/base/hashmap.h"
#include "subscriptions.h"
#include "topics.h"

struct user {
        uint32_t uid;
        size_t clients; /* it goes with the last */
        size_t subscriptions;
        size_t unread; /* bytes of events that its clients may not have read yet */
};

struct client {
        struct subscriptions *owner;
        char *name; /* unique bus name */
        struct user *user;
        struct subscription *first; /* its subscriptions */
        size_t n;
        unsigned unread; /* signals since the last ping was answered */
        unsigned since_ping;
        bool ping_under_way;
        bool holds_place;    /* it is one of the few who are waited for */
        uint64_t asked_usec; /* CLOCK_MONOTONIC */
        bool ping_due;       /* there were too many under way */
        unsigned pinged;     /* how many signals the ping under way stands for */
        size_t unread_bytes, since_ping_bytes, pinged_bytes;
        sd_bus_slot *ping;
};

struct subscription {
        uint64_t id;
        struct client *client;
        struct path path;
        bool subtree;
        bool unchanged;
        bool overflowed; /* it missed something: an overflow event is due */
        struct topic *topic;
        struct subscription *topic_next, *topic_prev;
        struct subscription *client_next, *client_prev;
};

struct subscriptions {
        sd_bus *bus;
        struct topics topics;
        struct hashmap by_id;
        struct hashmap clients;
        struct hashmap users;
        uint64_t last_id;
        size_t unread;          /* bytes of all users but root */
        sd_bus_slot *match;     /* for clients that go away */
        unsigned pings;         /* under way, that hold a place */
        unsigned unanswered;    /* under way */
        sd_event_source *retry; /* for pings that are due */
};

/* pings.c: whether clients read what they are sent. */
_must_check_ int pings_init(struct subscriptions *s);
void pings_forget(struct client *c);
/* Asks, once PING_EVERY signals or PING_EVERY_BYTES went out since the last time. */
void ping_if_due(struct client *c);
/* Asks in any case: nothing else would ever tell that the client reads again. */
void ping(struct client *c);

/* So many bytes of events went to the client, or were read by it. */
void pings_count(struct client *c, size_t bytes);
void pings_uncount(struct client *c, size_t bytes);

/* delivery.c: says "read again" to those who missed something, as soon as their client reads. */
void flush_overflows(struct client *c);
