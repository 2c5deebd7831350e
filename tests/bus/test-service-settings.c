/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values that steer the policy service itself: followed live, and their changes are changes of the policy.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dropin.h"

#define CAPTURE MODULES "\\TaintCapture"
#define ON_DRIFT MODULES "\\TaintEventsOnDrift"

static struct ear changed, refusals;

static void begin(void)
{
        registryd_start(NULL);
        policyd_start(NULL);
        ear_on(&changed, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        ear_on(&refusals, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyRefused");
        WAIT(daemon_said(&world.policyd, "following the registry"));
}

static void again(void)
{
        unsigned before = daemon_count(&world.policyd, "following the registry");
        policyd_start(NULL);
        WAIT(daemon_count(&world.policyd, "following the registry") > before);
}

/* All that was written before has been dealt with. */
static void settle(void)
{
        static bool odd;
        const char *value = (odd = !odd) ? "success-only" : "enabled";

        set_string(world.bus, MODULES, "TaintEvents", value);
        WAIT(ear_heard(&changed, value));
}

static void ears_done(void)
{
        ear_done(&changed);
        ear_done(&refusals);
}

static unsigned records(const char *path)
{
        char text[128];

        (void)snprintf(text, sizeof(text), "Policy '%s' changed", path);
        return daemon_count(&world.policyd, text);
}

START_TEST(each_setting)
{
        static const struct {
                const char *name, *value, *canonical, *old;
        } cases[] = {
                { "TaintCapture", "Forensic", "forensic", "standard" },
                { "TaintCapture", "standard", "standard", "forensic" },
                { "TaintEventsOnDrift", "report", "report", "reapply" },
                { "TaintEventsOnDrift", "REAPPLY", "reapply", "report" },
        };
        char text[256];

        begin();
        ck_assert(policy_is("TaintCapture", "'standard'"));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ear_clear(&changed);
                set_string(world.bus, MODULES, cases[i].name, cases[i].value);
                (void)snprintf(text, sizeof(text), "'%s\\%s' '%s' '%s' true ['pid'=u:%d, 'uid'=u:%u, ",
                        MODULES, cases[i].name, cases[i].old, cases[i].canonical, getpid(), geteuid());
                WAIT(ear_heard(&changed, text));
                set_string(world.bus, MODULES, cases[i].name, cases[i].canonical);
                settle();
                ck_assert_uint_eq(ear_count(&changed, cases[i].name), 1);
        }
        if (records_are_logged()) {
                ck_assert_uint_eq(records(CAPTURE), 2);
                ck_assert_uint_eq(records(ON_DRIFT), 2);
        }
        ears_done();
}
END_TEST

START_TEST(drift_mode)
{
        begin();
        set_string(world.bus, MODULES, "TaintEventsOnDrift", "report");
        WAIT(ear_heard(&changed, "'report'"));
        world_poke(CONTROL_FILE, "0\n");
        WAIT(policy_is("ControlValue", "'0'"));
        set_string(world.bus, MODULES, "TaintEventsOnDrift", "nonsense");
        WAIT(ear_heard(&refusals, "'" ON_DRIFT "' 'nonsense' 'report' '"));
        ck_assert_str_eq(world_read(CONTROL_FILE), "0");
        delete_value(world.bus, MODULES, "TaintEventsOnDrift");
        WAIT(strcmp(world_read(CONTROL_FILE), "3") == 0);
        ears_done();
}
END_TEST

START_TEST(refused_value)
{
        begin();
        set_string(world.bus, MODULES, "TaintCapture", "forensic");
        WAIT(policy_is("TaintCapture", "'forensic'"));
        set_string(world.bus, MODULES, "TaintCapture", "all");
        WAIT(ear_heard(&refusals,
                "'" CAPTURE
                "' 'all' 'forensic' '`all` is not allowed, expected one of standard, forensic'"));
        ck_assert(policy_is("TaintCapture", "'forensic'"));
        set_number(world.bus, MODULES, "TaintCapture", 1);
        WAIT(ear_heard(&refusals, "REG_DWORD"));
        if (records_are_logged())
                ck_assert_uint_eq(daemon_count(&world.policyd, "value 'all' refused, 'forensic' stays"), 1);
        /* What is refused still is not told of again. */
        daemon_stop(&world.policyd);
        ear_clear(&refusals);
        again();
        settle();
        ck_assert_uint_eq(refusals.n, 0);
        ck_assert(policy_is("TaintCapture", "'forensic'"));
        ears_done();
}
END_TEST

START_TEST(over_a_restart)
{
        begin();
        set_string(world.bus, MODULES, "TaintCapture", "forensic");
        WAIT(ear_heard(&changed, "'forensic'"));
        daemon_stop(&world.policyd);
        ear_clear(&changed);
        again();
        settle();
        ck_assert_uint_eq(ear_count(&changed, "TaintCapture"), 0);
        ck_assert(policy_is("TaintCapture", "'forensic'"));

        /* Without the registry the last one stays. */
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
        policyd_start(NULL);
        ck_assert(policy_is("TaintCapture", "'forensic'"));
        daemon_stop(&world.policyd);

        registryd_start(NULL);
        set_string(world.bus, MODULES, "TaintCapture", "standard");
        ear_clear(&changed);
        again();
        WAIT(ear_heard(&changed, "'" CAPTURE "' 'forensic' 'standard' true"));
        ears_done();
}
END_TEST

START_TEST(from_a_file)
{
        dropin_write("site.yaml", "peios-registry: 1\nlayer: site\nprecedence: 5\nkeys:\n"
                                  "  \\System\\Audit\\Modules:\n    TaintCapture: !sz forensic\n");
        begin();
        WAIT(policy_is("TaintCapture", "'forensic'"));
        /* It was so before anybody looked. */
        ck_assert_uint_eq(ear_count(&changed, "TaintCapture"), 0);
        world_remove(LAYOUT_DROPINS_ADMIN);
        WAIT(ear_heard(&changed, "'" CAPTURE "' 'forensic' 'standard' true []"));
        ears_done();
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { each_setting, drift_mode, refused_value, over_a_restart,
                from_a_file };
        Suite *suite = suite_create("service-settings");
        harness_add(suite, tests, ARRAY_SIZE(tests));
        return harness_main(suite);
}
