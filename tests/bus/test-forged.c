/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Somebody who may not write sends every signal that a daemon or a tool listens to, to each of them: nothing
 * changes, nothing is shown, and nobody is deaf afterwards. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "harness-internal.h"

#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"
#define KEY "\\Test\\Key"
#define TAINTED "/proc/sys/kernel/tainted"
#define NAMES_MAX 64u
#define WORDS_MAX 8u
#define IDS 8u /* of subscriptions: they are numbers from 1 */

static struct daemon watch = { .name = "reg-watch", .notify_fd = -1 };
static struct daemon events = { .name = "auditpol-events", .notify_fd = -1 };
static struct daemon set = { .name = "reg-set", .notify_fd = -1 };

static sd_bus *forger;
static char forger_name[64];
static char names[NAMES_MAX][64]; /* of all clients but the forger */
static size_t n_names;

static void list_names(void)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *name;

        n_names = 0;
        ck_assert_int_ge(sd_bus_call_method(forger, BUS, BUS_PATH, BUS, "ListNames", NULL, &m, NULL), 0);
        ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "s"), 0);
        while (sd_bus_message_read(m, "s", &name) > 0) {
                if (name[0] != ':' || strcmp(name, forger_name) == 0)
                        continue;
                ck_assert_uint_lt(n_names, NAMES_MAX);
                (void)snprintf(names[n_names++], sizeof(names[0]), "%s", name);
        }
}

/* To everybody. */
static void forge(const char *path, const char *interface, const char *member, const char *types, ...)
{
        for (size_t i = 0; i < n_names; i++) {
                _cleanup_message_ sd_bus_message *m = NULL;
                va_list arguments;

                ck_assert_int_ge(sd_bus_message_new_signal(forger, &m, path, interface, member), 0);
                ck_assert_int_ge(sd_bus_message_set_destination(m, names[i]), 0);
                va_start(arguments, types);
                ck_assert_int_ge(sd_bus_message_appendv(m, types, arguments), 0);
                va_end(arguments);
                ck_assert_int_ge(sd_bus_send(forger, m, NULL), 0);
        }
}

static void forge_owner(const char *name, const char *old, const char *owner)
{
        forge(BUS_PATH, BUS, "NameOwnerChanged", "sss", name, old, owner);
}

static void forge_bus_signals(void)
{
        static const char *const services[] = { REGISTRY_BUS_NAME, POLICY_BUS_NAME };
        for (size_t i = 0; i < n_names; i++) {
                const char *name = names[i];
                forge_owner(name, name, "");
                for (size_t k = 0; k < ARRAY_SIZE(services); k++) {
                        forge_owner(services[k], name, "");
                        forge_owner(services[k], "", forger_name);
                        forge_owner(services[k], name, forger_name);
                }
        }
        forge(BUS_PATH, BUS, "NameLost", "s", REGISTRY_BUS_NAME);
        forge(BUS_PATH, BUS, "NameLost", "s", POLICY_BUS_NAME);
}

static void forge_service_signals(void)
{
        static const char modules[] = "Machine\\System\\Audit\\Modules";
        static const char *const taints[] = { "TaintSet", "TaintCleared" };

        for (uint64_t id = 0; id < IDS; id++) {
                forge(REGISTRY_PATH, REGISTRY_INTERFACE, "Changed", "tta{sv}a(sssuvsts)", id, UINT64_C(1000),
                        0, 1, "value-set", modules, "TaintEvents", (uint32_t)REG_SZ, "s", "disabled", "base",
                        UINT64_C(0), "");
                forge(REGISTRY_PATH, REGISTRY_INTERFACE, "Changed", "tta{sv}a(sssuvsts)", id, UINT64_C(1000),
                        0, 1, "overflow", modules, "", (uint32_t)REG_NONE, "ay", 0, "", UINT64_C(0), "");
                forge(REGISTRY_PATH, REGISTRY_INTERFACE, "Changed", "tta{sv}a(sssuvsts)", id, UINT64_C(1000),
                        0, 1, "value-set", "Machine\\Test\\Key", "V", (uint32_t)REG_SZ, "s", "sham", "base",
                        UINT64_C(0), "");
        }
        forge(REGISTRY_PATH, REGISTRY_INTERFACE, "Started", "t", UINT64_C(1));
        for (size_t i = 0; i < ARRAY_SIZE(taints); i++)
                forge(POLICY_PATH, POLICY_INTERFACE, taints[i], "a{sv}", 3, "taint", "s", "sham", "reason",
                        "s", "sham", "bit", "u", (uint32_t)3);
        forge(POLICY_PATH, POLICY_INTERFACE, "PolicyChanged", "sssba{sv}", modules, "enabled", "sham", 1, 0);
        forge(POLICY_PATH, POLICY_INTERFACE, "PolicyRefused", "ssss", modules, "sham", "enabled", "sham");
        forge(POLICY_PATH, POLICY_INTERFACE, "DriftDetected", "sssss", modules, "c", "3", "0", "sham");
        forge(POLICY_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                POLICY_INTERFACE, 1, "TaintEvents", "s", "sham", 0);
        forge(REGISTRY_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                REGISTRY_INTERFACE, 1, "Sequence", "t", UINT64_C(1000), 0);
}

