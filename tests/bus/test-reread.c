/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A provider that forgets to tell of changes, or ends what listens to it. The test plays it, on the
 * connection that is root's. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

static struct {
        char *value;       /* of TaintEvents; NULL: none */
        const char *error; /* of all others */
        uint64_t sequence;
        unsigned subscribed, unsubscribed, resolved, read;
} provider;

static bool is_taint_events(const char *key, const char *name)
{
        return provider.value && strcmp(key, "Machine" MODULES) == 0 && strcmp(name, "TaintEvents") == 0;
}

static int answer_resolve(sd_bus_message *m)
{
        const char *key, *name;

        provider.resolved++;
        ck_assert_int_ge(sd_bus_message_read(m, "ss", &key, &name), 0);
        return is_taint_events(key, name)
                       ? sd_bus_reply_method_return(m, "bsa(sustuvsts)a{sv}", 1, key, 1, "base", 0u, "",
                                 provider.sequence, (uint32_t)REG_SZ, "s", provider.value, "wins",
                                 UINT64_C(0), "", 0)
                       : sd_bus_reply_method_return(m, "bsa(sustuvsts)a{sv}", 0, key, 0, 0);
}

static int answer_get_many(sd_bus_message *m)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *key, *name;

        provider.read++;
        ck_assert_int_ge(sd_bus_message_new_method_return(m, &reply), 0);
        ck_assert_int_ge(sd_bus_message_open_container(reply, 'a', "(ssuvts)"), 0);
        ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "(ss)"), 0);
        while (sd_bus_message_read(m, "(ss)", &key, &name) > 0)
                ck_assert_int_ge(is_taint_events(key, name)
                                         ? sd_bus_message_append(reply, "(ssuvts)", "", "", (uint32_t)REG_SZ,
                                                   "s", provider.value, provider.sequence, "base")
                                 : provider.error
                                         ? sd_bus_message_append(reply, "(ssuvts)", provider.error, "why",
                                                   (uint32_t)REG_NONE, "ay", 0, UINT64_C(0), "")
                                         : sd_bus_message_append(reply, "(ssuvts)", "", "", (uint32_t)REG_SZ,
                                                   "s", "a default", UINT64_C(0), "default"),
                        0);
        ck_assert_int_ge(sd_bus_message_close_container(reply), 0);
        return sd_bus_send(NULL, reply, NULL);
}

static int on_call(sd_bus_message *m, _unused_ void *userdata, _unused_ sd_bus_error *error)
{
        if (sd_bus_message_is_method_call(m, REGISTRY_INTERFACE, "Subscribe"))
                return sd_bus_reply_method_return(
                        m, "tt", (uint64_t)++provider.subscribed, provider.sequence);
        if (sd_bus_message_is_method_call(m, REGISTRY_INTERFACE, "Unsubscribe")) {
                provider.unsubscribed++;
                return 1;
        }
        if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Get"))
                return sd_bus_reply_method_return(m, "v", "as", 1, "Machine");
        if (sd_bus_message_is_method_call(m, REGISTRY_INTERFACE, "Resolve"))
                return answer_resolve(m);
        return sd_bus_message_is_method_call(m, REGISTRY_INTERFACE, "GetMany") ? answer_get_many(m) : 0;
}

static void write_silently(const char *value)
{
        free(provider.value);
        provider.value = value ? strdup(value) : NULL;
        provider.sequence++;
}

static void begin(void)
{
        write_silently("success-only");
        ck_assert_int_ge(sd_bus_add_object(world.bus, NULL, REGISTRY_PATH, on_call, NULL), 0);
        ck_assert_int_ge(sd_bus_request_name(world.bus, REGISTRY_BUS_NAME, 0), 0);
        policyd_start(NULL);
        WAIT(control_is("1"));
        WAIT(daemon_said(&world.policyd, "following the registry"));
}

START_TEST(nothing_is_missed)
{
        begin();
        unsigned subscribed = provider.subscribed, resolved = provider.resolved;
        /* One question a time for everything, and no other. */
        WAIT(provider.read >= 3);
        ck_assert_uint_eq(provider.subscribed, subscribed);
        ck_assert_uint_eq(provider.resolved, resolved);
        ck_assert_uint_eq(provider.unsubscribed, 0);
        ck_assert(!daemon_said(&world.policyd, "is not what the registry reported last"));
        write_silently(NULL);
}
END_TEST

