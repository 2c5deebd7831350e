/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may write. The daemons and one client are root, another client is nobody, and polkit is played by the
 * test. */
#include <string.h>

#include "client.h"

#define KEY "\\Test\\Key"
#define LAYER "\\System\\Registry\\Layers\\top"
#define SZ ((uint32_t)REG_SZ)

START_TEST(everybody_may_read)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "1");
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        _cleanup_ear_ struct ear ear = { 0 };
        ear_on_changes(&ear, nobody);
        ck_assert_str_eq(get_text(nobody, KEY, "V"), "1 base");
        succeeds(nobody, "List", "s", KEY);
        succeeds(nobody, "Info", "s", KEY);
        succeeds(nobody, "Resolve", "ss", KEY, "V");
        succeeds(nobody, "History", "sba{sv}", KEY, 0, 0);
        /* Whether one may do it is told, too. */
        _cleanup_message_ sd_bus_message *theirs =
                answer(nobody, "Preview", "a(sssuv)a{sv}", 1, "set", KEY, "V", SZ, "s", "2", 0);
        ck_assert_ptr_null(strstr(message_text(theirs), "'allowed'"));
        _cleanup_message_ sd_bus_message *ours =
                answer(world.bus, "Preview", "a(sssuv)a{sv}", 1, "set", KEY, "V", SZ, "s", "2", 0);
        ck_assert_ptr_nonnull(strstr(message_text(ours), "'allowed'"));
        ck_assert_str_eq(registry_property(nobody, "Hives"), "['Machine']");
        subscribe(nobody, KEY, false);
        set_string(world.bus, KEY, "V", "3");
        WAIT_ON(nobody, ear.n == 1);
}
END_TEST

START_TEST(not_everybody_may_write)
{
        static const char denied[] =
                "uid 65534 may not write: allowed are root, members of the group '', and users whom polkit "
                "allows (polkit could not be asked)";

        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "1");
        char *before = strdupa(registry_property(world.bus, "Sequence"));
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        refused(nobody, ERROR_ACCESS_DENIED, "\\Test\\Key\\V: uid 65534 may not write", "Set", "ssuva{sv}",
                KEY, "V", SZ, "s", "2", 0);
        refused(nobody, ERROR_ACCESS_DENIED, denied, "Delete", "ssa{sv}", KEY, "V", 0);
        refused(nobody, ERROR_ACCESS_DENIED, denied, "CreateKey", "sa{sv}", KEY "\\New", 0);
        refused(nobody, ERROR_ACCESS_DENIED, denied, "DeleteKey", "sa{sv}", KEY, 0);
        refused(nobody, ERROR_ACCESS_DENIED, denied, "Transact", "a(sssuv)a{sv}", 2, "set", KEY, "V", SZ,
                "s", "2", "set", KEY, "W", SZ, "s", "2", 0);
        refused(nobody, ERROR_ACCESS_DENIED, "only root may have the files read again", "Reload", "");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "1 base");
        ck_assert_str_eq(registry_property(world.bus, "Sequence"), before);
        if (!records_are_logged())
                return;
        /* The process is root's again, so no name is taken of it. */
        WAIT(daemon_count(&world.registryd, "denied, layer 'base', by an unknown program (pid ") == 3);
        WAIT(daemon_said(&world.registryd, "Write to 'Reload()' denied, by an unknown program"));
        ck_assert(daemon_said(&world.registryd, "Write to '\\Test\\Key\\V' denied"));
        /* What was the same is told of when its time is over, or here. */
        daemon_stop(&world.registryd);
        ck_assert(daemon_said(&world.registryd, "the same again, 2 times"));
        ck_assert_uint_eq(daemon_count(&world.registryd, "uid 65534), access-denied"), 5);
}
END_TEST

