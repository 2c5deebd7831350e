/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changed signals to subscribers: which events concern whom, and not more at once than a client reads. */

#include <errno.h>
#include <string.h>

#include "../../schema/dbus/names.h"
#include "../client/wire.h"
#include "registry-bus-internal.h"
#include "subscriptions-internal.h"

static int append_event(sd_bus_message *m, const struct registry_event *e)
{
        const struct value v = {
                .type = e->type == REG_TOMBSTONE ? REG_NONE : e->type, .data = e->data, .size = e->size
        };

        int r = sd_bus_message_open_container(m, 'r', "sssuvs");
        if (r >= 0)
                r = sd_bus_message_append(m, "sss", registry_event_name(e->kind), e->path, e->name);
        if (r >= 0)
                r = wire_append_value(m, &v);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", e->layer ? e->layer : "");
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int take_event_room(size_t *taken, const struct registry_event *e, struct diag *d)
{
        const struct value v = { .type = e->type, .size = e->size };
        int r = take_room(taken, wire_bytes(&v, e->path, e->name), d);
        return r < 0 ? r : take_room(taken, e->layer ? strlen(e->layer) : 0, d);
}

int append_event_list(sd_bus_message *m, const struct registry_events *events, struct diag *d)
{
        size_t taken = 0;

        int r = sd_bus_message_open_container(m, 'a', "(sssuvs)");
        for (size_t i = 0; r >= 0 && i < events->n; i++) {
                r = take_event_room(&taken, &events->list[i], d);
                if (r >= 0)
                        r = append_event(m, &events->list[i]);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_overflow(sd_bus_message *m, const struct subscription *sub)
{
        return sd_bus_message_append(
                m, "(sssuvs)", "overflow", sub->path.text, "", (uint32_t)REG_NONE, "ay", 0, "");
}

static int new_signal(
        struct subscriptions *s, const struct subscription *sub, uint64_t sequence, sd_bus_message **ret)
{
        sd_bus_message *m = NULL;

        int r = sd_bus_message_new_signal(s->bus, &m, REGISTRY_PATH, REGISTRY_INTERFACE, "Changed");
        if (r >= 0)
                r = sd_bus_message_set_destination(m, sub->client->name);
        if (r >= 0)
                r = sd_bus_message_append(m, "tt", sub->id, sequence);
        if (r < 0) {
                sd_bus_message_unref(m);
                return r;
        }
        *ret = m;
        return 0;
}

/* `bytes` of events are in it. */
static int send_signal(struct subscription *sub, sd_bus_message *m, size_t bytes)
{
        struct client *c = sub->client;
        int r = sd_bus_send(NULL, m, NULL);

        if (r < 0)
                return r;
        c->unread++;
        c->since_ping++;
        pings_count(c, bytes);
        ping_if_due(c);
        return 0;
}

static int send_overflow(struct subscription *sub)
{
        struct subscriptions *s = sub->client->owner;
        sd_bus_message *m = NULL;

        int r = new_signal(s, sub, 0, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 0);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sssuvs)");
        if (r >= 0)
                r = append_overflow(m, sub);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = send_signal(sub, m, 0);
        sd_bus_message_unref(m);
        return r;
}

void flush_overflows(struct client *c)
{
        for (struct subscription *sub = c->first; sub && c->unread < SUBSCRIPTION_WINDOW;
                sub = sub->client_next)
                if (sub->overflowed && send_overflow(sub) >= 0)
                        sub->overflowed = false;
}

struct batch {
        uint64_t sequence;
        subscriptions_append_origin_t origin;
        void *userdata;
};

static int append_topic_events(sd_bus_message *m, const struct topic *topic)
{
        int r = sd_bus_message_open_container(m, 'a', "(sssuvs)");
        for (size_t i = 0; r >= 0 && i < topic->n; i++)
                r = append_event(m, topic->events[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int send_events(
        struct subscriptions *s, struct subscription *sub, const struct topic *topic, const struct batch *b)
{
        sd_bus_message *m = NULL;

        int r = new_signal(s, sub, b->sequence, &m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = b->origin(m, b->userdata);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = append_topic_events(m, topic);
        if (r >= 0)
                r = send_signal(sub, m, topic->bytes);
        sd_bus_message_unref(m);
        return r;
}

/* The bus keeps what is not read, and in the end reads nothing more from who sent it: nobody who does not
 * read, and no number of copies of a large thing, must come to that. */
static bool has_room(const struct subscriptions *s, const struct user *u, size_t bytes)
{
        return u->uid == 0 || (bytes <= SUBSCRIPTION_USER_BYTES_MAX - u->unread &&
                                      bytes <= SUBSCRIPTION_BYTES_MAX - s->unread);
}

static void deliver(
        struct subscriptions *s, struct subscription *sub, const struct topic *topic, const struct batch *b)
{
        struct client *c = sub->client;
        int r = -ENOBUFS;

        if (sub->overflowed)
                return;
        if (c->unread < SUBSCRIPTION_WINDOW)
                r = topic->too_much || !has_room(s, c->user, topic->bytes) ? send_overflow(sub)
                                                                           : send_events(s, sub, topic, b);
        if (r < 0) {
                sub->overflowed = true;
                ping(c);
        }
}

void subscriptions_dispatch(struct subscriptions *s, const struct registry_events *events,
        subscriptions_append_origin_t origin, void *userdata)
{
        const struct batch b = { .sequence = events->sequence, .origin = origin, .userdata = userdata };

        if (s->by_id.used == 0)
                return;
        struct topic *first = topics_gather(&s->topics, events);
        for (const struct topic *x = first; x; x = x->next_gathered)
                for (struct subscription *sub = x->first; sub; sub = sub->topic_next)
                        deliver(s, sub, x, &b);
        topics_scatter(first);
}
