/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one user may take of what all share: subscriptions, previews, lines of the audit log. And
 * what needs the layers' privilege. Calls that wait for polkit are in test-polkit.c. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define KEY "\\Test\\Key"
#define LAYERS "\\System\\Registry\\Layers"
#define SZ ((uint32_t)REG_SZ)
#define UID_DAEMON 1u /* somebody whom the bus knows, too */
#define OF_A_CLIENT 4096u
#define OF_A_USER 5000u
#define PATHS_BYTES (2u << 20)
#define DEEP_BYTES                                                                                          \
        (8u + 16009u + 2u * 502u) /* of a deep key with its hive, and where each component ends             \
                                   */
#define SHARERS 6u
#define LED 400u /* more than may wait unread */
#define IN_A_PREVIEW 64u
#define DEEP_KEYS 60u  /* below what one message may hold */
#define TOLD_APART 16u /* of one user */
#define AGAIN 20u

START_TEST(subscriptions_of_a_user)
{
        static const char full[] =
                "uid 65534 has 5000 subscriptions already, the most that one user may have";

        registryd_start(NULL);
        sd_bus *first = world_connect(UID_NOBODY);
        _cleanup_bus_ sd_bus *second = world_connect(UID_NOBODY);
        subscribe_many(first, KEY, OF_A_CLIENT);
        subscribe_many(second, KEY, OF_A_USER - OF_A_CLIENT - 1);
        uint64_t last = subscribe(second, KEY, false);
        refused(second, ERROR_LIMIT, full, "Subscribe", "sba{sv}", KEY, 0, 0);
        /* Others are not held up. What is given back can be had again. */
        subscribe(world.bus, KEY, false);
        succeeds(second, "Unsubscribe", "t", last);
        subscribe(second, KEY, false);
        refused(second, ERROR_LIMIT, full, "Subscribe", "sba{sv}", KEY, 0, 0);
        sd_bus_flush_close_unref(first);
        WAIT(strcmp(registry_property(world.bus, "Subscriptions"), "905") == 0);
        subscribe(second, KEY, false);
}
END_TEST

static void preview(sd_bus *bus, unsigned n, const char *error, const char *text)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        sd_bus_error e = SD_BUS_ERROR_NULL;

        ck_assert_int_ge(sd_bus_message_new_method_call(
                                 bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Preview"),
                0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(sssuv)"), 0);
        for (unsigned i = 0; i < n; i++) {
                char name[16];
                (void)snprintf(name, sizeof(name), "V%u", i);
                ck_assert_int_ge(sd_bus_message_append(m, "(sssuv)", "set", KEY, name, SZ, "s", "x"), 0);
        }
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 0), 0);
        (void)sd_bus_call(bus, m, 0, &e, &reply);
        ck_assert_str_eq(e.name ? e.name : "", error);
        ck_assert_msg(strstr(e.message ? e.message : "", text), "%s", e.message);
        sd_bus_error_free(&e);
}

START_TEST(previews)
{
        registryd_start("--admin-group=nogroup");
        _cleanup_bus_ sd_bus *admin = world_connect(UID_NOBODY);
        preview(admin, IN_A_PREVIEW + 1, "", "");
        daemon_stop(&world.registryd);

        registryd_start(NULL);
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        preview(nobody, IN_A_PREVIEW, "", "");
        preview(nobody, IN_A_PREVIEW + 1, ERROR_TOO_LARGE,
                "65 changes, at most 64 can be previewed by a user who may not write");
        preview(world.bus, IN_A_PREVIEW + 1, "", "");
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Info", "s", "\\Test");
}
END_TEST

/* 501 components, 16009 bytes. */
static char *deep_key(unsigned i)
{
        struct buf b = BUF_INIT;
        char *text;

        buf_printf(&b, "\\Deep%04u", i);
        for (unsigned k = 0; k < 500; k++)
                buf_printf(&b, "\\%031u", k);
        ck_assert_int_eq(buf_finish(&b, &text, NULL), 0);
        return text;
}

/* How many there was room for. */
static unsigned subscribe_to_deep_keys(sd_bus *bus)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        for (unsigned n = 0;; n++) {
                _cleanup_free_ char *key = deep_key(n);
                ck_assert_uint_lt(n, OF_A_CLIENT);
                if (sd_bus_call_method(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE,
                            "Subscribe", &error, NULL, "sba{sv}", key, 1, 0) >= 0)
                        continue;
                ck_assert_str_eq(error.name, ERROR_LIMIT);
                sd_bus_error_free(&error);
                return n;
        }
}

