/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changed signals to subscribers: which events concern whom, and not more at once than a client reads. */

#include <errno.h>
#include <string.h>

#include "../../schema/dbus/names.h"
#include "../../schema/bus/wire.h"
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

int append_event_list(sd_bus_message *m, const struct registry_events *events, size_t *taken, struct diag *d)
{
        int r = sd_bus_message_open_container(m, 'a', "(sssuvs)");
        for (size_t i = 0; r >= 0 && i < events->n; i++) {
                r = take_event_room(taken, &events->list[i], d);
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
                r = sd_bus_message_set_destination(m, sub->client->caller->name);
        if (r >= 0)
                r = sd_bus_message_append(m, "tt", sub->id, sequence);
        if (r < 0) {
                sd_bus_message_unref(m);
                return r;
        }
        *ret = m;
        return 0;
}

static int send_signal(struct subscription *sub, sd_bus_message *m, size_t bytes)
{
        int r = sd_bus_send(NULL, m, NULL);

        if (r < 0)
                return r;
        account_sent_signal(&sub->client->caller->account, bytes);
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
                r = send_signal(sub, m, ACCOUNT_MESSAGE);
        sd_bus_message_unref(m);
        return r;
}

/* Does the client read, so that so many bytes may be sent to it? */
static bool has_room(const struct client *c, size_t bytes)
{
        const struct account_client *account = &c->caller->account;

        return account->signals < SUBSCRIPTION_WINDOW && bytes <= account_room(account);
}

void flush_overflows(struct client *c)
{
        for (struct subscription *sub = c->first; sub && has_room(c, ACCOUNT_MESSAGE);
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

static size_t event_bytes(const struct topic *topic)
{
        return topic->bytes + ACCOUNT_MESSAGE;
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
                r = send_signal(sub, m, event_bytes(topic));
        sd_bus_message_unref(m);
        return r;
}

static void deliver(
        struct subscriptions *s, struct subscription *sub, const struct topic *topic, const struct batch *b)
{
        struct client *c = sub->client;
        int r = -ENOBUFS;

        if (sub->overflowed)
                return;
        if (!topic->too_much && has_room(c, event_bytes(topic)))
                r = send_events(s, sub, topic, b);
        else if (has_room(c, ACCOUNT_MESSAGE))
                r = send_overflow(sub);
        if (r < 0) {
                sub->overflowed = true;
                account_ask(&c->caller->account);
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
