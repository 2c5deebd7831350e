/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users who may not write, and make a daemon work or answer without end: root's calls are done meanwhile. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define KEY "\\Test\\Key"
#define SZ ((uint32_t)REG_SZ)
#define UID_DAEMON 1u
#define UID_BIN 2u
#define BATCH 100u /* below what a connection may wait for on the bus */
#define CLIENTS 2u
#define SMALL (16u * 1024u)
#define SMALL_CALLS 5000u
#define LARGE (1u << 20)
#define LARGE_VALUES 28u
#define LARGE_CALLS 4u
#define NAMES_MAX 2048u /* of a user who may not write */

static const uid_t uids[CLIENTS] = { UID_NOBODY, UID_DAEMON };

static sd_bus_message *new_call(
        sd_bus *bus, const char *service, const char *path, const char *interface, const char *method)
{
        sd_bus_message *m = NULL;
        ck_assert_int_ge(sd_bus_message_new_method_call(bus, &m, service, path, interface, method), 0);
        return m;
}

static void registry_call(sd_bus *bus, const char *method, const char *types, const char *a, const char *b)
{
        _cleanup_message_ sd_bus_message *m =
                new_call(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, method);
        uint64_t cookie;

        ck_assert_int_ge(sd_bus_message_append(m, types, a, b), 0);
        ck_assert_int_ge(sd_bus_send(bus, m, &cookie), 0);
}

static int on_message(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        unsigned *answers = userdata;

        *answers += sd_bus_message_get_reply_cookie(m, &(uint64_t){ 0 }) >= 0;
        return 0;
}

static void put_values(unsigned n, size_t size)
{
        _cleanup_free_ char *bytes = repeat("a", size);
        char name[16] = "V";

        for (unsigned i = 0; i < n; i++) {
                set_string(world.bus, KEY, name, bytes);
                (void)snprintf(name, sizeof(name), "V%u", i);
        }
}

static bool is_served(sd_bus *bus)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;

        int r = sd_bus_call_method(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Get", &error,
                &reply, "ss", KEY, "W");
        sd_bus_error_free(&error);
        return r >= 0;
}

/* The others are served. When those who did not read have read, all their calls are answered, by the bus or
 * by the service, and they are served again. */
static void others_are_served(sd_bus *silent[CLIENTS], unsigned calls)
{
        set_string(world.bus, KEY, "W", "1");
        ck_assert_str_eq(get_text(world.bus, KEY, "W"), "1 base");
        _cleanup_bus_ sd_bus *other = world_connect(UID_BIN);
        ck_assert_str_eq(get_text(other, KEY, "W"), "1 base");
        for (unsigned i = 0; i < CLIENTS; i++) {
                unsigned answers = 0;
                ck_assert_int_ge(sd_bus_add_filter(silent[i], NULL, on_message, &answers), 0);
                WAIT_ON(silent[i], answers == calls);
                /* It has to answer that it has read, too. */
                WAIT_ON(silent[i], is_served(silent[i]));
                sd_bus_flush_close_unref(silent[i]);
        }
}

START_TEST(small_answers_that_nobody_reads)
{
        sd_bus *silent[CLIENTS];

        registryd_start(NULL);
        put_values(1, SMALL);
        for (unsigned i = 0; i < CLIENTS; i++)
                silent[i] = world_connect(uids[i]);
        for (unsigned n = 0; n < SMALL_CALLS; n += BATCH) {
                for (unsigned i = 0; i < CLIENTS; i++) {
                        for (unsigned k = 0; k < BATCH; k++)
                                registry_call(silent[i], "Get", "ss", KEY, "V");
                        ck_assert_int_ge(sd_bus_flush(silent[i]), 0);
                }
                (void)get_text(world.bus, KEY, "none");
        }
        others_are_served(silent, SMALL_CALLS);
}
END_TEST

