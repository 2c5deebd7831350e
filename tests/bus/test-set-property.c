/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Setting the property TaintEvents: in force when it returns, or an error that says why not. Only root's
 * services write for others, so this needs root. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "dropin.h"

#define OF_A_USER 8u /* that wait */
#define UID_FIRST 5u /* of those who are no administrators */

static void begin(void)
{
        registryd_start(NULL);
        policyd_follow();
}

static void set(const char *value)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = set_taint_events(world.bus, "s", value, &error);
        ck_assert_msg(r >= 0, "%s: %s", error.name, error.message);
        sd_bus_error_free(&error);
}

static void set_fails(const char *value, const char *name, const char *text)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        ck_assert_int_lt(set_taint_events(world.bus, "s", value, &error), 0);
        ck_assert_msg(strcmp(error.name, name) == 0 && strstr(error.message, text), "%s: %s", error.name,
                error.message);
        sd_bus_error_free(&error);
}

START_TEST(in_force_at_once)
{
        static const char *const values[][2] = {
                { "disabled", "0" },
                { "success-only", "1" },
                { "success-only", "1" },
                { "disabled", "0" },
                { "DISABLED", "0" },
                { "failure-only", "2" },
                { "enabled", "3" },
        };
        _cleanup_ear_ struct ear changed = { 0 };

        begin();
        ear_on(&changed, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                set(values[i][0]);
                ck_assert_str_eq(world_read(CONTROL_FILE), values[i][1]);
        }
        /* The caller did it, not the service. */
        WAIT(changed.n == 5);
        ck_assert_uint_eq(ear_count(&changed, "'comm'=s:'test-set-proper'"), 5);
        _cleanup_message_ sd_bus_message *why = answer(world.bus, "Resolve", "ss", MODULES, "TaintEvents");
        ck_assert_ptr_nonnull(strstr(message_text(why), "'comm'=s:'test-set-proper'"));
}
END_TEST

START_TEST(refused_value)
{
        begin();
        set("success-only");
        set_fails("off", ERROR_REFUSED,
                "`off` is not allowed, expected one of enabled, success-only, failure-only, disabled; nothing "
                "is written");
        set_fails("", ERROR_REFUSED, "nothing is written");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "success-only base");
        ck_assert_str_eq(world_read(CONTROL_FILE), "1");
        set("success-only");
        set("disabled");
        ck_assert_str_eq(world_read(CONTROL_FILE), "0");
}
END_TEST

START_TEST(overruled)
{
        dropin_write("site.yaml", dropin_text("site", 5, "failure-only"));
        begin();
        WAIT(policy_is("Source", "'site'"));
        set_fails("disabled", ERROR_NOT_IN_FORCE, "layer site");
        ck_assert_str_eq(world_read(CONTROL_FILE), "2");
        /* What is in force anyway is no reason to complain. */
        set("failure-only");
}
END_TEST

START_TEST(no_provider)
{
        begin();
        set("success-only");
        daemon_kill(&world.registryd);
        set_fails("disabled", ERROR_UNAVAILABLE, "the registry provider does not answer");
        ck_assert_str_eq(world_read(CONTROL_FILE), "1");
        registryd_start(NULL);
        set("disabled");
        ck_assert_str_eq(world_read(CONTROL_FILE), "0");
}
END_TEST

START_TEST(no_control)
{
        world_remove(CONTROL_FILE);
        begin();
        set("disabled");
        ck_assert(policy_is("TaintEvents", "'disabled'"));
        ck_assert(policy_is("Live", "false"));
}
END_TEST

/* A control that is there and takes nothing: a limit on the size of files plays the failing disk. */
START_TEST(failing_control)
{
        struct rlimit old, none;

        begin();
        ck_assert_int_eq(prlimit(world.policyd.pid, RLIMIT_FSIZE, NULL, &old), 0);
        none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
        ck_assert_int_eq(prlimit(world.policyd.pid, RLIMIT_FSIZE, &none, NULL), 0);
        set_fails("success-only", ERROR_NOT_LIVE,
                "success-only is accepted, but not live: kernel.audit_taint_events");
        set_fails(
                "disabled", ERROR_NOT_LIVE, "disabled is accepted, but not live: kernel.audit_taint_events");
        ck_assert(policy_is("Live", "false"));
        ck_assert_int_eq(prlimit(world.policyd.pid, RLIMIT_FSIZE, &old, NULL), 0);
        /* The next look puts it right. */
        WAIT(strcmp(world_read(CONTROL_FILE), "0") == 0);
        WAIT(policy_is("Live", "true"));
        ck_assert(policy_is("Drifts", "0"));
}
END_TEST

