/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy service and a provider that is late, hangs, dies, comes back with news, or is not the provider
 * at all. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "dropin.h"

#define PATH "\\System\\Audit\\Modules\\TaintEvents"
#define ROUNDS 8u

START_TEST(changed_while_the_service_was_away)
{
        registryd_start(NULL);
        policyd_follow();
        daemon_stop(&world.policyd);
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        policyd_start(NULL);
        WAIT(control_is("2"));
        WAIT(policy_is("Changes", "1"));
        if (records_are_logged())
                ck_assert(daemon_said(&world.policyd,
                        "Policy '" PATH
                        "' changed from 'enabled' to 'failure-only', layer 'base', by 'test-link'"));
        ck_assert(!records_are_logged() || daemon_said(&world.policyd, "changed-while-away"));
        /* Nothing new: nothing is told. */
        WAIT(is_connected(2));
        daemon_stop(&world.policyd);
        policyd_start(NULL);
        WAIT(is_connected(3));
        WAIT(policy_is("Written", "'failure-only'"));
        ck_assert(policy_is("Changes", "0"));
        ck_assert(policy_is("NoOps", "0"));
}
END_TEST

START_TEST(changed_while_the_provider_was_away)
{
        registryd_start(NULL);
        policyd_follow();
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
        daemon_kill(&world.registryd);
        WAIT(daemon_said(&world.policyd, "the registry does not answer"));
        ck_assert(control_is("1"));
        ck_assert(policy_is("TaintEvents", "'success-only'"));
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        registryd_start(NULL);
        WAIT(control_is("0"));
        WAIT(policy_is("Changes", "2"));
        WAIT(!records_are_logged() || daemon_said(&world.policyd, "layer 'site', changed-while-away"));
}
END_TEST

START_TEST(restart_of_the_service)
{
        registryd_start(NULL);
        policyd_follow();
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(control_is("0"));
        /* Refused: the accepted one is what is kept. */
        set_string(world.bus, MODULES, "TaintEvents", "nonsense");
        WAIT(policy_is("Refused", "1"));
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
        world_write(CONTROL_FILE, "3\n");
        policyd_start(NULL);
        ck_assert(control_is("0"));
        ck_assert(policy_is("TaintEvents", "'disabled'"));
        registryd_start(NULL);
        WAIT(policy_is("Written", "'nonsense'"));
        ck_assert(control_is("0"));
        /* kill -9 makes no difference. */
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
        WAIT(policy_is("TaintEvents", "'success-only'"));
        daemon_kill(&world.policyd);
        daemon_kill(&world.registryd);
        world_write(CONTROL_FILE, "3\n");
        policyd_start(NULL);
        ck_assert(control_is("1"));
}
END_TEST

static int ignore_reply(_unused_ sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        (*(unsigned *)userdata)++;
        return 0;
}

START_TEST(killed_in_the_middle_of_sets)
{
        static const char *const values[] = { "disabled", "success-only", "failure-only", "enabled" };
        unsigned answered = 0, sent = 0;

        registryd_start(NULL);
        policyd_follow();
        for (unsigned round = 0; round < ROUNDS; round++) {
                for (unsigned i = 0; i < 20; i++, sent++)
                        ck_assert_int_ge(sd_bus_call_method_async(world.bus, NULL, REGISTRY_BUS_NAME,
                                                 REGISTRY_PATH, REGISTRY_INTERFACE, "Set", ignore_reply,
                                                 &answered, "ssuva{sv}", MODULES, "TaintEvents",
                                                 (uint32_t)REG_SZ, "s", values[(i + round) % 4], 0),
                                0);
                WAIT(answered > sent - 20 + round);
                daemon_kill(&world.registryd);
                WAIT(answered == sent);
                registryd_start(NULL);
        }
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(control_is("2"));
        WAIT(policy_is("TaintEvents", "'failure-only'"));
        WAIT(policy_is("Live", "true"));
        ck_assert(policy_is("Drifts", "0"));
        ck_assert(policy_is("Refused", "0"));
}
END_TEST

