/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/base/hashmap.h"
#include "subscriptions.h"

struct subscription;

struct client {
        struct subscriptions *owner;
        char *name; /* unique bus name */
        struct subscription *first; /* its subscriptions */
        size_t n;
        unsigned unread;      /* signals since the last ping was answered */
        unsigned since_ping;
        bool ping_under_way;
        unsigned pinged;      /* how many signals the ping under way stands for */
        sd_bus_slot *ping;
        sd_bus_slot *match;   /* for the client's going away */
};

struct subscription {
        uint64_t id;
        struct client *client;
        struct path path;
        bool subtree;
        bool unchanged;
        bool overflowed; /* it missed something: an overflow event is due */
        struct subscription *next; /* of the same path */
        struct subscription *client_next, *client_prev;
        uint32_t round;  /* the dispatch that reached it last, so that one batch is one signal */
};

struct subscriptions {
        sd_bus *bus;
        struct hashmap by_path; /* first of each path's chain */
        struct hashmap by_id;
        struct hashmap clients;
        uint64_t last_id;
        uint32_t round;
};

/* The first subscription for exactly this path; the others follow by `next`. */
struct subscription *subscriptions_at(const struct subscriptions *s, const char *path, size_t len);