/* Each holds a path: so many bytes of them one user may have, however few they are. */
START_TEST(paths_of_a_user)
{
        registryd_start(NULL);
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        ck_assert_uint_eq(subscribe_to_deep_keys(nobody), PATHS_BYTES / DEEP_BYTES);
        _cleanup_free_ char *next = deep_key(PATHS_BYTES / DEEP_BYTES);
        refused(nobody, ERROR_LIMIT,
                "the keys that uid 65534 subscribed to have 2093583 bytes already, of 2097152 that one user may have",
                "Subscribe", "sba{sv}", next, 1, 0);
        /* Another user, and root. */
        _cleanup_free_ char *key = deep_key(0);
        _cleanup_bus_ sd_bus *other = world_connect(UID_DAEMON);
        subscribe(other, key, true);
        subscribe(world.bus, key, true);
        /* What is given back can be had again. */
        sd_bus_flush_close_unref(nobody);
        nobody = world_connect(UID_NOBODY);
        WAIT(strcmp(registry_property(world.bus, "Subscriptions"), "2") == 0);
        subscribe(nobody, key, true);
}
END_TEST

/* However many users take what they may: there is some left. */
START_TEST(paths_of_users)
{
        sd_bus *buses[SHARERS];
        unsigned n[SHARERS];

        registryd_start(NULL);
        for (unsigned i = 0; i < SHARERS; i++) {
                buses[i] = world_connect(UID_DAEMON + i);
                n[i] = subscribe_to_deep_keys(buses[i]);
        }
        for (unsigned i = 0; i < SHARERS; i++) {
                ck_assert_uint_ge(n[i], i < 3 ? PATHS_BYTES / DEEP_BYTES : n[i - 1] / 2);
                sd_bus_flush_close_unref(buses[i]);
        }
}
END_TEST

static void aim(const char *target)
{
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 1, "create-link", "\\Led", "", (uint32_t)REG_LINK,
                "s", target, 1, "if-needed", "b", 1);
        succeeds(world.bus, "Set", "ssuva{sv}", "\\Led", "", (uint32_t)REG_LINK, "s", target, 1, "no-follow",
                "b", 1);
}

/* Where links lead counts as well, also when they lead elsewhere later. What there is no room for is over,
 * and says so, whether its client reads or not. */
START_TEST(paths_behind_links)
{
        _cleanup_free_ char *deep = deep_key(0), *other = deep_key(1);
        _cleanup_ear_ struct ear ear = { 0 };
        char left[16];
        unsigned led;

        registryd_start(NULL);
        aim("\\Near");
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        ear_on_changes(&ear, nobody);
        subscribe_many(nobody, "\\Led", LED);
        aim(deep);
        WAIT_ON(nobody, ear.n == LED);
        led = ear_count(&ear, "'overflow' 'Machine\\Led' ");
        ck_assert_uint_eq(ear_count(&ear, "'ended' 'Machine\\Led' "), LED - led);
        ck_assert(led <= PATHS_BYTES / DEEP_BYTES && led > PATHS_BYTES / DEEP_BYTES - 5);
        (void)snprintf(left, sizeof(left), "%u", led);
        ck_assert_str_eq(registry_property(world.bus, "Subscriptions"), left);
        refused(nobody, ERROR_LIMIT, "of 2097152 that one user may have", "Subscribe", "sba{sv}", other, 0,
                0);
        /* Those that are left hear of what is there; what is given back can be had again. */
        aim("\\Near");
        WAIT_ON(nobody, ear_count(&ear, "'overflow'") == 2 * led);
        subscribe(nobody, other, false);
        set_string(world.bus, "\\Near", "V", "1");
        WAIT_ON(nobody, ear_count(&ear, "s:'1'") == led);
}
END_TEST

static int make_deep_keys(sd_bus *bus, const char *method, unsigned n, sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        ck_assert_int_ge(sd_bus_message_new_method_call(
                                 bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, method),
                0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(sssuv)"), 0);
        for (unsigned i = 0; i < n; i++) {
                _cleanup_free_ char *key = deep_key(i);
                ck_assert_int_ge(sd_bus_message_append(m, "(sssuv)", "create-key", key, "", 0u, "ay", 0), 0);
        }
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 0), 0);
        return sd_bus_call(bus, m, 0, error, &reply);
}

static unsigned long most_kb(pid_t pid)
{
        char path[64], line[256];
        unsigned long kb = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
        FILE *f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        while (kb == 0 && fgets(line, sizeof(line), f))
                (void)sscanf(line, "VmHWM: %lu", &kb);
        (void)fclose(f);
        ck_assert_uint_gt(kb, 0);
        return kb;
}

/* It was over a million. A sanitizer keeps what was freed. */
#ifdef __SANITIZE_ADDRESS__
#define PREVIEW_KB_MAX (256u * 1024u)
#else
#define PREVIEW_KB_MAX (64u * 1024u)
#endif