/* The bus ends a connection that sends this: it does not come through in any case. */
static void forge_disconnected(void)
{
        sd_bus *own = forger;

        forger = world_connect(UID_NOBODY);
        for (size_t i = 0; i < n_names; i++) {
                _cleanup_message_ sd_bus_message *m = NULL;
                if (sd_bus_message_new_signal(forger, &m, BUS_PATH "/Local", BUS ".Local", "Disconnected") >=
                                0 &&
                        sd_bus_message_set_destination(m, names[i]) >= 0)
                        (void)sd_bus_send(forger, m, NULL);
        }
        (void)sd_bus_flush_close_unref(forger);
        forger = own;
}

static void forge_all_but_calls(void)
{
        list_names();
        forge_bus_signals();
        forge_service_signals();
        ck_assert_int_ge(sd_bus_flush(forger), 0);
        forge_disconnected();
}

/* Everything comes from the bus in one order to each client: a call that is answered comes behind it all. */
static void forge_all(void)
{
        forge_all_but_calls();
        sd_bus_message_unref(answer(forger, "Info", "s", "Machine"));
        sd_bus_message_unref(policy_answer(forger, "Explain", ""));
}

static void begin(void)
{
        const char *name;

        registryd_start(NULL);
        policyd_follow();
        forger = world_connect(UID_NOBODY);
        ck_assert_int_ge(sd_bus_get_unique_name(forger, &name), 0);
        (void)snprintf(forger_name, sizeof(forger_name), "%s", name);
}

static void begin_with_control(void)
{
        begin();
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
}

static void end(void)
{
        forger = sd_bus_flush_close_unref(forger);
}

/* The first word is the variable that names the program. */
static void tool_begin(struct daemon *d, const char *const *words)
{
        char *arguments[WORDS_MAX] = { (char *)program_of(words[0]) };

        for (size_t i = 1; words[i] && i < WORDS_MAX - 1; i++)
                arguments[i] = (char *)words[i];
        ck_assert(asprintf(&d->log, "%s/%s.log", world.dir, d->name) > 0);
        daemon_spawn(d, arguments[0], arguments);
}

static void tool_end(struct daemon *d)
{
        daemon_kill(d);
        free(STEAL_PTR(d->log));
}

static unsigned subscriptions(void)
{
        return (unsigned)strtoul(registry_property(world.bus, "Subscriptions"), NULL, 10);
}

START_TEST(daemons)
{
        _cleanup_ear_ struct ear ear = { 0 };

        begin_with_control();
        ear_on_changes(&ear, world.bus);
        subscribe(world.bus, KEY, false);
        unsigned before = subscriptions();
        for (unsigned round = 0; round < 3; round++)
                forge_all();
        ck_assert_uint_eq(subscriptions(), before);
        ck_assert(policy_is("TaintEvents", "'success-only'"));
        ck_assert(policy_is("Written", "'success-only'"));
        ck_assert(policy_is("Refused", "0"));
        ck_assert(control_is("1"));
        ck_assert_uint_eq(daemon_count(&world.policyd, "following the registry"), 1);
        ck_assert(!daemon_said(&world.policyd, "the registry does not answer"));
        ck_assert(!daemon_said(&world.policyd, "the bus went away"));
        ck_assert(!daemon_said(&world.registryd, "the bus went away"));
        /* Who subscribed still hears, and what root writes is in force. */
        set_string(world.bus, KEY, "V", "1");
        WAIT(ear_heard(&ear, "s:'1'"));
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(control_is("2"));
        ck_assert(policy_is("Changes", "2"));
        end();
}
END_TEST

