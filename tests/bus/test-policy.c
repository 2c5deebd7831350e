/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the registry to the control: values that are accepted, refused, withdrawn, written again. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dropin.h"

#define PATH "\\System\\Audit\\Modules\\TaintEvents"

static struct ear changed, refusals, properties;

static void begin(void)
{
        registryd_start(NULL);
        policyd_start(NULL);
        ear_on(&changed, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        ear_on(&refusals, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyRefused");
        ear_on(&properties, world.bus, POLICY_PATH, NULL, NULL);
        WAIT(daemon_said(&world.policyd, "following the registry"));
}

static void clear(void)
{
        ear_clear(&changed);
        ear_clear(&refusals);
        ear_clear(&properties);
}

static const char *own_actor(void)
{
        static char text[128];

        (void)snprintf(text, sizeof(text),
                "['actor'=s:'known', 'pid'=u:%d, 'uid'=u:%u, 'loginuid'=u:", getpid(), geteuid());
        return text;
}

START_TEST(each_value)
{
        static const struct {
                const char *written, *accepted, *control;
        } cases[] = {
                { "disabled", "disabled", "0" },
                { "success-only", "success-only", "1" },
                { "failure-only", "failure-only", "2" },
                { "enabled", "enabled", "3" },
                { "DISABLED", "disabled", "0" },
                { "Failure-Only", "failure-only", "2" },
        };
        const char *old = "enabled";
        char text[256];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                clear();
                set_string(world.bus, MODULES, "TaintEvents", cases[i].written);
                WAIT(control_is(cases[i].control));
                WAIT(changed.n > 0);
                (void)snprintf(text, sizeof(text), "'%s' '%s' '%s' true %s", PATH, old, cases[i].accepted,
                        own_actor());
                ck_assert_msg(ear_heard(&changed, text), "%s in %s", text, changed.heard[0]);
                ck_assert(ear_heard(&changed, "'comm'=s:'test-policy'"));
                (void)snprintf(text, sizeof(text), "'TaintEvents'=s:'%s'", cases[i].accepted);
                WAIT(ear_heard(&properties, text));
                (void)snprintf(text, sizeof(text), "'%s'", cases[i].accepted);
                ck_assert_str_eq(policy_property(world.bus, "TaintEvents"), text);
                (void)snprintf(text, sizeof(text), "'%s'", cases[i].written);
                ck_assert_str_eq(policy_property(world.bus, "Written"), text);
                (void)snprintf(text, sizeof(text), "'%s'", cases[i].control);
                ck_assert_str_eq(policy_property(world.bus, "ControlValue"), text);
                ck_assert_str_eq(policy_property(world.bus, "Source"), "'base'");
                ck_assert_str_eq(policy_property(world.bus, "Live"), "true");
                ck_assert_str_eq(policy_property(world.bus, "LastError"), "''");
                (void)snprintf(text, sizeof(text), "%zu", i + 1);
                ck_assert_str_eq(policy_property(world.bus, "Changes"), text);
                (void)snprintf(text, sizeof(text),
                        "Policy '%s' changed from '%s' to '%s', layer 'base', by 'test-policy'", PATH, old,
                        cases[i].accepted);
                if (records_are_logged())
                        ck_assert_uint_ge(daemon_count(&world.policyd, text), 1);
                old = cases[i].accepted;
        }
        ck_assert_uint_eq(refusals.n, 0);
}
END_TEST

/* As Peios's own clients write a string. */
START_TEST(text_that_ends_with_nul)
{
        succeeds(world.bus, "Set", "ssuva{sv}", MODULES, "TaintEvents", (uint32_t)REG_SZ, "ay", 9, 'd', 'i',
                's', 'a', 'b', 'l', 'e', 'd', 0, 0);
        WAIT(control_is("0"));
        WAIT(policy_is("Written", "'disabled'"));
        ck_assert(policy_is("TaintEvents", "'disabled'"));
        ck_assert(policy_is("LastError", "''"));
        /* Other bytes are another value, but no other policy. */
        WAIT(changed.n == 1);
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(policy_is("NoOps", "1"));
        ck_assert_uint_eq(changed.n, 1);
        ck_assert_uint_eq(refusals.n, 0);
}
END_TEST

START_TEST(explanation)
{
        _cleanup_message_ sd_bus_message *before = policy_answer(world.bus, "Explain", "");
        ck_assert_str_eq(message_text(before),
                "'' 'enabled' '' 'enabled' 'Nothing is written; enabled is in force, the default of the schema (Taint "
                "events are audited, whatever their outcome.); kernel.audit_taint_events holds 3.'");
        set_string(world.bus, MODULES, "TaintEvents", "off");
        WAIT(refusals.n > 0);
        _cleanup_message_ sd_bus_message *after = policy_answer(world.bus, "Explain", "");
        const char *text = message_text(after);
        static const char refused[] =
                "'off' 'enabled' '' 'enabled' 'What is written (off, layer base) is refused: ";
        ck_assert_msg(strncmp(text, refused, sizeof(refused) - 1) == 0, "%s", text);
        ck_assert_ptr_nonnull(strstr(text, "expected one of "));
}
END_TEST

START_TEST(refused_values)
{
        static const struct {
                const char *text, *why;
        } cases[] = {
                { "off",
                        "`off` is not allowed, expected one of enabled, success-only, failure-only, disabled" },
                { "", "expected one of enabled" },
                { "enabled ", "expected one of enabled" },
                { "0", "`0` is not allowed" },
                { "enabled\ndisabled", "expected one of" },
        };
        char text[64];
        unsigned n = 0;

        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(changed.n == 1);
        clear();
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                set_string(world.bus, MODULES, "TaintEvents", cases[i].text);
                (void)snprintf(text, sizeof(text), "%u", ++n);
                WAIT(policy_is("Refused", text));
                WAIT(refusals.n == n);
                ck_assert_msg(strstr(refusals.heard[n - 1], "' 'failure-only' '") &&
                                      strstr(refusals.heard[n - 1], cases[i].why),
                        "%s", refusals.heard[n - 1]);
        }
        set_number(world.bus, MODULES, "TaintEvents", 3);
        WAIT(policy_is("Refused", "6"));
        WAIT(ear_heard(&refusals, "type REG_DWORD"));
        succeeds(world.bus, "Set", "ssuva{sv}", MODULES, "TaintEvents", (uint32_t)REG_SZ, "ay", 2, 0xff,
                0xfe, 0);
        WAIT(policy_is("Refused", "7"));
        WAIT(refusals.n == 7);

        ck_assert_uint_eq(changed.n, 0);
        ck_assert(control_is("2"));
        ck_assert(policy_is("TaintEvents", "'failure-only'"));
        if (records_are_logged())
                ck_assert(daemon_said(&world.policyd,
                        "Policy '" PATH
                        "': value 'off' refused, 'failure-only' stays in force, layer 'base', by "
                        "'test-policy'"));
        /* What is good again needs no change to be good. */
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        WAIT(policy_is("NoOps", "1"));
        ck_assert_uint_eq(changed.n, 0);
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
}
END_TEST

