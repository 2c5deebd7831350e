/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Large loads, what a large store costs at the start, and its history. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "../../schema/dbus/names.h"
#include "../../schema/values/value.h"
#include "bus.h"
#include "lanes.h"
#include "process.h"

#define VALUES_A_LOADED_KEY 10u

void load_name(unsigned value, struct load_name *ret)
{
        const unsigned key = value / VALUES_A_LOADED_KEY;

        ret->vendor_number = key % LOAD_VENDORS;
        (void)snprintf(ret->vendor, sizeof(ret->vendor), "Vendor%u", ret->vendor_number);
        (void)snprintf(ret->app, sizeof(ret->app), "App%u", key);
        (void)snprintf(ret->value, sizeof(ret->value), "Name%u", value % VALUES_A_LOADED_KEY);
}

void load_data(unsigned value, char *ret, size_t size)
{
        (void)snprintf(ret, size, "value number %u of a store", value);
}

static int append_value(sd_bus_message *m, unsigned value)
{
        char key[64], data[64];
        struct load_name name;

        load_name(value, &name);
        load_data(value, data, sizeof(data));
        (void)snprintf(key, sizeof(key), "\\Load\\%s\\%s", name.vendor, name.app);
        return sd_bus_message_append(m, "(sssuv)", "set", key, name.value, (uint32_t)REG_SZ, "s", data);
}

static int load(sd_bus *bus, unsigned from, unsigned n)
{
        sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(
                bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Transact");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sssuv)");
        for (unsigned i = 0; r >= 0 && i < n; i++)
                r = append_value(m, from + i);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 0);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, NULL, NULL);
        sd_bus_message_unref(m);
        return r;
}

static int run_load(struct lane *lane, unsigned round, double *ret_usec)
{
        double start = now_usec();
        int r = load(lane->context, round * LOAD_BATCH, LOAD_BATCH);
        *ret_usec = now_usec() - start;
        return r;
}

void lane_bus_load(struct lane *lane, const char *address)
{
        lane->context = bus_open(address);
        lane->run = run_load;
}

void load_for_ever(const char *address, unsigned batch)
{
        sd_bus *bus = bus_open(address);

        /* Behind what is there, so that all of it is new. */
        for (unsigned at = LOAD_VALUES;; at += batch) {
                int r = load(bus, at, batch);
                if (r < 0)
                        die("values cannot be loaded", r);
        }
}

static int new_set(sd_bus *bus, unsigned n_values, unsigned round, sd_bus_message **ret)
{
        char key[64], data[64];
        struct load_name name;
        sd_bus_message *m = NULL;

        load_name(bench_pick(n_values, round), &name);
        (void)snprintf(key, sizeof(key), "\\Load\\%s\\%s", name.vendor, name.app);
        bench_fresh_value(data, sizeof(data), round);
        int r = sd_bus_message_new_method_call(
                bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Set");
        if (r >= 0)
                r = sd_bus_message_append(m, "ssuva{sv}", key, name.value, (uint32_t)REG_SZ, "s", data, 0);
        *ret = m;
        return r;
}

const struct bus_server load_server = { .new_set = new_set };

/* ---- The history ---- */

struct history_lane {
        sd_bus *bus;
        const char *key;
        uint64_t cursor;
};

/* One after the other, from the newest to the oldest, and again. */
static int run_history(struct lane *lane, _unused_ unsigned round, double *ret_usec)
{
        struct history_lane *h = lane->context;
        sd_bus_message *reply = NULL;
        int r;

        /* Whoever does not say that it reads is sent no more. */
        while ((r = sd_bus_process(h->bus, NULL)) > 0)
                ;
        if (r < 0)
                return r;
        double start = now_usec();
        r = sd_bus_call_method(h->bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "History", NULL,
                &reply, "sba{sv}", h->key, 1, 2, "backwards", "b", 1, "cursor", "t", h->cursor);
        *ret_usec = now_usec() - start;
        if (r >= 0)
                r = sd_bus_message_skip(reply, "a(ttssssbbuvuva{sv})");
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &h->cursor);
        sd_bus_message_unref(reply);
        return r;
}

