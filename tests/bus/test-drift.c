/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controls that somebody else writes to, that are not there, that come and go. */
#include <string.h>

#include "client.h"

#define PATH "\\System\\Audit\\Modules\\TaintEvents"
/* Rounds of putting back before a fight is given up: DRIFT_ROUNDS of the policy. */
#define ROUNDS 5u

static struct ear drifts;

static void begin(void)
{
        registryd_start(NULL);
        policyd_start(NULL);
        ear_on(&drifts, world.bus, POLICY_PATH, POLICY_INTERFACE, "DriftDetected");
        WAIT(daemon_said(&world.policyd, "following the registry"));
}

START_TEST(put_back)
{
        begin();
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
        world_poke(CONTROL_FILE, "0\n");
        WAIT(drifts.n == 1);
        ck_assert_str_eq(drifts.heard[0], "'" PATH "' 'kernel.audit_taint_events' '1' '0' 'put-back'");
        ck_assert_str_eq(world_read(CONTROL_FILE), "1");
        ck_assert(policy_is("Drifts", "1"));
        ck_assert(policy_is("Live", "true"));
        ck_assert(policy_is("ControlValue", "'1'"));
        ck_assert(policy_is("Changes", "1"));
        if (records_are_logged())
                ck_assert(daemon_said(&world.policyd,
                        "Control 'kernel.audit_taint_events' holds '0' where '1' is in force, put-back"));
        /* Another way to write the same is none. */
        world_replace(CONTROL_FILE, "\t1  \n");
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(policy_is("NoOps", "1"));
        ck_assert_uint_eq(drifts.n, 1);
}
END_TEST

START_TEST(fight)
{
        begin();
        for (unsigned i = 0; i < ROUNDS; i++) {
                world_poke(CONTROL_FILE, "0\n");
                WAIT(drifts.n == i + 1);
                ck_assert(control_is("3"));
        }
        ck_assert_uint_eq(ear_count(&drifts, "'put-back'"), ROUNDS);
        world_poke(CONTROL_FILE, "0\n");
        WAIT(drifts.n == ROUNDS + 1);
        ck_assert(ear_heard(&drifts, "'gave-up'"));
        ck_assert(policy_is("Live", "false"));
        ck_assert(policy_is("LastError", "'kernel.audit_taint_events holds '0', not '3''"));
        /* Said once, and left alone. */
        world_poke(CONTROL_FILE, "1\n");
        WAIT(policy_is("ControlValue", "'1'"));
        ck_assert_uint_eq(drifts.n, ROUNDS + 1);
        ck_assert(control_is("1"));
        ck_assert_uint_eq(daemon_count(&world.policyd, "it is left alone for a while"), 1);
        /* Until somebody says so, or the policy changes. */
        sd_bus_message_unref(policy_answer(world.bus, "Apply", ""));
        ck_assert(control_is("3"));
        ck_assert(policy_is("Live", "true"));
        ck_assert(policy_is("LastError", "''"));
        world_poke(CONTROL_FILE, "0\n");
        WAIT(drifts.n == ROUNDS + 2);
        ck_assert(control_is("3"));
}
END_TEST

START_TEST(reported)
{
        begin();
        set_string(world.bus, MODULES, "TaintEventsOnDrift", "report");
        /* Told of in this order: the mode is there once the value is. */
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(control_is("2"));
        world_poke(CONTROL_FILE, "0\n");
        WAIT(drifts.n == 1);
        ck_assert_str_eq(drifts.heard[0], "'" PATH "' 'kernel.audit_taint_events' '2' '0' 'reported'");
        ck_assert(control_is("0"));
        ck_assert(policy_is("Live", "false"));
        ck_assert(policy_is("TaintEvents", "'failure-only'"));
        _cleanup_message_ sd_bus_message *m = policy_answer(world.bus, "Explain", "");
        ck_assert_ptr_nonnull(strstr(message_text(m), "'failure-only' '' 'disabled' '"));
        /* Neither word: what was in force for it stays. */
        set_string(world.bus, MODULES, "TaintEventsOnDrift", "ignore");
        WAIT(!records_are_logged() ||
                daemon_said(&world.policyd, "TaintEventsOnDrift': value 'ignore' refused"));
        ck_assert(control_is("0"));
        set_string(world.bus, MODULES, "TaintEventsOnDrift", "Reapply");
        WAIT(control_is("2"));
        WAIT(policy_is("Live", "true"));
        set_string(world.bus, MODULES, "TaintEventsOnDrift", "report");
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
        /* Withdrawn: the default of the schema. */
        delete_value(world.bus, MODULES, "TaintEventsOnDrift");
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        WAIT(control_is("3"));
        world_poke(CONTROL_FILE, "0\n");
        WAIT(control_is("3"));
}
END_TEST

