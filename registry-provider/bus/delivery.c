/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changed signals to subscribers: which events concern whom, and not more at once than a client reads. */

#include <errno.h>
#include <string.h>

#include "../../schema/dbus/names.h"
#include "../client/wire.h"
#include "registry-bus-internal.h"
#include "subscriptions-internal.h"

#define EVENTS_IN_SIGNAL_MAX SUBSCRIPTION_WINDOW

static bool text_is_below(const char *inner, const char *outer, size_t outer_len)
{
        size_t len = strlen(inner), n = 0, i = 0;

        /* Folding may change a name's length in bytes: compare component by component, by counting
         * separators. */
        for (i = 0; i < outer_len; i++)
                n += outer[i] == '\\';
        for (i = 0; i < len; i++)
                if (inner[i] == '\\' && n-- == 0)
                        break;
        return fold_equal(inner, i, outer, outer_len);
}

static bool concerns(const struct subscription *sub, const struct registry_event *e)
{
        size_t len = strlen(e->path);

        if (e->kind == EVENT_VALUE_UNCHANGED && !sub->unchanged)
                return false;
        if (fold_equal(e->path, len, sub->path.text, sub->path.len))
                return true;
        if (sub->subtree && text_is_below(e->path, sub->path.text, sub->path.len))
                return true;
        if (e->kind == EVENT_KEY_DELETED)
                return text_is_below(sub->path.text, e->path, len);
        if (e->kind == EVENT_SUBKEY_CREATED && text_is_below(sub->path.text, e->path, len)) {
                /* A key that was hidden comes back with all that is in it. */
                _cleanup_buf_ struct buf child = BUF_INIT;
                buf_printf(&child, "%s\\%s", e->path, e->name);
                return child.error == 0 && text_is_below(sub->path.text, buf_str(&child), child.len);
        }
        return false;
}

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

static int take_event_room(size_t *taken, const struct registry_event *e, struct diag *d)
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

static int send_signal(struct subscription *sub, sd_bus_message *m)
{
        struct client *c = sub->client;
        int r = sd_bus_send(NULL, m, NULL);

        if (r < 0)
                return r;
        c->unread++;
        c->since_ping++;
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
                r = send_signal(sub, m);
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
        const struct registry_events *events;
        subscriptions_append_origin_t origin;
        void *userdata;
};

static int append_events(sd_bus_message *m, const struct subscription *sub, const struct batch *b)
{
        size_t n = 0, taken = 0;

        int r = sd_bus_message_open_container(m, 'a', "(sssuvs)");
        for (size_t i = 0; r >= 0 && i < b->events->n; i++) {
                if (!concerns(sub, &b->events->list[i]))
                        continue;
                if (++n > EVENTS_IN_SIGNAL_MAX || take_event_room(&taken, &b->events->list[i], NULL) < 0)
                        return -EMSGSIZE;
                r = append_event(m, &b->events->list[i]);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void deliver(struct subscriptions *s, struct subscription *sub, const struct batch *b)
{
        sd_bus_message *m = NULL;

        if (sub->round == s->round)
                return;
        sub->round = s->round;
        if (sub->overflowed)
                return;
        int r = sub->client->unread >= SUBSCRIPTION_WINDOW ? -ENOBUFS
                                                           : new_signal(s, sub, b->events->sequence, &m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = b->origin(m, b->userdata);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = append_events(m, sub, b);
        if (r >= 0)
                r = send_signal(sub, m);
        sd_bus_message_unref(m);
        if (r < 0) {
                sub->overflowed = true;
                if (r == -EMSGSIZE)
                        flush_overflows(sub->client);
                ping(sub->client);
        }
}

static void deliver_chain(struct subscriptions *s, struct subscription *first,
        const struct registry_event *e, const struct batch *b)
{
        for (struct subscription *sub = first; sub; sub = sub->next)
                if (concerns(sub, e))
                        deliver(s, sub, b);
}

static void deliver_event(struct subscriptions *s, const struct registry_event *e, const struct batch *b)
{
        size_t len = strlen(e->path);

        for (;;) {
                deliver_chain(s, subscriptions_at(s, e->path, len), e, b);
                while (len > 0 && e->path[len - 1] != '\\')
                        len--;
                if (len == 0)
                        break;
                len--;
        }
        if (e->kind == EVENT_KEY_DELETED || e->kind == EVENT_SUBKEY_CREATED) {
                struct subscription *sub;
                for (uint32_t i = 0; (sub = hashmap_next(&s->by_id, &i));)
                        if (concerns(sub, e))
                                deliver(s, sub, b);
        }
}

void subscriptions_dispatch(struct subscriptions *s, const struct registry_events *events,
        subscriptions_append_origin_t origin, void *userdata)
{
        const struct batch b = { .events = events, .origin = origin, .userdata = userdata };

        if (s->by_id.used == 0)
                return;
        s->round++;
        for (size_t i = 0; i < events->n; i++)
                deliver_event(s, &events->list[i], &b);
}