/* What few changes make can be a lot. */
START_TEST(previews_of_deep_keys)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        registryd_start(NULL);
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        unsigned long before = most_kb(world.registryd.pid);
        ck_assert_int_ge(make_deep_keys(nobody, "Preview", 1, NULL), 0);
        ck_assert_int_lt(make_deep_keys(nobody, "Preview", DEEP_KEYS, &error), 0);
        ck_assert_str_eq(error.name, ERROR_TOO_LARGE);
        ck_assert_msg(
                strstr(error.message, "to be previewed by a user who may not write"), "%s", error.message);
        sd_bus_error_free(&error);
        unsigned long grown = most_kb(world.registryd.pid) - before;
        ck_assert_msg(grown < PREVIEW_KB_MAX, "%lu KiB", grown);
        /* Who may write is not held up. */
        ck_assert_int_ge(make_deep_keys(world.bus, "Preview", 3, NULL), 0);
        ck_assert_int_ge(make_deep_keys(world.bus, "Transact", 16, NULL), 0);
        refused(nobody, ERROR_TOO_LARGE, "to be previewed by a user who may not write", "Preview",
                "a(sssuv)a{sv}", 3, "delete-key", "\\Deep0001", "", 0u, "ay", 0, "delete-key", "\\Deep0002",
                "", 0u, "ay", 0, "delete-key", "\\Deep0003", "", 0u, "ay", 0, 1, "recursive", "b", 1);
}
END_TEST

static void try_to_set(sd_bus *bus, const char *name)
{
        refused(bus, ERROR_ACCESS_DENIED, "may not write", "Set", "ssuva{sv}", KEY, name, SZ, "s", "x", 0);
}

/* The first is told at once; how many followed when the time is over, or at the end as here. */
START_TEST(refusals)
{
        static const char told[] = "Write to '\\Test\\Key\\V' denied";

        registryd_start(NULL);
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        for (unsigned i = 0; i <= AGAIN; i++)
                try_to_set(nobody, "V");
        try_to_set(nobody, "Other");
        /* Another user's is told at once, too. */
        _cleanup_bus_ sd_bus *other = world_connect(UID_DAEMON);
        try_to_set(other, "V");
        if (records_are_logged()) {
                ck_assert_uint_eq(daemon_count(&world.registryd, told), 2);
                ck_assert(daemon_said(&world.registryd, "Write to '\\Test\\Key\\Other' denied"));
        }
        daemon_stop(&world.registryd);
        if (!records_are_logged())
                return;
        ck_assert_uint_eq(daemon_count(&world.registryd, told), 3);
        ck_assert_uint_eq(daemon_count(&world.registryd, "the same again"), 1);
        ck_assert(daemon_said(&world.registryd, "20 times"));
}
END_TEST

START_TEST(many_refusals)
{
        registryd_start(NULL);
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        for (unsigned i = 0; i < TOLD_APART + 6; i++)
                try_to_set(nobody, textf("V%u", i));
        _cleanup_bus_ sd_bus *other = world_connect(UID_DAEMON);
        try_to_set(other, "Wanted");
        if (records_are_logged())
                ck_assert(daemon_said(&world.registryd, "Write to '\\Test\\Key\\Wanted' denied"));
        daemon_stop(&world.registryd);
        if (!records_are_logged())
                return;
        ck_assert_uint_eq(daemon_count(&world.registryd, "Write to '\\Test\\Key\\V"), TOLD_APART + 1);
        ck_assert(daemon_said(&world.registryd,
                "Write to '\\Test\\Key\\V21' denied, layer 'base', by an unknown program (pid"));
        ck_assert(daemon_said(&world.registryd,
                "uid 65534), access-denied: of many kinds, of which this is the newest, 6 times"));
}
END_TEST

/* An administrator may write, but not what decides over all layers: nor by what takes it along. */
START_TEST(keys_above_the_layers)
{
        static const struct {
                const char *key;
                bool done;
        } cases[] = {
                { LAYERS "\\top", false },
                { LAYERS, false },
                { "\\System\\Registry", false },
                { "machine/SYSTEM/registry", false },
                { "\\System", false },
                { "\\System\\Registr", true },
                { "\\System\\Registry\\LayersToo", true },
                { "\\Test", true },
        };

        registryd_start("--admin-group=nogroup");
        _cleanup_bus_ sd_bus *admin = world_connect(UID_NOBODY);
        set_number(world.bus, LAYERS "\\top", "Precedence", 5);
        set_string(world.bus, "\\System\\Registr", "V", "1");
        set_string(world.bus, "\\System\\Registry\\LayersToo", "V", "1");
        set_string(world.bus, KEY, "V", "1");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *key = cases[i].key;
                if (cases[i].done) {
                        succeeds(admin, "DeleteKey", "sa{sv}", key, 1, "recursive", "b", 1);
                        continue;
                }
                refused(admin, ERROR_ACCESS_DENIED, "may not write", "DeleteKey", "sa{sv}", key, 1,
                        "recursive", "b", 1);
                refused(admin, ERROR_ACCESS_DENIED, "may not write", "Transact", "a(sssuv)a{sv}", 1,
                        "delete-key", key, "", 0u, "ay", 0, 1, "recursive", "b", 1);
        }
        ck_assert_ptr_nonnull(strstr(registry_property(world.bus, "Layers"), "'top' 5"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { subscriptions_of_a_user, paths_of_a_user, paths_of_users,
                paths_behind_links, previews, previews_of_deep_keys, refusals, many_refusals,
                keys_above_the_layers };
        harness_add_privileged(tests, ARRAY_SIZE(tests), "what one user may take was not tried");
        return harness_main(NULL, 0);
}
