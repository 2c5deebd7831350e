/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages that are made to cost more than they look like. Nobody who sends them reads what comes back. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "raw-client.h"

#define KEY "\\Test\\Key"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define LARGE (1u << 20)
#define CLIENTS 40u
#define DESCRIPTORS 16u /* as many as a system bus lets one message have */
#define OPEN_MAX_OF_DAEMON 128u

static sd_bus_message *new_call(sd_bus *bus, const char *path, const char *interface, const char *method)
{
        sd_bus_message *m = NULL;
        ck_assert_int_ge(
                sd_bus_message_new_method_call(bus, &m, REGISTRY_BUS_NAME, path, interface, method), 0);
        return m;
}

static void send_call(sd_bus *bus, sd_bus_message *m)
{
        uint64_t cookie;

        ck_assert_int_ge(sd_bus_send(bus, m, &cookie), 0);
        ck_assert_int_ge(sd_bus_flush(bus), 0);
        sd_bus_message_unref(m);
}

static void send_get(sd_bus *bus, const char *name)
{
        sd_bus_message *m = new_call(bus, REGISTRY_PATH, REGISTRY_INTERFACE, "Get");
        ck_assert_int_ge(sd_bus_message_append(m, "ss", KEY, name), 0);
        send_call(bus, m);
}

static void root_is_served(void)
{
        set_string(world.bus, KEY, "W", "1");
        ck_assert_str_eq(get_text(world.bus, KEY, "W"), "1 base");
}

/* Errors say which path it is, and the bus sets no limit to that. */
START_TEST(long_paths)
{
        _cleanup_free_ char *letters = repeat("a", 65000), *path = NULL;

        registryd_start(NULL);
        ck_assert(asprintf(&path, "/%s", letters) > 0);
        _cleanup_bus_ sd_bus *silent = world_connect(UID_NOBODY);
        for (unsigned i = 0; i < 2500; i++) {
                send_call(silent, new_call(silent, path, REGISTRY_INTERFACE, "Get"));
                if (i % 50 == 49)
                        (void)get_text(world.bus, KEY, "none");
        }
        root_is_served();
}
END_TEST

/* So it is with an interface. */
START_TEST(long_interfaces)
{
        _cleanup_free_ char *name = repeat("a", LARGE);

        registryd_start(NULL);
        _cleanup_bus_ sd_bus *silent = world_connect(UID_NOBODY);
        for (unsigned i = 0; i < 160; i++) {
                sd_bus_message *m = new_call(silent, REGISTRY_PATH, PROPERTIES, "GetAll");
                ck_assert_int_ge(sd_bus_message_append(m, "s", name), 0);
                send_call(silent, m);
                (void)get_text(world.bus, KEY, "none");
        }
        root_is_served();
}
END_TEST

/* The bus lets a text through that sd-bus does not: the error counts as every answer does, and who gets many
 * is asked. */
START_TEST(texts_that_are_none)
{
        char bytes[65536];
        ssize_t n;
        int fd;

        registryd_start(NULL);
        pid_t pid = raw_client_start(UID_NOBODY, "hostile", &fd);
        for (unsigned i = 0; i < 400; i++) {
                raw_client_set(fd, "V", "\xef\xbf\xbe");
                if (i % 50 == 49)
                        (void)get_text(world.bus, KEY, "none");
        }
        const struct timeval most = { .tv_sec = 20 };
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)), 0);
        do {
                n = recv(fd, bytes, sizeof(bytes), 0);
                ck_assert_int_gt(n, 0);
        } while (!memmem(bytes, (size_t)n, "Ping", 4));
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        (void)close(fd);
}
END_TEST

/* What waits would keep its descriptors, and whoever has none left is thrown out by the bus. */
START_TEST(descriptors)
{
        const struct rlimit few = { OPEN_MAX_OF_DAEMON, OPEN_MAX_OF_DAEMON };
        sd_bus *silent[CLIENTS];

        registryd_start(NULL);
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_NOFILE, &few, NULL), 0);
        _cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        for (unsigned i = 0; i < CLIENTS; i++) {
                silent[i] = world_connect(UID_NOBODY);
                for (unsigned k = 0; k < 64; k++) {
                        sd_bus_message *m =
                                new_call(silent[i], REGISTRY_PATH, REGISTRY_INTERFACE, "Preview");
                        for (unsigned n = 0; n < DESCRIPTORS; n++)
                                ck_assert_int_ge(sd_bus_message_append(m, "h", fd), 0);
                        send_call(silent[i], m);
                }
        }
        root_is_served();
        for (unsigned i = 0; i < CLIENTS; i++)
                sd_bus_flush_close_unref(silent[i]);
}
END_TEST

/* Those of whom the daemon does not know yet whose they are share one room. Root's first call does not end
 * in it. */
START_TEST(room_of_the_unknown)
{
        _cleanup_free_ char *bytes = repeat("a", LARGE);
        sd_bus *silent[CLIENTS];

        registryd_start(NULL);
        set_string(world.bus, KEY, "V", bytes);
        for (unsigned i = 0; i < CLIENTS; i++) {
                silent[i] = world_connect(UID_NOBODY);
                send_get(silent[i], "V");
                /* They have little time together, too, and are asked for when it is used up. */
                (void)usleep(70000);
        }
        (void)get_text(world.bus, KEY, "none");
        _cleanup_bus_ sd_bus *root = world_connect(geteuid()), *other = world_connect(geteuid());
        sd_bus_message_unref(answer(root, "Get", "ss", KEY, "V"));
        ck_assert_str_eq(get_text(other, KEY, "none"), "-");
        for (unsigned i = 0; i < CLIENTS; i++)
                sd_bus_flush_close_unref(silent[i]);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { long_paths, long_interfaces, texts_that_are_none, descriptors,
                room_of_the_unknown };
        harness_add_privileged(tests, ARRAY_SIZE(tests), "what other users may send was not tried");
        return harness_main(NULL, 0);
}