START_TEST(administrators)
{
        registryd_start("--admin-group=nogroup");
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        set_string(nobody, KEY, "V", "1");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "1 base");
        _cleanup_message_ sd_bus_message *why = answer(world.bus, "Resolve", "ss", KEY, "V");
        ck_assert_ptr_nonnull(strstr(message_text(why), "'uid'=u:65534"));
        /* What decides over all the others needs more. */
        refused(nobody, ERROR_ACCESS_DENIED,
                "\\System\\Registry\\Layers\\top\\Precedence: uid 65534 may not write", "Set", "ssuva{sv}",
                LAYER, "Precedence", (uint32_t)REG_DWORD, "u", 9u, 0);
        refused(nobody, ERROR_ACCESS_DENIED, "", "Transact", "a(sssuv)a{sv}", 2, "set", KEY, "V", SZ, "s",
                "2", "create-key", "Machine/system\\REGISTRY\\layers/x", "", 0u, "ay", 0, 0);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "1 base");
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]");
        /* Also where it goes with what is above. */
        set_number(world.bus, LAYER, "Precedence", 9);
        refused(nobody, ERROR_ACCESS_DENIED, "\\System\\Registry: uid 65534 may not write", "DeleteKey",
                "sa{sv}", "\\System\\Registry", 1, "recursive", "b", 1);
        ck_assert_str_eq(
                registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 ''), ('top' 9 true '' 0 '')]");
}
END_TEST

START_TEST(no_such_group)
{
        registryd_start("--admin-group=peios-there-is-no-such-group");
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        refused(nobody, ERROR_ACCESS_DENIED, "the group 'peios-there-is-no-such-group'", "Set", "ssuva{sv}",
                KEY, "V", SZ, "s", "2", 0);
}
END_TEST

START_TEST(for_somebody_else)
{
        const char *name;

        registryd_start(NULL);
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        ck_assert_int_ge(sd_bus_get_unique_name(world.bus, &name), 0);
        refused(nobody, ERROR_ACCESS_DENIED, "only root may write on behalf of another bus client", "Set",
                "ssuva{sv}", KEY, "V", SZ, "s", "2", 1, "on-behalf-of", "s", name);
        ck_assert_int_ge(sd_bus_get_unique_name(nobody, &name), 0);
        refused(world.bus, ERROR_ACCESS_DENIED, "uid 65534 may not write", "Set", "ssuva{sv}", KEY, "V", SZ,
                "s", "2", 1, "on-behalf-of", "s", name);
        refused(world.bus, ERROR_ACCESS_DENIED, "the caller :1.99999 is gone", "Set", "ssuva{sv}", KEY, "V",
                SZ, "s", "2", 1, "on-behalf-of", "s", ":1.99999");
        refused(world.bus, ERROR_ACCESS_DENIED, "the caller org.freedesktop.DBus is gone", "Set",
                "ssuva{sv}", KEY, "V", SZ, "s", "2", 1, "on-behalf-of", "s", "org.freedesktop.DBus");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "-");
}
END_TEST

START_TEST(through_the_policy_service)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        registryd_start(NULL);
        policyd_follow();
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        ck_assert_int_lt(set_taint_events(nobody, "s", "disabled", &error), 0);
        ck_assert_str_eq(error.name, ERROR_ACCESS_DENIED);
        ck_assert_ptr_nonnull(strstr(error.message, "uid 65534 may not write"));
        sd_bus_error_free(&error);
        ck_assert_int_lt(sd_bus_call_method(nobody, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "Apply",
                                 &error, NULL, ""),
                0);
        ck_assert_str_eq(error.name, ERROR_ACCESS_DENIED);
        sd_bus_error_free(&error);
        ck_assert_str_eq(policy_property(nobody, "TaintEvents"), "'enabled'");
        if (!records_are_logged())
                return;
        WAIT(daemon_said(&world.registryd,
                "Write to '\\System\\Audit\\Modules\\TaintEvents' denied, layer 'base', by an unknown "
                "program (pid "));
        WAIT(daemon_said(&world.policyd, "Write to 'Apply()' denied, by an unknown program"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { everybody_may_read, not_everybody_may_write, administrators,
                no_such_group, for_somebody_else, through_the_policy_service };
        harness_add_privileged(tests, ARRAY_SIZE(tests), "that other users may not write");
        return harness_main(NULL, 0);
}