void lane_bus_history(struct lane *lane, const char *address, const char *key)
{
        struct history_lane *h = calloc(1, sizeof(*h));

        if (!h)
                abort();
        *h = (struct history_lane){ .bus = bus_open(address), .key = key };
        lane->context = h;
        lane->run = run_history;
}

/* ---- Starts ---- */

#define NAME_TIMEOUT_USEC UINT64_C(60000000)
#define GETS 2000u

struct start_lane {
        sd_bus *bus;
        const char *address;
        char *const *argv;
        double memory;
};

/* Until the name has an owner, or none. */
static int wait_name(sd_bus *bus, bool owned)
{
        for (bool found = false; !found;) {
                const char *name, *before, *now;
                sd_bus_message *m = NULL;
                int r = sd_bus_process(bus, &m);
                if (r == 0)
                        r = sd_bus_wait(bus, NAME_TIMEOUT_USEC);
                found = m && sd_bus_message_is_signal(m, "org.freedesktop.DBus", "NameOwnerChanged") > 0 &&
                        sd_bus_message_read(m, "sss", &name, &before, &now) > 0 && owned == (now[0] != '\0');
                sd_bus_message_unref(m);
                if (r < 0 || (r == 0 && !m))
                        return r < 0 ? r : -ETIMEDOUT;
        }
        return 0;
}

/* Of what was loaded, all over the store; in the small one it is not there. */
static int get_some(sd_bus *bus)
{
        char key[64];
        struct load_name name;
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < GETS; i++) {
                sd_bus_error e = SD_BUS_ERROR_NULL;
                load_name(bench_pick(LOAD_VALUES, i), &name);
                (void)snprintf(key, sizeof(key), "\\Load\\%s\\%s", name.vendor, name.app);
                r = sd_bus_call_method(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Get", &e,
                        NULL, "ss", key, name.value);
                if (sd_bus_error_has_name(&e, ERROR_NOT_FOUND))
                        r = 0;
                sd_bus_error_free(&e);
        }
        return r;
}

static double memory_of(pid_t pid)
{
        _cleanup_free_ char *path = text("/proc/%d/status", (int)pid);
        unsigned long kb = 0;
        char line[256];
        FILE *f = fopen(path, "re");

        if (!f)
                die(path, -errno);
        while (kb == 0 && fgets(line, sizeof(line), f))
                (void)sscanf(line, "VmRSS: %lu", &kb);
        (void)fclose(f);
        return (double)kb / 1024;
}

static int run_start(struct lane *lane, unsigned round, double *ret_usec)
{
        struct start_lane *s = lane->context;
        pid_t pid;

        (void)setenv("DBUS_SYSTEM_BUS_ADDRESS", s->address, 1);
        double start = now_usec();
        int r = process_start(s->argv, &pid);
        if (r < 0)
                return r;
        r = wait_name(s->bus, true);
        *ret_usec = now_usec() - start;
        if (r == 0 && round == 0)
                r = get_some(s->bus);
        s->memory = r == 0 && round == 0 ? memory_of(pid) : s->memory;
        (void)kill(pid, SIGTERM);
        int ended = process_wait(pid);
        if (r == 0)
                r = ended == 0 ? wait_name(s->bus, false) : ended;
        return r;
}

void lane_start(struct lane *lane, const char *address, char *const *argv)
{
        struct start_lane *s = calloc(1, sizeof(*s));

        if (!s)
                abort();
        *s = (struct start_lane){ .bus = bus_open(address), .address = address, .argv = argv };
        int r = bus_add_match(s->bus,
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" REGISTRY_BUS_NAME
                "'");
        if (r < 0)
                die(address, r);
        lane->context = s;
        lane->run = run_start;
}

double lane_start_memory(const struct lane *lane)
{
        return ((const struct start_lane *)lane->context)->memory;
}