START_TEST(deletion)
{
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(control_is("0"));
        WAIT(changed.n == 1);
        clear();
        delete_value(world.bus, MODULES, "TaintEvents");
        WAIT(control_is("3"));
        WAIT(ear_heard(&changed, "'" PATH "' 'disabled' 'enabled' true"));
        ck_assert(ear_heard(&changed, own_actor()));
        ck_assert(policy_is("Written", "''"));
        ck_assert(policy_is("Source", "'default'"));
        /* The whole key: the same. */
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(control_is("0"));
        clear();
        succeeds(world.bus, "DeleteKey", "sa{sv}", "\\System", 1, "recursive", "b", 1);
        WAIT(control_is("3"));
        WAIT(ear_heard(&changed, "'" PATH "' 'disabled' 'enabled' true"));
        /* A refused value that is withdrawn is no change. */
        set_string(world.bus, MODULES, "TaintEvents", "off");
        WAIT(policy_is("Refused", "1"));
        clear();
        delete_value(world.bus, MODULES, "TaintEvents");
        WAIT(policy_is("Written", "''"));
        ck_assert_uint_eq(changed.n, 0);
}
END_TEST

START_TEST(files)
{
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        WAIT(control_is("0"));
        WAIT(ear_heard(&changed, "'" PATH "' 'enabled' 'disabled' true ['actor'=s:'unknown']"));
        ck_assert(policy_is("Source", "'site'"));
        if (records_are_logged())
                ck_assert(daemon_said(&world.policyd,
                        "Policy '" PATH "' changed from 'enabled' to 'disabled', layer 'site', hive-edited: "
                        "/etc/peios/registry.d/site.yaml"));
        /* What is below it counts only once it is gone. */
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(policy_is("NoOps", "1"));
        ck_assert(control_is("0"));
        dropin_write("site.yaml", dropin_text("site", 5, "no-such"));
        WAIT(ear_heard(&refusals, "'" PATH "' 'no-such' 'disabled' '"));
        ck_assert(control_is("0"));
        ck_assert_int_eq(unlink(world_path(dropin_path("site.yaml"))), 0);
        WAIT(control_is("1"));
}
END_TEST