static void set_other(
        const char *interface, const char *name, const char *type, uint32_t value, const char *expected)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = sd_bus_call_method(world.bus, POLICY_BUS_NAME, POLICY_PATH,
                "org.freedesktop.DBus.Properties", "Set", &error, NULL, "ssv", interface, name, type, value);
        ck_assert_int_lt(r, 0);
        ck_assert_msg(error.name && strcmp(error.name, expected) == 0, "%s: %s: %s", name, error.name,
                error.message);
        sd_bus_error_free(&error);
}

START_TEST(other_properties)
{
        begin();
        set_other(POLICY_INTERFACE, "TaintEvents", "u", 3, SD_BUS_ERROR_INVALID_ARGS);
        set_other(POLICY_INTERFACE, "Changes", "u", 3, SD_BUS_ERROR_PROPERTY_READ_ONLY);
        set_other(POLICY_INTERFACE, "NoSuch", "u", 3, SD_BUS_ERROR_UNKNOWN_PROPERTY);
        set_other("org.peios.NoSuch", "TaintEvents", "u", 3, SD_BUS_ERROR_UNKNOWN_PROPERTY);
        ck_assert(policy_is("TaintEvents", "'enabled'"));
}
END_TEST

START_TEST(callers_that_vanish)
{
        begin();
        for (unsigned i = 0; i < 10; i++) {
                sd_bus *bus = world_connect(geteuid());
                ck_assert_int_ge(
                        sd_bus_call_method_async(bus, NULL, POLICY_BUS_NAME, POLICY_PATH,
                                "org.freedesktop.DBus.Properties", "Set", NULL, NULL, "ssv",
                                POLICY_INTERFACE, "TaintEvents", "s", i % 2 ? "disabled" : "success-only"),
                        0);
                ck_assert_int_ge(sd_bus_flush(bus), 0);
                sd_bus_close_unref(bus);
        }
        set("failure-only");
        ck_assert_str_eq(world_read(CONTROL_FILE), "2");
}
END_TEST

static unsigned n_refused;

static int on_answer(sd_bus_message *m, _unused_ void *userdata, _unused_ sd_bus_error *error)
{
        n_refused += sd_bus_message_is_method_error(m, ERROR_LIMIT) > 0;
        return 0;
}

static void set_many(sd_bus *bus, unsigned n, unsigned refused)
{
        n_refused = 0;
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_ge(sd_bus_call_method_async(bus, NULL, POLICY_BUS_NAME, POLICY_PATH,
                                         "org.freedesktop.DBus.Properties", "Set", on_answer, NULL, "ssv",
                                         POLICY_INTERFACE, "TaintEvents", "s", "disabled"),
                        0);
        WAIT(sd_bus_process(bus, NULL) >= 0 && n_refused == refused);
        /* What is not refused waits. */
        ck_assert_int_ge(sd_bus_call_method(bus, POLICY_BUS_NAME, POLICY_PATH, "org.freedesktop.DBus.Peer",
                                 "Ping", NULL, NULL, ""),
                0);
        while (sd_bus_process(bus, NULL) > 0)
                ;
        ck_assert_uint_eq(n_refused, refused);
}

/* A provider that does not answer keeps them waiting: one user's do not use up what the bus lets the service
 * wait for. */
START_TEST(many_of_one_user)
{
        begin();
        sd_bus *bus = world_connect(UID_NOBODY);
        ck_assert_int_eq(kill(world.registryd.pid, SIGSTOP), 0);
        set_many(bus, OF_A_USER + 4, 4);
        ck_assert_int_eq(kill(world.registryd.pid, SIGCONT), 0);
        sd_bus_close_unref(bus);
        set("failure-only");
        ck_assert_str_eq(world_read(CONTROL_FILE), "2");
}
END_TEST

/* Others cannot take all places, however many they are. */
START_TEST(places_of_administrators)
{
        sd_bus *users[3];

        registryd_start(NULL);
        policyd_start("--admin-group=nogroup");
        WAIT(is_connected(1));
        ck_assert_int_eq(kill(world.registryd.pid, SIGSTOP), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(users); i++) {
                users[i] = world_connect(UID_FIRST + i);
                set_many(users[i], OF_A_USER, i < 2 ? 0 : OF_A_USER);
        }
        _cleanup_bus_ sd_bus *admin = world_connect(UID_NOBODY);
        set_many(admin, OF_A_USER + 1, 1);
        ck_assert_int_eq(kill(world.registryd.pid, SIGCONT), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(users); i++)
                sd_bus_close_unref(users[i]);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { in_force_at_once, refused_value, overruled, no_provider, no_control,
                failing_control, other_properties, callers_that_vanish, many_of_one_user,
                places_of_administrators };
        harness_add_privileged(tests, ARRAY_SIZE(tests), "that the property is set as its caller");
        return harness_main(NULL, 0);
}
