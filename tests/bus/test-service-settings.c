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
        return daemon_count(&world.policyd, textf("Policy '%s' changed", path));
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

        begin();
        ck_assert(policy_is("TaintCapture", "'standard'"));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ear_clear(&changed);
                set_string(world.bus, MODULES, cases[i].name, cases[i].value);
                WAIT(ear_heard(&changed,
                        textf("'%s\\%s' '%s' '%s' true ['actor'=s:'known', 'pid'=u:%d, 'uid'=u:%u, ",
                                MODULES, cases[i].name, cases[i].old, cases[i].canonical, getpid(),
                                geteuid())));
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
        policyd_follow();
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
        policyd_follow();
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
        policyd_follow();
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
        WAIT(ear_heard(&changed, "'" CAPTURE "' 'forensic' 'standard' true ['actor'=s:'unknown']"));
        ears_done();
}
END_TEST

static struct daemon tool = { .name = "tool" };

static bool says(
        const char *program, const char *first, const char *second, const char *third, const char *text)
{
        if (!tool.log)
                ck_assert(asprintf(&tool.log, "%s/tool.log", world.dir) > 0);
        (void)unlink(tool.log);
        spawn_program(&tool, program, first, second, third);
        ck_assert_int_eq(daemon_end(&tool), 0);
        return daemon_said(&tool, text);
}

/* The service's own settings are shown as those that are bound to a control are, and so is what is wrong. */
START_TEST(shown)
{
        begin();
        ck_assert(settings_have(
                "('" CAPTURE "' '' 'default' 'standard' '' '' true '' '' 'Nothing is written; "
                "standard is in force, the default of the schema (What set the bit, and who.).' 0 '')"));
        ck_assert(settings_have("('" ON_DRIFT "' '' 'default' 'reapply' '' '' true '' ''"));
        set_string(world.bus, "\\System\\Audit\\Metrics", "TextFile", "/nowhere/a.prom");
        WAIT(settings_have("TextFile' '/nowhere/a.prom' 'base' '/nowhere/a.prom' '' '' false '' "
                           "'No such file or directory'"));
        ck_assert(says("PEIOS_AUDITPOL", "status", NULL, NULL,
                "\n\\System\\Audit\\Metrics\\TextFile\n  written   /nowhere/a.prom (layer base)\n"
                "  accepted  /nowhere/a.prom\n  live      no: No such file or directory\n"));
        ck_assert(says("PEIOS_AUDITPOL", "status", NULL, NULL,
                CAPTURE "\n  written   nothing\n  accepted  standard\n  live      yes\n"));
        ck_assert(says("PEIOS_AUDITPOL", "explain", NULL, NULL,
                "\n\\System\\Audit\\Metrics\\TextFile: /nowhere/a.prom is in force, from layer base; not live: "
                "No such file or directory.\n"));
        ck_assert(says("PEIOS_REG", "why", "/System/Audit/Metrics/TextFile", NULL, "live:       no\n"));
        /* What is refused is not called accepted. */
        set_string(world.bus, "\\System\\Audit\\Metrics", "TextFile", "/a.txt");
        WAIT(settings_have("TextFile' '/a.txt' 'base' '/nowhere/a.prom'"));
        ck_assert(says("PEIOS_REG", "why", "/System/Audit/Metrics/TextFile", NULL,
                "refused: `/a.txt` does not end in the name of such a file, expected the absolute path of a file that "
                "ends in .prom, or nothing\n"));
        ck_assert(daemon_said(&tool, "accepted:   /nowhere/a.prom\n"));
        ck_assert(!daemon_said(&tool, "accepted, "));
        free(STEAL_PTR(tool.log));
        ears_done();
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { each_setting, drift_mode, refused_value, over_a_restart, from_a_file,
                shown };
        return harness_main(tests, ARRAY_SIZE(tests));
}