START_TEST(the_same_again)
{
        struct stat before, after;

        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
        WAIT(changed.n == 1);
        ck_assert_int_eq(stat(world_path(CONTROL_FILE), &before), 0);
        _cleanup_free_ char *number = strdup(world_read(SEQNO_FILE));
        char *applied = strdupa(policy_property(world.bus, "LastApplied"));
        clear();
        for (unsigned i = 1; i <= 3; i++) {
                set_string(world.bus, MODULES, "TaintEvents", "success-only");
                WAIT(policy_is("NoOps", textf("%u", i)));
        }
        ck_assert_uint_eq(changed.n, 0);
        ck_assert(policy_is("Changes", "1"));
        ck_assert(policy_is("LastApplied", applied));
        ck_assert_str_eq(world_read(SEQNO_FILE), number);
        ck_assert_int_eq(stat(world_path(CONTROL_FILE), &after), 0);
        ck_assert(after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                  after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}
END_TEST

START_TEST(preview)
{
        _cleanup_message_ sd_bus_message *m = policy_answer(world.bus, "Preview", "ssuvs", MODULES,
                "taintevents", (uint32_t)REG_SZ, "s", "disabled", "site");
        const char *text = message_text(m);
        ck_assert_ptr_nonnull(strstr(text, "'disabled would come into force in place of enabled'"));
        ck_assert_ptr_nonnull(strstr(text, "'auditing would go off, after the record of it'"));
        ck_assert_ptr_nonnull(
                strstr(text, "'0 would be written to kernel.audit_taint_events, which holds 3'"));
        ck_assert_ptr_nonnull(strstr(text, "'audit record: op=changed-taint-audit-policy path="));
        ck_assert_ptr_nonnull(strstr(text, " layer=site "));
        _cleanup_message_ sd_bus_message *same = policy_answer(
                world.bus, "Preview", "ssuvs", MODULES, "TaintEvents", (uint32_t)REG_TOMBSTONE, "ay", 0, "");
        ck_assert_str_eq(message_text(same), "['enabled is in force already: no write, no record']");
        _cleanup_message_ sd_bus_message *bad = policy_answer(
                world.bus, "Preview", "ssuvs", MODULES, "TaintEvents", (uint32_t)REG_DWORD, "u", 3u, "base");
        ck_assert_ptr_nonnull(strstr(message_text(bad), "type REG_DWORD"));
        _cleanup_message_ sd_bus_message *other = policy_answer(
                world.bus, "Preview", "ssuvs", "\\Other", "x", (uint32_t)REG_DWORD, "u", 3u, "base");
        ck_assert_str_eq(message_text(other), "[]");
        ck_assert(control_is("3"));
        ck_assert(policy_is("Changes", "0"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { each_value, text_that_ends_with_nul, explanation, refused_values,
                deletion, files, the_same_again, preview };
        harness_around(begin, NULL);
        return harness_main(tests, ARRAY_SIZE(tests));
}
