/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "../bus/connect.h"
#include "bus.h"
#include "lanes.h"

#define NOTICE_TIMEOUT_USEC UINT64_C(10000000)

struct bus_lane {
        const struct bus_server *server;
        sd_bus *bus, *watcher;
        unsigned n_values;
};

sd_bus *bus_open(const char *address)
{
        sd_bus *bus = NULL;

        int r = connect_to_bus(address, &bus);
        if (r < 0)
                die(address, r);
        return bus;
}

int bus_add_match(sd_bus *bus, const char *rule)
{
        return sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus", "AddMatch", NULL, NULL, "s", rule);
}

static struct bus_lane *new_lane(
        struct lane *lane, const struct bus_server *server, const char *address, unsigned n_values)
{
        struct bus_lane *b = calloc(1, sizeof(*b));
        if (!b)
                abort();
        *b = (struct bus_lane){ .server = server, .bus = bus_open(address), .n_values = n_values };
        lane->context = b;
        return b;
}

static int run_set(struct lane *lane, unsigned round, double *ret_usec)
{
        const struct bus_lane *b = lane->context;
        sd_bus_message *m = NULL;

        double start = now_usec();
        int r = b->server->new_set(b->bus, b->n_values, round, &m);
        if (r >= 0)
                r = sd_bus_call(b->bus, m, 0, NULL, NULL);
        *ret_usec = now_usec() - start;
        sd_bus_message_unref(m);
        return r;
}

void lane_bus_set(struct lane *lane, const struct bus_server *server, const char *address, unsigned n_values)
{
        (void)new_lane(lane, server, address, n_values);
        lane->run = run_set;
}

/* 0: there was nothing to read yet. */
static int next_message(sd_bus *bus, sd_bus_message **ret)
{
        int r = sd_bus_process(bus, ret);
        if (r != 0)
                return r;
        r = sd_bus_wait(bus, NOTICE_TIMEOUT_USEC);
        return r == 0 ? -ETIMEDOUT : r < 0 ? r : 0;
}

static int wait_signal(const struct bus_lane *b)
{
        for (bool found = false; !found;) {
                sd_bus_message *m = NULL;
                int r = next_message(b->watcher, &m);
                if (r < 0)
                        return r;
                found = m && sd_bus_message_is_signal(m, b->server->interface, b->server->signal) > 0;
                sd_bus_message_unref(m);
        }
        return 0;
}

int bus_wait_reply(sd_bus *bus, uint64_t cookie)
{
        for (;;) {
                sd_bus_message *m = NULL;
                uint64_t to = 0;
                int r = next_message(bus, &m);
                if (r < 0)
                        return r;
                bool found = m && sd_bus_message_get_reply_cookie(m, &to) >= 0 && to == cookie;
                bool failed = found && sd_bus_message_is_method_error(m, NULL) > 0;
                sd_bus_message_unref(m);
                if (found)
                        return failed ? -EIO : 0;
        }
}

/* Other lanes may have made signals, too. */
static int drain(sd_bus *bus)
{
        int r;

        while ((r = sd_bus_process(bus, NULL)) > 0)
                ;
        return r;
}

static int run_notice(struct lane *lane, unsigned round, double *ret_usec)
{
        const struct bus_lane *b = lane->context;
        sd_bus_message *m = NULL;
        uint64_t cookie = 0;

        int r = drain(b->watcher);
        if (r < 0)
                return r;
        double start = now_usec();
        r = b->server->new_set(b->bus, b->n_values, round, &m);
        if (r >= 0)
                r = sd_bus_send(b->bus, m, &cookie);
        if (r >= 0)
                r = wait_signal(b);
        *ret_usec = now_usec() - start;
        sd_bus_message_unref(m);
        return r < 0 ? r : bus_wait_reply(b->bus, cookie);
}

void lane_bus_notice(
        struct lane *lane, const struct bus_server *server, const char *address, unsigned n_values)
{
        struct bus_lane *b = new_lane(lane, server, address, n_values);

        b->watcher = bus_open(address);
        int r = server->watch(b->watcher);
        if (r < 0)
                die(lane->name, r);
        lane->run = run_notice;
}

static int run_get(struct lane *lane, unsigned round, double *ret_usec)
{
        const struct bus_lane *b = lane->context;
        unsigned value = bench_pick(b->n_values, round);
        sd_bus_message *reply = NULL;
        char key[64], name[16];
        const char *data;

        (void)snprintf(key, sizeof(key), BENCH_KEY, value / VALUES_A_KEY);
        (void)snprintf(name, sizeof(name), BENCH_VALUE, value % VALUES_A_KEY);
        double start = now_usec();
        int r = sd_bus_call_method(b->bus, "org.peios.Registry1", "/org/peios/Registry1",
                "org.peios.Registry1", "Get", NULL, &reply, "ss", key, name);
        if (r >= 0)
                r = sd_bus_message_skip(reply, "u");
        if (r >= 0)
                r = sd_bus_message_read(reply, "v", "s", &data);
        *ret_usec = now_usec() - start;
        sd_bus_message_unref(reply);
        return r;
}

void lane_bus_get(struct lane *lane, const char *address, unsigned n_values)
{
        (void)new_lane(lane, NULL, address, n_values);
        lane->run = run_get;
}

static int ping(const struct lane *lane, const char *service, double *ret_usec)
{
        const struct bus_lane *b = lane->context;

        double start = now_usec();
        int r = sd_bus_call_method(
                b->bus, service, "/", "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL);
        *ret_usec = now_usec() - start;
        return r;
}

static int run_ping(struct lane *lane, _unused_ unsigned round, double *ret_usec)
{
        return ping(lane, "org.peios.Registry1", ret_usec);
}

void lane_bus_ping(struct lane *lane, const char *address)
{
        (void)new_lane(lane, NULL, address, 1);
        lane->run = run_ping;
}

static int run_driver_ping(struct lane *lane, _unused_ unsigned round, double *ret_usec)
{
        return ping(lane, "org.freedesktop.DBus", ret_usec);
}

void lane_driver_ping(struct lane *lane, const char *address)
{
        (void)new_lane(lane, NULL, address, 1);
        lane->run = run_driver_ping;
}
