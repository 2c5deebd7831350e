/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When connections began, as a daemon on a real bus learns it. */
#include <stdio.h>

#include "../../schema/base/clock.h"
#include "../../schema/bus/caller.h"
#include "client.h"

#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

static int on_answer(_unused_ sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        *(bool *)userdata = true;
        return 0;
}

/* What the bus sent before this has been dispatched then. */
static void settle(void)
{
        bool done = false;

        ck_assert_int_ge(sd_bus_call_method_async(
                                 world.bus, NULL, BUS, BUS_PATH, BUS, "GetId", on_answer, &done, NULL),
                0);
        WAIT(done);
}

static const char *name_of(sd_bus *bus)
{
        const char *name;

        ck_assert_int_ge(sd_bus_get_unique_name(bus, &name), 0);
        return name;
}

START_TEST(each_as_it_comes)
{
        struct beginnings *b;

        _cleanup_bus_ sd_bus *early = world_connect(getuid());
        ck_assert_int_eq(beginnings_new(world.bus, &b), 0);
        settle();
        uint64_t asked = clock_of(CLOCK_BOOTTIME);
        _cleanup_bus_ sd_bus *one = world_connect(getuid());
        settle();
        uint64_t between = clock_of(CLOCK_BOOTTIME);
        _cleanup_bus_ sd_bus *two = world_connect(getuid());
        settle();
        uint64_t after = clock_of(CLOCK_BOOTTIME);

        /* However late it is asked for. */
        ck_assert_uint_ge(beginnings_find(b, name_of(one)), asked);
        ck_assert_uint_le(beginnings_find(b, name_of(one)), between);
        ck_assert_uint_ge(beginnings_find(b, name_of(two)), between);
        ck_assert_uint_le(beginnings_find(b, name_of(two)), after);
        /* Who was there before began before that. */
        ck_assert_uint_le(beginnings_find(b, name_of(early)), asked);
        (void)beginnings_free(b);
}
END_TEST

/* A name belongs to one connection for ever, and nobody but the bus says when that began. */
START_TEST(not_by_a_forged_signal)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        struct beginnings *b;

        ck_assert_int_eq(beginnings_new(world.bus, &b), 0);
        settle();
        _cleanup_bus_ sd_bus *one = world_connect(getuid());
        settle();
        uint64_t began = beginnings_find(b, name_of(one));
        ck_assert_int_ge(sd_bus_message_new_signal(one, &m, BUS_PATH, BUS, "NameOwnerChanged"), 0);
        ck_assert_int_ge(sd_bus_message_set_destination(m, name_of(world.bus)), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "sss", name_of(one), "", name_of(one)), 0);
        for (unsigned i = 0; i < 2 * BEGINNINGS_MAX; i++)
                ck_assert_int_ge(sd_bus_send(one, m, NULL), 0);
        ck_assert_int_ge(sd_bus_flush(one), 0);
        settle();
        ck_assert_uint_eq(beginnings_find(b, name_of(one)), began);
        (void)beginnings_free(b);
}
END_TEST

/* Who is no longer in the list began before all who are: so much is still known. */
START_TEST(the_list_is_bounded)
{
        static const char long_name[] = ":1.4000000000000000000000000000000000";
        static uint64_t began[BEGINNINGS_MAX + 10];
        char name[32];
        struct beginnings *b;

        ck_assert_int_eq(beginnings_new(world.bus, &b), 0);
        settle();
        ck_assert_uint_le(beginnings_find(b, ":9.1"), clock_of(CLOCK_BOOTTIME));
        for (unsigned i = 0; i < ARRAY_SIZE(began); i++) {
                (void)snprintf(name, sizeof(name), ":9.%u", i);
                began[i] = clock_of(CLOCK_BOOTTIME);
                beginnings_add(b, name, began[i]);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(began); i++) {
                (void)snprintf(name, sizeof(name), ":9.%u", i);
                ck_assert_uint_eq(beginnings_find(b, name), began[i < 10 ? 9 : i]);
        }
        uint64_t now = clock_of(CLOCK_BOOTTIME);
        beginnings_add(b, long_name, now);
        ck_assert_uint_eq(beginnings_find(b, long_name), now);
        (void)beginnings_free(b);
}
END_TEST

/* As long as the bus has not said that it tells, a connection may have begun at any time until now. */
START_TEST(before_the_bus_tells)
{
        struct beginnings *b;

        ck_assert_int_eq(beginnings_new(world.bus, &b), 0);
        uint64_t before = clock_of(CLOCK_BOOTTIME);
        ck_assert_uint_ge(beginnings_find(b, ":1.1"), before);
        (void)beginnings_free(b);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { each_as_it_comes, not_by_a_forged_signal, the_list_is_bounded,
                before_the_bus_tells };
        return harness_main(tests, ARRAY_SIZE(tests));
}
