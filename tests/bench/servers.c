/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How each server on a bus is told to set a value, and how it tells of changes. */
#include <stdio.h>
#include <string.h>

#include "../../schema/dbus/names.h"
#include "../../schema/values/value.h"
#include "bus.h"
#include "lanes.h"

static int registry_new_set(sd_bus *bus, unsigned n_values, unsigned round, sd_bus_message **ret)
{
        unsigned value = bench_pick(n_values, round);
        char key[64], name[16], data[64];
        sd_bus_message *m = NULL;

        (void)snprintf(key, sizeof(key), BENCH_KEY, value / VALUES_A_KEY);
        (void)snprintf(name, sizeof(name), BENCH_VALUE, value % VALUES_A_KEY);
        bench_fresh_value(data, sizeof(data), round);
        int r = sd_bus_message_new_method_call(
                bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Set");
        if (r >= 0)
                r = sd_bus_message_append(m, "ssuva{sv}", key, name, (uint32_t)REG_SZ, "s", data, 0);
        *ret = m;
        return r;
}

static int registry_watch(sd_bus *bus)
{
        return sd_bus_call_method(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Subscribe",
                NULL, NULL, "sba{sv}", "\\Bench", 1, 0);
}

const struct bus_server registry_server = { registry_new_set, registry_watch, REGISTRY_INTERFACE,
        "Changed" };

static int proto_new_set(sd_bus *bus, _unused_ unsigned n_values, unsigned round, sd_bus_message **ret)
{
        sd_bus_message *m = NULL;
        char data[64];

        bench_fresh_value(data, sizeof(data), round);
        int r = sd_bus_message_new_method_call(
                bus, &m, "org.peios.Proto", "/proto", "org.peios.Proto", "Set");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", data);
        *ret = m;
        return r;
}

static int proto_watch(sd_bus *bus)
{
        return bus_add_match(bus, "type='signal',interface='org.peios.Proto'");
}

const struct bus_server proto_server = { proto_new_set, proto_watch, "org.peios.Proto", "Changed" };

/* A GVariant a{smv} of one entry, as dconf-service takes it: the path, padding to 8, then the value as a
 * variant (its bytes, NUL, its type) and the NUL of the maybe; behind it where the key ends, and where the
 * entry ends. */
static size_t dconf_change(uint8_t *ret, const char *path, const char *value)
{
        size_t key_end = strlen(path) + 1, n;

        memset(ret, 0, 256);
        memcpy(ret, path, key_end);
        n = (key_end + 7) / 8 * 8;
        memcpy(ret + n, value, strlen(value));
        n += strlen(value) + 1 + 1;
        ret[n] = 's';
        n += 2;
        ret[n++] = (uint8_t)key_end;
        ret[n] = (uint8_t)n;
        return n + 1;
}

static int dconf_new_set(sd_bus *bus, unsigned n_values, unsigned round, sd_bus_message **ret)
{
        unsigned value = bench_pick(n_values, round);
        sd_bus_message *m = NULL;
        char path[64], data[64];
        uint8_t change[256];

        (void)snprintf(path, sizeof(path), "/bench/k%05u/v%02u", value / VALUES_A_KEY, value % VALUES_A_KEY);
        bench_fresh_value(data, sizeof(data), round);
        int r = sd_bus_message_new_method_call(
                bus, &m, "ca.desrt.dconf", "/ca/desrt/dconf/Writer/user", "ca.desrt.dconf.Writer", "Change");
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', change, dconf_change(change, path, data));
        *ret = m;
        return r;
}

static int dconf_watch(sd_bus *bus)
{
        return bus_add_match(bus, "type='signal',interface='ca.desrt.dconf.Writer'");
}

const struct bus_server dconf_server = { dconf_new_set, dconf_watch, "ca.desrt.dconf.Writer", "Notify" };

/* One transaction a key: the registry limits what one may hold. */
static int fill_key(sd_bus *bus, unsigned key, unsigned n)
{
        sd_bus_message *m = NULL;
        char path[64], name[16], data[64];

        (void)snprintf(path, sizeof(path), BENCH_KEY, key);
        int r = sd_bus_message_new_method_call(
                bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Transact");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sssuv)");
        for (unsigned i = 0; r >= 0 && i < n; i++) {
                (void)snprintf(name, sizeof(name), BENCH_VALUE, i);
                (void)snprintf(data, sizeof(data), "the first value of %u %u", key, i);
                r = sd_bus_message_append(m, "(sssuv)", "set", path, name, (uint32_t)REG_SZ, "s", data);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 0);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, NULL, NULL);
        sd_bus_message_unref(m);
        return r;
}

void fill_registry(const char *address, unsigned n_values)
{
        sd_bus *bus = bus_open(address);

        for (unsigned at = 0; at < n_values; at += VALUES_A_KEY) {
                unsigned left = n_values - at;
                int r = fill_key(bus, at / VALUES_A_KEY, left < VALUES_A_KEY ? left : VALUES_A_KEY);
                if (r < 0)
                        die("the registry cannot be filled", r);
        }
        (void)sd_bus_flush_close_unref(bus);
}
