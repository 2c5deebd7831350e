/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How large messages are taken for. */
#include <string.h>
#include <sys/socket.h>

#include "../../../schema/bus/caller.h"
#include "suite.h"

#define MOST ((struct account_size){ .values = SIZE_MAX, .bytes = SIZE_MAX })

static sd_bus *bus;
static int fds[2];

static void setup(void)
{
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
}

static void teardown(void)
{
        sd_bus_close_unref(bus);
        closep(&fds[1]);
}

static sd_bus_message *new_message(void)
{
        sd_bus_message *m = NULL;
        ck_assert_int_ge(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", "C"), 0);
        return m;
}

static void seal(sd_bus_message *m)
{
        ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
}

static void measures(sd_bus_message *m, size_t values, size_t at_least)
{
        const struct account_size exact = { .values = values, .bytes = SIZE_MAX },
                                  fewer = { .values = values - 1, .bytes = SIZE_MAX };
        struct account_size found;

        seal(m);
        ck_assert_int_eq(account_measure(m, &MOST, &found), 1);
        ck_assert_uint_eq(found.values, values);
        ck_assert_uint_ge(found.bytes, at_least);
        ck_assert_int_eq(account_measure(m, &exact, &found), 1);
        if (values > 0)
                ck_assert_int_eq(account_measure(m, &fewer, &found), 0);
        const struct account_size bytes = { .values = SIZE_MAX, .bytes = found.bytes - 1 };
        if (found.bytes > 0)
                ck_assert_int_eq(account_measure(m, &bytes, &found), 0);
        /* It is read from its beginning then. */
        ck_assert_int_eq(sd_bus_message_at_end(m, false), values == 0);
        sd_bus_message_unref(m);
}

START_TEST(messages)
{
        const uint8_t bytes[1000] = { 0 };
        sd_bus_message *m = new_message();

        measures(m, 0, 0);
        m = new_message();
        ck_assert_int_ge(sd_bus_message_append(m, "sub", "text", 1u, 1), 0);
        measures(m, 3, 4 + 8 + 8);
        m = new_message();
        ck_assert_int_ge(sd_bus_message_append_array(m, 'y', bytes, sizeof(bytes)), 0);
        measures(m, 1, sizeof(bytes));
        m = new_message();
        ck_assert_int_ge(sd_bus_message_append(m, "a(sssuv)a{sv}", 2, "set", "\\K", "A", 1u, "s", "x", "set",
                                 "\\K", "B", 7u, "as", 2, "x", "y", 1, "layer", "s", "l"),
                0);
        measures(m, 5 + 6 + 2, 13 * 8);
        /* Nothing is in them, and going through them takes time. */
        m = new_message();
        ck_assert_int_ge(sd_bus_message_append(m, "aas", 3, 0, 0, 0), 0);
        measures(m, 3, 3 * 8);
        m = new_message();
        ck_assert_int_ge(
                sd_bus_message_append(m, "vab", "(tav)", UINT64_C(1), 2, "s", "a", "u", 1u, 2, 0, 1), 0);
        measures(m, 3 + 2, 5 * 8);
}
END_TEST

START_TEST(answers)
{
        sd_bus_message *m = new_message();
        size_t n = 0;

        ck_assert_int_ge(sd_bus_message_append(m, "s", "some text"), 0);
        ck_assert_int_eq(account_measure_answer(m, &n), 0);
        ck_assert_uint_ge(n, strlen("some text"));
        sd_bus_message_unref(m);
}
END_TEST

Suite *test_suite(void)
{
        const TTest *const tests[] = { messages, answers };
        return suite_with("measure", tests, ARRAY_SIZE(tests), setup, teardown);
}
