/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many at once: calls in flight, subscribers, clients that do not read, clients that go without a word. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

#define KEY "\\Test\\Key"
/* So many calls the bus lets a connection wait for. */
#define IN_FLIGHT_MAX 100u
#define CALLERS 15u
#define SETS 400u
#define CLIENTS 600u
#define DEAF_SETS 4000u
#define DEAF_CLIENTS 3u
#define DEAF_SUBSCRIPTIONS 4000u
/* What the provider may grow by for a client that does not read: sanitizers keep freed memory a while. */
#define GROWTH_MAX_KB (96u * 1024u)

struct flight {
        sd_bus *bus;
        unsigned sent, answered, failed;
        uint64_t last;
        bool in_order;
};

static int on_set(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct flight *f = userdata;
        uint64_t sequence = 0;

        f->answered++;
        if (sd_bus_message_read(m, "t", &sequence) < 0)
                f->failed++;
        f->in_order = f->in_order && sequence > f->last;
        f->last = sequence;
        return 0;
}

static void take_off(struct flight *f, const char *method, const char *types, ...)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        va_list ap;

        WAIT_ON(f->bus, f->sent - f->answered < IN_FLIGHT_MAX);
        ck_assert_int_ge(sd_bus_message_new_method_call(
                                 f->bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, method),
                0);
        va_start(ap, types);
        ck_assert_int_ge(sd_bus_message_appendv(m, types, ap), 0);
        va_end(ap);
        ck_assert_int_ge(sd_bus_call_async(f->bus, NULL, m, on_set, f, 0), 0);
        f->sent++;
}

static void set_async(struct flight *f, unsigned i)
{
        take_off(f, "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s", textf("%u", i), 0);
}

static void land(struct flight *f)
{
        WAIT_ON(f->bus, f->answered == f->sent);
        ck_assert_uint_eq(f->failed, 0);
        ck_assert(f->in_order);
}

/* More than the provider lets wait for one sync, on more than one connection. */
START_TEST(sets_in_flight)
{
        struct flight flights[CALLERS];
        uint64_t last = 0;

        for (size_t i = 0; i < CALLERS; i++)
                flights[i] = (struct flight){ .bus = world_connect(geteuid()), .in_order = true };
        for (unsigned n = 0; n < SETS; n++)
                for (size_t i = 0; i < CALLERS; i++)
                        set_async(&flights[i], n * CALLERS + (unsigned)i);
        for (size_t i = 0; i < CALLERS; i++) {
                land(&flights[i]);
                if (flights[i].last > last)
                        last = flights[i].last;
                sd_bus_flush_close_unref(flights[i].bus);
        }
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Get", "ss", KEY, "V");
        _cleanup_buf_ struct buf expected = BUF_INIT;
        buf_printf(&expected, " %" PRIu64 " 'base'", last);
        ck_assert_ptr_nonnull(strstr(message_text(m), buf_str(&expected)));
}
END_TEST

START_TEST(callers_that_vanish)
{
        for (unsigned round = 0; round < 50; round++) {
                struct flight f = { .bus = world_connect(geteuid()) };
                for (unsigned i = 0; i < 20; i++)
                        set_async(&f, round * 100 + i);
                take_off(&f, "Subscribe", "sba{sv}", "Machine", 1, 0);
                ck_assert_int_ge(sd_bus_flush(f.bus), 0);
                sd_bus_close_unref(f.bus);
        }
        set_string(world.bus, KEY, "After", "here");
        ck_assert_str_eq(get_text(world.bus, KEY, "After"), "here base");
        WAIT(strcmp(registry_property(world.bus, "Subscriptions"), "0") == 0);
}
END_TEST

START_TEST(many_clients)
{
        static sd_bus *buses[CLIENTS];
        static struct ear ears[CLIENTS];

        for (unsigned i = 0; i < CLIENTS; i++) {
                buses[i] = world_connect(geteuid());
                ear_on_changes(&ears[i], buses[i]);
                subscribe(buses[i], KEY, false);
        }
        set_string(world.bus, KEY, "V", "1");
        for (unsigned i = 0; i < CLIENTS; i++) {
                WAIT_ON(buses[i], ears[i].n == 1);
                ear_done(&ears[i]);
                sd_bus_flush_close_unref(buses[i]);
        }
        WAIT(strcmp(registry_property(world.bus, "Subscriptions"), "0") == 0);
}
END_TEST

