/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message.h"

#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

static sd_bus *bus;

void message_setup(void)
{
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        (void)close(fds[1]);
}

void message_teardown(void)
{
        bus = sd_bus_close_unref(bus);
}

sd_bus_message *message_new(const char *member)
{
        sd_bus_message *m = NULL;

        ck_assert_int_ge(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", member), 0);
        return m;
}

void message_seal(sd_bus_message *m)
{
        ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
}
