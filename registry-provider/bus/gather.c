/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of a transaction's events concern which topic. */

#include <errno.h>
#include <string.h>

#include "registry-bus-internal.h"
#include "topics.h"

struct gathering {
        struct topics *topics;
        struct topic **tail;
};

static int keep(struct topic *topic, const struct registry_event *e)
{
        if (topic->n >= TOPIC_EVENTS_MAX || take_event_room(&topic->bytes, e, NULL) < 0)
                return -EMSGSIZE;
        /* Grows by doubling: capacity is the next power of two. */
        if ((topic->n & (topic->n - 1)) == 0) {
                const struct registry_event **events = reallocarray(
                        topic->events, topic->n ? topic->n * 2 : 1, sizeof(const struct registry_event *));
                if (!events)
                        return -ENOMEM;
                topic->events = events;
        }
        topic->events[topic->n++] = e;
        return 0;
}

static void tell(struct gathering *g, struct topic *topic, const struct registry_event *e)
{
        if (topic->too_much || (e->kind == EVENT_VALUE_UNCHANGED && !topic->unchanged))
                return;
        /* A key that is gone is both where the topic is and above it. */
        if (topic->n > 0 && topic->events[topic->n - 1] == e)
                return;
        if (!topic->is_gathered) {
                topic->is_gathered = true;
                *g->tail = topic;
                g->tail = &topic->next_gathered;
        }
        if (keep(topic, e) < 0) {
                free(topic->events);
                topic->events = NULL;
                topic->n = 0;
                topic->too_much = true;
        }
}

/* Those of the key itself, then those who asked for all below a key above it. */
static void tell_upwards(struct gathering *g, const struct registry_event *e)
{
        size_t len = strlen(e->path);

        for (bool is_above = false;; is_above = true) {
                for (struct topic *x = topics_at(g->topics, e->path, len); x; x = x->next)
                        if (!is_above || x->subtree)
                                tell(g, x, e);
                while (len > 0 && e->path[len - 1] != '\\')
                        len--;
                if (len == 0)
                        return;
                len--;
        }
}

static void tell_below(struct gathering *g, const char *path, size_t len, const struct registry_event *e)
{
        size_t end, i = topics_below(g->topics, path, len, &end);

        for (; i < end; i++)
                tell(g, g->topics->list[i], e);
}

/* With a key go, or come back when it was hidden, all that are in it. */
static void tell_downwards(struct gathering *g, const struct registry_event *e)
{
        if (e->kind == EVENT_KEY_DELETED)
                tell_below(g, e->path, strlen(e->path), e);
        if (e->kind != EVENT_SUBKEY_CREATED)
                return;
        _cleanup_buf_ struct buf child = BUF_INIT;
        buf_printf(&child, "%s\\%s", e->path, e->name);
        if (child.error == 0)
                tell_below(g, buf_str(&child), child.len, e);
        else
                tell_below(g, e->path, strlen(e->path), e);
}

struct topic *topics_gather(struct topics *t, const struct registry_events *events)
{
        struct topic *first = NULL;
        struct gathering g = { .topics = t, .tail = &first };

        for (size_t i = 0; i < events->n; i++) {
                tell_upwards(&g, &events->list[i]);
                tell_downwards(&g, &events->list[i]);
        }
        return first;
}

void topics_scatter(struct topic *first)
{
        for (struct topic *x = first, *next; x; x = next) {
                next = x->next_gathered;
                free(x->events);
                x->events = NULL;
                x->n = 0;
                x->bytes = 0;
                x->is_gathered = false;
                x->too_much = false;
                x->next_gathered = NULL;
        }
}