START_TEST(large_answers_that_nobody_reads)
{
        sd_bus *silent[CLIENTS];

        registryd_start(NULL);
        put_values(LARGE_VALUES, LARGE);
        for (unsigned i = 0; i < CLIENTS; i++)
                silent[i] = world_connect(uids[i]);
        for (unsigned n = 0; n < LARGE_CALLS; n++)
                for (unsigned i = 0; i < CLIENTS; i++) {
                        registry_call(silent[i], "List", "s", KEY, NULL);
                        ck_assert_int_ge(sd_bus_flush(silent[i]), 0);
                        (void)get_text(world.bus, KEY, "none");
                }
        for (unsigned i = 0; i < CLIENTS; i++)
                sd_bus_flush_close_unref(silent[i]);
        set_string(world.bus, KEY, "W", "1");
        ck_assert_str_eq(get_text(world.bus, KEY, "W"), "1 base");
}
END_TEST

static void policy_call(sd_bus *bus)
{
        _cleanup_message_ sd_bus_message *m =
                new_call(bus, POLICY_BUS_NAME, POLICY_PATH, "org.freedesktop.DBus.Properties", "GetAll");
        uint64_t cookie;

        ck_assert_int_ge(sd_bus_message_append(m, "s", POLICY_INTERFACE), 0);
        ck_assert_int_ge(sd_bus_send(bus, m, &cookie), 0);
        ck_assert_int_ge(sd_bus_flush(bus), 0);
}

/* The policy service shows what is written, however long that is. */
START_TEST(answers_of_the_policy_service)
{
        _cleanup_free_ char *bytes = repeat("a", LARGE - 1);
        sd_bus *silent[CLIENTS];

        registryd_start(NULL);
        policyd_start(NULL);
        set_string(world.bus, MODULES, "TaintEvents", bytes);
        WAIT(strlen(policy_property(world.bus, "Written")) > 100);
        for (unsigned i = 0; i < CLIENTS; i++)
                silent[i] = world_connect(uids[i]);
        for (unsigned n = 0; n < BATCH; n++)
                for (unsigned i = 0; i < CLIENTS; i++)
                        policy_call(silent[i]);
        for (unsigned i = 0; i < 20; i++)
                (void)policy_property(world.bus, "Live");
        for (unsigned i = 0; i < CLIENTS; i++)
                sd_bus_flush_close_unref(silent[i]);
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        WAIT(policy_is("TaintEvents", "'enabled'"));
}
END_TEST

/* "" or the error's name. */
static const char *get_many(sd_bus *bus, unsigned n)
{
        static char name[64];
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL, *m = new_call(bus, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                                                REGISTRY_INTERFACE, "GetMany");

        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(ss)"), 0);
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_ge(sd_bus_message_append(m, "(ss)", KEY, "V"), 0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        (void)sd_bus_call(bus, m, 0, &error, &reply);
        (void)snprintf(name, sizeof(name), "%s", error.name ? error.name : "");
        sd_bus_error_free(&error);
        return name;
}

/* What one message asks for is limited before it is worked, but for those who may write. */
START_TEST(large_messages)
{
        _cleanup_free_ char *bytes = repeat("a", LARGE + LARGE / 2);

        registryd_start("--admin-group=nogroup");
        set_string(world.bus, KEY, "V", "1");
        _cleanup_bus_ sd_bus *admin = world_connect(UID_NOBODY), *other = world_connect(UID_BIN);
        ck_assert_str_eq(get_many(other, NAMES_MAX), "");
        ck_assert_str_eq(get_many(other, NAMES_MAX + 1), ERROR_TOO_LARGE);
        refused(other, ERROR_TOO_LARGE, "too many values or bytes", "Set", "ssuva{sv}", KEY, "V", SZ, "s",
                bytes, 0);
        ck_assert_str_eq(get_many(world.bus, NAMES_MAX + 1), "");
        ck_assert_str_eq(get_many(admin, NAMES_MAX + 1), "");
        ck_assert_str_eq(get_text(other, KEY, "V"), "1 base");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { small_answers_that_nobody_reads, large_answers_that_nobody_reads,
                answers_of_the_policy_service, large_messages };
        harness_add_privileged(tests, ARRAY_SIZE(tests), "what other users may hold up was not tried");
        return harness_main(NULL, 0);
}