START_TEST(absent)
{
        _cleanup_ear_ struct ear properties = { 0 };

        world_remove(CONTROL_FILE);
        begin();
        ear_on(&properties, world.bus, POLICY_PATH, NULL, NULL);
        ck_assert(policy_is("Live", "false"));
        ck_assert(policy_is("ControlValue", "''"));
        ck_assert(policy_is("LastError", "'this kernel has no control kernel.audit_taint_events'"));
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(policy_is("TaintEvents", "'disabled'"));
        ck_assert(!world_has(CONTROL_FILE));

        world_replace(CONTROL_FILE, "3\n");
        WAIT(control_is("0"));
        WAIT(ear_heard(&properties, "'Live'=b:true"));
        ck_assert(policy_is("LastError", "''"));
        WAIT(!records_are_logged() ||
                daemon_said(&world.policyd, "Control 'kernel.audit_taint_events' appeared"));

        for (unsigned i = 1; i <= 2; i++) {
                ear_clear(&properties);
                world_remove(CONTROL_FILE);
                WAIT(ear_heard(&properties, "'Live'=b:false"));
                ck_assert(policy_is("LastError", "'the control kernel.audit_taint_events went away'"));
                ck_assert(policy_is("ControlValue", "''"));
                WAIT(!records_are_logged() ||
                        daemon_count(&world.policyd, "Control 'kernel.audit_taint_events' went away") == i);
                world_replace(CONTROL_FILE, "3\n");
                WAIT(control_is("0"));
                WAIT(policy_is("Live", "true"));
        }
        /* Neither coming nor going is drift. */
        ck_assert_uint_eq(drifts.n, 0);
        ck_assert(policy_is("Drifts", "0"));
}
END_TEST

START_TEST(no_directory)
{
        world_remove("/proc");
        begin();
        ck_assert(policy_is("Live", "false"));
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(policy_is("TaintEvents", "'success-only'"));
        world_replace(CONTROL_FILE, "3\n");
        WAIT(control_is("1"));
        world_remove("/proc");
        WAIT(policy_is("Live", "false"));
        world_replace(CONTROL_FILE, "3\n");
        WAIT(control_is("1"));
}
END_TEST

/* Another file in its place, as when a module is unloaded and loaded again between two looks. */
START_TEST(another_inode)
{
        begin();
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
        for (unsigned i = 0; i < 2; i++) {
                world_replace(CONTROL_FILE, "0\n");
                WAIT(drifts.n == i + 1);
                ck_assert(control_is("1"));
                ck_assert(policy_is("Live", "true"));
        }
        /* It is the new one that is watched now. */
        world_poke(CONTROL_FILE, "2\n");
        WAIT(drifts.n == 3);
        ck_assert(control_is("1"));
}
END_TEST

/* What others write need not be text. */
START_TEST(odd_bytes)
{
        begin();
        set_string(world.bus, MODULES, "TaintEventsOnDrift", "report");
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(control_is("2"));
        world_poke(CONTROL_FILE, "\xFF\n");
        WAIT(drifts.n == 1);
        ck_assert_ptr_nonnull(strstr(drifts.heard[0], "'2' '\xEF\xBF\xBD' 'reported'"));
        ck_assert(policy_is("ControlValue", "'\xEF\xBF\xBD'"));
        ck_assert_ptr_nonnull(strstr(policy_property(world.bus, "LastError"), "holds '\xEF\xBF\xBD'"));
        _cleanup_message_ sd_bus_message *explained = policy_answer(world.bus, "Explain", "");
        ck_assert_ptr_nonnull(strstr(message_text(explained), "holds '\xEF\xBF\xBD'"));
        _cleanup_message_ sd_bus_message *listed = policy_answer(world.bus, "ListSettings", "");
        ck_assert_ptr_nonnull(strstr(message_text(listed), "'\xEF\xBF\xBD'"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { put_back, reported, odd_bytes, absent, no_directory, another_inode };
        const TTest *const privileged[] = { fight };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "how a fight ends");
        return harness_main(tests, ARRAY_SIZE(tests));
}