START_TEST(hanging_provider)
{
        registryd_start(NULL);
        policyd_follow();
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(control_is("2"));
        daemon_signal(&world.registryd, SIGSTOP);
        /* The last good value stays, and is kept in force. */
        ck_assert(policy_is("TaintEvents", "'failure-only'"));
        world_poke(CONTROL_FILE, "0\n");
        WAIT(control_is("2"));
        sd_bus_message_unref(policy_answer(world.bus, "Explain", ""));
        daemon_kill(&world.policyd);
        world_write(CONTROL_FILE, "0\n");
        /* It does not wait for who does not answer. */
        policyd_start(NULL);
        ck_assert(control_is("2"));
        ck_assert(policy_is("TaintEvents", "'failure-only'"));
        daemon_signal(&world.registryd, SIGCONT);
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
}
END_TEST

/* It answers after all, when nobody waits any more: the subscriptions that it made for nothing end. */
START_TEST(late_answers)
{
        registryd_start(NULL);
        daemon_signal(&world.registryd, SIGSTOP);
        policyd_start(NULL);
        WAIT(daemon_said(&world.policyd, "the registry does not answer"));
        daemon_signal(&world.registryd, SIGCONT);
        WAIT(is_connected(1));
        ck_assert(strcmp(registry_property(world.bus, "Subscriptions"), "4") > 0);
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        set_string(world.bus, "\\System\\Process", "PidMaxOnDrift", "report");
        set_string(world.bus, "\\System\\Audit\\Metrics", "TextFile", "");
        set_string(world.bus, "\\System\\Audit", "NoSetting", "");
        WAIT(control_is("1"));
        WAIT(strcmp(registry_property(world.bus, "Subscriptions"), "4") == 0);
}
END_TEST

/* Everybody may send signals; only the provider is believed. */
START_TEST(forged_signals)
{
        _cleanup_message_ sd_bus_message *owner = NULL;
        const char *policyd;

        registryd_start(NULL);
        policyd_follow();
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
        ck_assert_int_ge(sd_bus_call_method(world.bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                 "org.freedesktop.DBus", "GetNameOwner", NULL, &owner, "s", POLICY_BUS_NAME),
                0);
        ck_assert_int_ge(sd_bus_message_read(owner, "s", &policyd), 0);
        for (uint64_t id = 0; id < 8; id++) {
                _cleanup_message_ sd_bus_message *m = NULL;
                ck_assert_int_ge(sd_bus_message_new_signal(
                                         world.bus, &m, REGISTRY_PATH, REGISTRY_INTERFACE, "Changed"),
                        0);
                ck_assert_int_ge(sd_bus_message_set_destination(m, policyd), 0);
                ck_assert_int_ge(sd_bus_message_append(m, "tta{sv}a(sssuvsts)", id, UINT64_C(1000), 0, 1,
                                         "value-set", "Machine\\System\\Audit\\Modules", "TaintEvents",
                                         (uint32_t)REG_SZ, "s", "disabled", "base", UINT64_C(0), ""),
                        0);
                ck_assert_int_ge(sd_bus_send(world.bus, m, NULL), 0);
        }
        /* A later call is answered after them. */
        ck_assert(policy_is("TaintEvents", "'success-only'"));
        ck_assert(policy_is("Written", "'success-only'"));
        ck_assert(control_is("1"));
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(control_is("2"));
        ck_assert(policy_is("Changes", "2"));
}
END_TEST

START_TEST(the_bus_goes_away)
{
        registryd_start(NULL);
        policyd_follow();
        daemon_kill(&world.bus_daemon);
        ck_assert_int_eq(daemon_end(&world.registryd), EXIT_FAILURE);
        ck_assert_int_eq(daemon_end(&world.policyd), EXIT_FAILURE);
        ck_assert(daemon_said(&world.registryd, "the bus went away"));
        ck_assert(daemon_said(&world.policyd, "the bus went away"));
        /* And without one there is nothing to do, but the policy is in force. */
        world_write(CONTROL_FILE, "0\n");
        registryd_spawn();
        policyd_spawn();
        ck_assert_int_eq(daemon_end(&world.registryd), EXIT_FAILURE);
        ck_assert_int_eq(daemon_end(&world.policyd), EXIT_FAILURE);
        ck_assert(daemon_said(&world.registryd, "no connection to the system bus"));
        ck_assert(daemon_said(&world.policyd, "no connection to the system bus"));
        ck_assert(control_is("3"));
}
END_TEST

