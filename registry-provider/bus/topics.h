/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is listened to, by path, and what of a transaction concerns it: found out once for all who listen to
 * the same, and at the cost of the event's own depth and of the topics that it concerns, whatever else there
 * is. */

#include "../../schema/base/hashmap.h"
#include "../registry/registry.h"

/* Of so many events in one transaction, or of more bytes than a message may have, none is kept. */
#define TOPIC_EVENTS_MAX 256u

/* One who listens; part of whatever that is. What is above `topic` does not change while it does. */
struct topic_listener {
        struct path path; /* its own */
        bool subtree;
        bool unchanged; /* also to writes that change nothing effective */
        struct topic *topic;
        struct topic_listener *next, *prev;
};

/* Listeners that hear the same share it. */
struct topic {
        const struct path *path;      /* its first listener's */
        struct topic_listener *first; /* the others follow by `next` */
        bool subtree;
        bool unchanged;
        struct topic *next; /* of the same path */

        /* Of the first of its path: where it is among all. */
        struct topic *before, *behind;
        uint32_t priority;

        /* What one transaction means to it, from topics_gather() to topics_scatter(). */
        const struct registry_event **events; /* NULL when it is too much */
        size_t n;                             /* 0: nothing yet, or too much */
        size_t bytes;
        bool too_much;
        bool is_another; /* its key, or one above, came or went */
        struct topic *next_gathered;
};

struct topics {
        struct hashmap by_path; /* first of each path's chain */
        struct topic *tree;     /* those, in the order of paths: what is below a path follows it */
};

/* 0 or -ENOMEM. */
_must_check_ int topics_add(struct topics *t, struct topic_listener *l);
void topics_remove(struct topics *t, struct topic_listener *l);
/* Nobody listens any more. */
void topics_done(struct topics *t);

/* Those that something of it concerns, by `next_gathered`; to be scattered before anything is added or
 * removed. */
struct topic *topics_gather(struct topics *t, const struct registry_events *events);
void topics_scatter(struct topic *first);