static unsigned resident_kb(pid_t pid)
{
        unsigned long size, resident;

        FILE *f = fopen(textf("/proc/%d/statm", pid), "re");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fscanf(f, "%lu %lu", &size, &resident), 2);
        (void)fclose(f);
        return (unsigned)(resident * ((unsigned long)sysconf(_SC_PAGESIZE) / 1024));
}

static void set_many(unsigned n)
{
        struct flight f = { .bus = world.bus, .in_order = true };

        for (unsigned i = 0; i < n; i++)
                set_async(&f, i);
        land(&f);
}

static bool value_of(const char *signal, unsigned *ret)
{
        const char *at = strstr(signal, " s:'");
        return at && sscanf(at, " s:'%u'", ret) == 1;
}

/* What was sent before the gap has no gap, the gap is told once, and after it there is news again. */
START_TEST(one_that_does_not_read)
{
        _cleanup_ear_ struct ear ear = { 0 };
        unsigned value;

        set_string(world.bus, KEY, "V", "none");
        _cleanup_bus_ sd_bus *deaf = world_connect(geteuid());
        ear_on_changes(&ear, deaf);
        subscribe(deaf, KEY, false);
        unsigned before = resident_kb(world.registryd.pid);
        set_many(DEAF_SETS);
        unsigned after = resident_kb(world.registryd.pid);
        ck_assert_msg(after < before + GROWTH_MAX_KB, "%u kB, then %u kB", before, after);

        WAIT_ON(deaf, ear_heard(&ear, "'overflow'"));
        ck_assert_uint_eq(ear.n, 257);
        for (unsigned i = 0; i < 256; i++)
                ck_assert_msg(value_of(ear.heard[i], &value) && value == i, "%u: %s", i, ear.heard[i]);
        ck_assert_str_eq(ear.heard[256], "[('overflow' 'Machine\\Test\\Key' '' 0 ay:[] '' 0 '')]");
        ck_assert_str_eq(get_text(deaf, KEY, "V"), textf("%u base", DEAF_SETS - 1));
        set_string(world.bus, KEY, "V", "news");
        WAIT_ON(deaf, ear.n == 258);
        ck_assert(ear_heard(&ear, "'news'"));
}
END_TEST

START_TEST(many_that_do_not_read)
{
        sd_bus *deaf[DEAF_CLIENTS];
        _cleanup_ear_ struct ear ear = { 0 };

        set_string(world.bus, KEY, "V", "none");
        for (unsigned c = 0; c < DEAF_CLIENTS; c++) {
                deaf[c] = world_connect(geteuid());
                subscribe_many(deaf[c], KEY, DEAF_SUBSCRIPTIONS);
        }
        ck_assert_str_eq(registry_property(world.bus, "Subscriptions"), "12000");
        ear_on_changes(&ear, deaf[0]);
        unsigned before = resident_kb(world.registryd.pid);
        set_many(20);
        unsigned after = resident_kb(world.registryd.pid);
        ck_assert_msg(after < before + GROWTH_MAX_KB, "%u kB, then %u kB", before, after);

        /* One of them wakes up: each of its subscriptions that missed something is told so. */
        WAIT_ON(deaf[0], ear.n == 256 + DEAF_SUBSCRIPTIONS);
        ck_assert_uint_eq(ear_count(&ear, "'overflow'"), DEAF_SUBSCRIPTIONS);
        for (unsigned c = 0; c < DEAF_CLIENTS; c++)
                sd_bus_flush_close_unref(deaf[c]);
        WAIT(strcmp(registry_property(world.bus, "Subscriptions"), "0") == 0);
}
END_TEST

START_TEST(limits)
{
        subscribe_many(world.bus, KEY, 4096);
        refused(world.bus, ERROR_LIMIT, "this client has 4096 subscriptions already", "Subscribe", "sba{sv}",
                KEY, 0, 0);
        _cleanup_bus_ sd_bus *other = world_connect(geteuid());
        subscribe(other, KEY, false);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { sets_in_flight, callers_that_vanish, many_clients,
                one_that_does_not_read, many_that_do_not_read, limits };
        harness_around(harness_registry, NULL);
        return harness_main(tests, ARRAY_SIZE(tests));
}