START_TEST(missing_is_told)
{
        static const char missing[] =
                "; the registry does not answer: what is written meanwhile is not known";

        registryd_start(NULL);
        policyd_follow();
        ck_assert(!explained(missing));
        daemon_kill(&world.registryd);
        WAIT(explained(missing));
        registryd_start(NULL);
        WAIT(!explained(missing));
}
END_TEST

/* It cannot start, and says why; returns how many lines it says. */
static unsigned second_says(const char *variable, const char *argument, const char *why)
{
        struct daemon second = { .name = "second", .notify_fd = -1 };
        _cleanup_free_ char *log = NULL;

        ck_assert(asprintf(&log, "%s/second.log", world.dir) > 0);
        (void)unlink(log);
        second.log = log;
        ck_assert_int_eq(run_program(&second, variable, argument), EXIT_FAILURE);
        ck_assert(daemon_said(&second, why));
        return daemon_count(&second, "\n");
}

/* The second one leaves alone what the first one has, and does not take a name that is taken. */
START_TEST(two_at_once)
{
        static const char in_use[] = "another instance uses this directory";
        _cleanup_free_ char *other = NULL;

        world_write("/proc/sys/kernel/tainted", "1\n");
        registryd_start(NULL);
        policyd_follow();
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
        WAIT(world_has(LAYOUT_POLICY_RUN "/taint-state"));
        /* Nothing of records that wait, either. */
        ck_assert_uint_eq(second_says("PEIOS_REGISTRYD", NULL, in_use), 1);
        ck_assert_uint_eq(second_says("PEIOS_POLICYD", NULL, in_use), 1);

        ck_assert(asprintf(&other, "--root=%s", world_path("/other")) > 0);
        world_write("/other/file", "");
        (void)second_says(
                "PEIOS_REGISTRYD", other, "org.peios.Registry1 is owned by another process on this bus");
        (void)second_says(
                "PEIOS_POLICYD", other, "org.peios.AuditPolicy1 is owned by another process on this bus");
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(control_is("2"));
}
END_TEST

/* A variable that is not set must not make it the real system. */
START_TEST(wrong_roots)
{
        static const struct {
                const char *argument, *said;
        } cases[] = {
                { "--root=", "--root=: expected a directory; the real root is /" },
                { "--root=/dev/null", "--root=/dev/null: expected a directory" },
                { "--root=/nowhere", "--root=/nowhere: No such file or directory" },
        };
        static const struct {
                const char *variable, *command, *word;
        } programs[] = { { "PEIOS_REGISTRYD", NULL, NULL }, { "PEIOS_POLICYD", NULL, NULL },
                { "PEIOS_POLICY_APPLY", NULL, NULL }, { "PEIOS_AUDITPOL", "taint", NULL },
                { "PEIOS_REG", "ls", "\\" } };
        struct daemon program = world.registryd;

        for (size_t k = 0; k < ARRAY_SIZE(programs); k++)
                for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                        unsigned before = daemon_count(&program, cases[i].said);
                        spawn_program(&program, programs[k].variable, cases[i].argument, programs[k].command,
                                programs[k].word);
                        ck_assert_int_eq(daemon_end(&program), EXIT_FAILURE);
                        ck_assert_msg(daemon_count(&program, cases[i].said) == before + 1, "%s %s",
                                programs[k].variable, cases[i].argument);
                }
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { changed_while_the_service_was_away,
                changed_while_the_provider_was_away, restart_of_the_service, killed_in_the_middle_of_sets,
                hanging_provider, late_answers, forged_signals, the_bus_goes_away, missing_is_told,
                two_at_once, wrong_roots };
        return harness_main(tests, ARRAY_SIZE(tests));
}
