/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is subscribed to, found by path: subscriptions that hear the same share one topic. An event costs its
 * own depth and the topics that it concerns, whatever else there is. No I/O. */

#include "../../schema/base/hashmap.h"
#include "../../schema/names/path.h"
#include "../registry/registry.h"

/* Of so many events in one transaction, or of more bytes than a message may have, none is kept. */
#define TOPIC_EVENTS_MAX 256u

struct subscription;

struct topic {
        const struct path *path;    /* its first subscription's */
        struct subscription *first; /* the others follow by `topic_next` */
        bool subtree;
        bool unchanged;
        struct topic *next; /* of the same path */

        /* What one transaction means to it, from topics_gather() to topics_scatter(). */
        const struct registry_event **events; /* NULL when it is too much */
        size_t n;
        size_t bytes;
        bool is_gathered;
        bool too_much;
        struct topic *next_gathered;
};

struct topics {
        struct hashmap by_path; /* first of each path's chain */
        struct topic **list;    /* all, in the order of paths: what is below a path follows it */
        size_t n;
};

/* 0 or -ENOMEM. The subscription's path and its two flags must be there already, and stay. */
_must_check_ int topics_add(struct topics *t, struct subscription *sub);
void topics_remove(struct topics *t, struct subscription *sub);
/* The subscriptions are the caller's. */
void topics_done(struct topics *t);

/* The first topic for exactly this path; the others follow by `next`. */
struct topic *topics_at(const struct topics *t, const char *path, size_t len);
/* Those for this path and all below it are list[return value] up to, and without, list[*ret_end]. */
size_t topics_below(const struct topics *t, const char *path, size_t len, size_t *ret_end);

/* The topics that the events concern, in the order in which they do; each tells its events, which are
 * borrowed. NULL: none. What cannot be kept for want of memory is too much as well. */
struct topic *topics_gather(struct topics *t, const struct registry_events *events);
/* Lets go of what was gathered. */
void topics_scatter(struct topic *first);