/* Who comes anew is believed, though another one had the name. */
START_TEST(provider_that_comes_anew)
{
        begin_with_control();
        forge_all();
        daemon_kill(&world.registryd);
        WAIT(daemon_said(&world.policyd, "the registry does not answer (the registry provider went away)"));
        registryd_start(NULL);
        WAIT(daemon_count(&world.policyd, "following the registry") == 2);
        forge_all();
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(control_is("2"));
        end();
}
END_TEST

START_TEST(watching)
{
        begin_with_control();
        unsigned before = subscriptions();
        tool_begin(&watch, (const char *const[]){ "PEIOS_REG", "watch", KEY, NULL });
        WAIT(subscriptions() == before + 1);
        forge_all();
        set_string(world.bus, KEY, "V", "true");
        WAIT(daemon_said(&watch, "true"));
        ck_assert(!daemon_said(&watch, "sham"));
        ck_assert(!daemon_said(&watch, "provider-gone"));
        ck_assert(!daemon_said(&watch, "restarted"));
        ck_assert(!daemon_said(&watch, "overflow"));
        /* But what the bus itself says is shown. */
        daemon_kill(&world.registryd);
        WAIT(daemon_said(&watch, "provider-gone"));
        registryd_start(NULL);
        WAIT(daemon_said(&watch, "restarted"));
        forge_all();
        set_string(world.bus, KEY, "V", "again");
        WAIT(daemon_said(&watch, "again"));
        ck_assert(!daemon_said(&watch, "sham"));
        ck_assert_uint_eq(daemon_count(&watch, "restarted"), 1);
        tool_end(&watch);
        end();
}
END_TEST

static void load_module(const char *mask)
{
        world_write("/proc/modules", "m 1 0 - Live 0x0 (OE)\n");
        world_replace(TAINTED, mask);
}

START_TEST(following_events)
{
        world_remove(CONTROL_FILE);
        world_write(TAINTED, "0\n");
        world_write("/proc/modules", "");
        begin();
        tool_begin(&events, (const char *const[]){ "PEIOS_AUDITPOL", "events", "--follow", NULL });
        load_module("4096\n");
        WAIT(daemon_said(&events, "OOT_MODULE"));
        forge_all();
        /* It follows the service, whoever that is. */
        daemon_kill(&world.policyd);
        policyd_start(NULL);
        forge_all();
        load_module("12288\n");
        WAIT(daemon_said(&events, "UNSIGNED_MODULE"));
        ck_assert(!daemon_said(&events, "sham"));
        tool_end(&events);
        end();
}
END_TEST

/* It waits for a provider that hangs. */
static void set_meanwhile(const char *const *words, const char *control)
{
        list_names();
        size_t before = n_names;
        daemon_signal(&world.registryd, SIGSTOP);
        tool_begin(&set, words);
        do
                list_names();
        while (n_names == before);
        forge_all_but_calls();
        daemon_signal(&world.registryd, SIGCONT);
        ck_assert_int_eq(daemon_end(&set), 0);
        WAIT(control_is(control));
        ck_assert(!daemon_said(&set, "sham"));
        free(STEAL_PTR(set.log));
}

START_TEST(setting)
{
        begin_with_control();
        set_meanwhile(
                (const char *const[]){ "PEIOS_REG", "set", MODULES, "TaintEvents", "failure-only", NULL },
                "2");
        set_meanwhile((const char *const[]){ "PEIOS_AUDITPOL", "set", "disabled", NULL }, "0");
        end();
}
END_TEST

int main(void)
{
        const TTest *const privileged[] = { daemons, provider_that_comes_anew, watching, following_events,
                setting };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "to send signals as another user");
        return harness_main(NULL, 0);
}
