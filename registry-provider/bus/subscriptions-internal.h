/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/base/hashmap.h"
#include "subscriptions.h"
#include "topics.h"

struct user {
        uint32_t uid;
        size_t clients; /* it goes with the last */
        size_t subscriptions;
        size_t paths; /* bytes of them */
};

struct client {
        struct subscriptions *owner;
        struct caller *caller;
        struct user *user;
        struct subscription *first; /* its subscriptions */
        size_t n;
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
        size_t paths; /* bytes of all users but root */
        uint64_t last_id;
};

/* delivery.c: says "read again" to those who missed something, as soon as their client reads. */
void flush_overflows(struct client *c);
