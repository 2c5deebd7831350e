/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "subscriptions-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/events/timer.h"

#define PING_EVERY (SUBSCRIPTION_WINDOW / 2)
#define PING_EVERY_BYTES (SUBSCRIPTION_USER_BYTES_MAX / 16)
/* A connection may wait for 128 answers at one time (dbus-daemon's default), polkit's among them. */
#define PINGS_MAX 64u
#define UNANSWERED_MAX 96u
#define RETRY_USEC UINT64_C(1000000)
/* A client that does not answer in this time gives its place to others. It is not asked again: the bus keeps
 * the first question, and counts it, until it is answered. */
#define PING_TIMEOUT_USEC UINT64_C(5000000)

static void give_place(struct client *c)
{
        c->owner->pings -= c->holds_place;
        c->holds_place = false;
}

static int on_retry(sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        struct subscriptions *s = userdata;
        uint64_t now = 0;
        struct client *c;

        int r = sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now);
        if (r < 0)
                log_warning("cannot tell the time: %s; ignoring", strerror(-r));
        for (uint32_t i = 0; (c = hashmap_next(&s->clients, &i));)
                if (c->holds_place && now >= c->asked_usec + PING_TIMEOUT_USEC)
                        give_place(c);
        for (uint32_t i = 0; (c = hashmap_next(&s->clients, &i));)
                if (c->ping_due)
                        ping(c);
        return 0;
}

int pings_init(struct subscriptions *s)
{
        return timer_new(sd_bus_get_event(s->bus), 0, on_retry, s, &s->retry);
}

static void later(struct client *c)
{
        struct subscriptions *s = c->owner;

        c->ping_due = true;
        int r = timer_start(s->retry, RETRY_USEC);
        if (r < 0)
                log_warning(
                        "cannot set a timer: %s; the next signal to %s asks again", strerror(-r), c->name);
}

static void end_ping(struct client *c)
{
        c->ping = sd_bus_slot_unref(c->ping);
        give_place(c);
        c->owner->unanswered -= c->ping_under_way;
        c->ping_under_way = false;
}

void pings_forget(struct client *c)
{
        end_ping(c);
        if (c->user)
                pings_uncount(c, c->unread_bytes);
}

void pings_count(struct client *c, size_t bytes)
{
        c->unread_bytes += bytes;
        c->since_ping_bytes += bytes;
        if (c->user->uid == 0)
                return;
        c->user->unread += bytes;
        c->owner->unread += bytes;
}

void pings_uncount(struct client *c, size_t bytes)
{
        c->unread_bytes -= bytes;
        if (c->user->uid == 0)
                return;
        c->user->unread -= bytes;
        c->owner->unread -= bytes;
}

/* Any answer of the client's will do, an error too: it has read what came before the question. The bus's own
 * refusal to keep more for this client says that signals were dropped as well. */
static int on_pong(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct client *c = userdata;

        end_ping(c);
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_LIMITS_EXCEEDED)) {
                for (struct subscription *sub = c->first; sub; sub = sub->client_next)
                        sub->overflowed = true;
                c->unread = SUBSCRIPTION_WINDOW;
                later(c);
                return 0;
        }
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY)) {
                later(c);
                return 0;
        }
        c->unread = c->unread > c->pinged ? c->unread - c->pinged : 0;
        pings_uncount(c, c->pinged_bytes);
        c->pinged_bytes = 0;
        flush_overflows(c);
        /* What came behind the question takes its user's room until it is asked for as well. */
        if (c->unread_bytes > 0)
                ping(c);
        ping_if_due(c);
        return 0;
}

void ping_if_due(struct client *c)
{
        if (c->since_ping >= PING_EVERY || c->since_ping_bytes >= PING_EVERY_BYTES)
                ping(c);
}

void ping(struct client *c)
{
        struct subscriptions *s = c->owner;
        sd_bus_message *m = NULL;

        if (c->ping_under_way)
                return;
        /* Root's services are not held up by what others do. */
        if (c->user->uid != 0 && (s->pings >= PINGS_MAX || s->unanswered >= UNANSWERED_MAX)) {
                later(c);
                return;
        }
        int r = sd_bus_message_new_method_call(
                s->bus, &m, c->name, "/", "org.freedesktop.DBus.Peer", "Ping");
        if (r >= 0)
                r = sd_bus_call_async(s->bus, &c->ping, m, on_pong, c, UINT64_MAX);
        sd_bus_message_unref(m);
        if (r < 0) {
                log_warning("cannot ask %s whether it reads its signals: %s", c->name, strerror(-r));
                later(c);
                return;
        }
        if (sd_event_now(sd_bus_get_event(s->bus), CLOCK_MONOTONIC, &c->asked_usec) < 0)
                c->asked_usec = 0;
        s->pings++;
        s->unanswered++;
        c->holds_place = true;
        c->ping_under_way = true;
        c->ping_due = false;
        c->pinged = c->unread;
        c->pinged_bytes = c->unread_bytes;
        c->since_ping = 0;
        c->since_ping_bytes = 0;
}