START_TEST(missed)
{
        begin();
        unsigned subscribed = provider.subscribed;
        write_silently("disabled");
        WAIT(control_is("0"));
        WAIT(daemon_said(&world.policyd,
                "Machine" MODULES "\\TaintEvents is not what the registry reported last; subscribing anew"));
        WAIT(provider.subscribed == 2 * subscribed);
        WAIT(provider.unsubscribed == subscribed);
        WAIT(!records_are_logged() || daemon_said(&world.policyd, "signal-missed"));
        /* Each time, a value that is gone as well; and what is no change is none. */
        write_silently(NULL);
        WAIT(control_is("3"));
        WAIT(provider.subscribed == 3 * subscribed);
        unsigned read = provider.read;
        WAIT(provider.read >= read + 2);
        ck_assert_uint_eq(provider.subscribed, 3 * subscribed);
        ck_assert_uint_eq(daemon_count(&world.policyd, "subscribing anew"), 2);
}
END_TEST

/* What is wrong with others is theirs. */
START_TEST(missed_beside_others_without_value)
{
        static const char *const errors[] = { ERROR_NOT_FOUND, ERROR_CORRUPT };

        begin();
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                provider.error = errors[i];
                unsigned subscribed = provider.subscribed, read = provider.read;
                WAIT(provider.read >= read + 2);
                ck_assert_uint_eq(provider.subscribed, subscribed);
                write_silently(i ? "success-only" : "disabled");
                WAIT(control_is(i ? "1" : "0"));
        }
        /* It was none when all was read. */
        unsigned subscribed = provider.subscribed;
        provider.error = ERROR_BAD_LINK;
        WAIT(provider.subscribed > subscribed);
        provider.error = NULL;
        write_silently(NULL);
}
END_TEST

/* To each subscription behind the first `n`, of MODULES. */
static void send_to_all_behind(unsigned n, const char *kind, const char *value)
{
        for (uint64_t id = n + 1; id <= provider.subscribed; id++)
                ck_assert_int_ge(
                        sd_bus_emit_signal(world.bus, REGISTRY_PATH, REGISTRY_INTERFACE, "Changed",
                                "tta{sv}a(sssuvsts)", id, provider.sequence, 0, 1, kind, "Machine" MODULES,
                                "TaintEvents", (uint32_t)REG_SZ, "s", value, "base", UINT64_C(0), ""),
                        0);
}

/* Who listened subscribes anew, once to each key, and hears what comes then. */
START_TEST(ended)
{
        struct daemon fleetd = { .name = "fleetd", .notify_fd = -1 },
                      watch = { .name = "watch", .notify_fd = -1 };
        _cleanup_free_ char *fleetd_log = NULL, *watch_log = NULL;

        ck_assert(asprintf(&fleetd_log, "%s/fleetd.log", world.dir) > 0);
        ck_assert(asprintf(&watch_log, "%s/watch.log", world.dir) > 0);
        fleetd.log = fleetd_log;
        watch.log = watch_log;
        begin();
        unsigned of_policy = provider.subscribed;
        spawn_program(&watch, "PEIOS_REG", "watch", "-q", MODULES);
        WAIT(provider.subscribed == of_policy + 1);
        if (getenv("PEIOS_FLEETD")) {
                spawn_program(&fleetd, "PEIOS_FLEETD", NULL, NULL, NULL);
                WAIT(provider.subscribed == of_policy + 2);
        }
        const unsigned all = provider.subscribed;
        send_to_all_behind(0, "ended", "");
        WAIT(daemon_said(&watch, "restarted"));
        WAIT(provider.subscribed >= 2 * all);
        write_silently("failure-only");
        send_to_all_behind(all, "value-set", "failure-only");
        WAIT(control_is("2"));
        WAIT(daemon_said(&watch, "failure-only"));
        ck_assert_uint_eq(provider.subscribed, 2 * all);
        daemon_kill(&watch);
        daemon_kill(&fleetd);
        write_silently(NULL);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { nothing_is_missed, missed, missed_beside_others_without_value,
                ended };
        return harness_main(tests, ARRAY_SIZE(tests));
}
