/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes are taken back: Undo() and peios-reg undo. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "dropin.h"
#include "shell.h"

#define KEY "\\Test\\Key"
#define VALUES 10000u

START_TEST(one_change)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "one");
        const uint64_t two = set_string(world.bus, KEY, "V", "two");
        subscribe(world.bus, KEY, false);
        _cleanup_ear_ struct ear ear = { 0 };
        ear_on_changes(&ear, world.bus);
        _cleanup_message_ sd_bus_message *m =
                answer(world.bus, "PreviewUndo", "a{sv}", 1, "sequence", "t", two);
        ck_assert_ptr_nonnull(
                strstr(message_text(m), "('value-set' 'Machine\\Test\\Key' 'V' 1 s:'one' 'base' 0 '')"));
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "two base");
        succeeds(world.bus, "Undo", "a{sv}", 1, "sequence", "t", two);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
        WAIT(ear_heard(&ear, "('value-set' 'Machine\\Test\\Key' 'V' 1 s:'one' 'base' 0 '')"));
        refused(world.bus, ERROR_CONFLICT, "value 'V' of layer base was written since, by change number ",
                "Undo", "a{sv}", 1, "sequence", "t", two);
        refused(world.bus, ERROR_INVALID_VALUE, "one of the options sequence, since and since-time", "Undo",
                "a{sv}", 0);
        /* In the words of GetAt() and its sisters. */
        refused(world.bus, ERROR_INVALID_VALUE, "there is no change number 9999 yet", "Undo", "a{sv}", 1,
                "sequence", "t", UINT64_C(9999));
        daemon_stop(&world.registryd);
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
}
END_TEST

START_TEST(a_file_did_it)
{
        _unused_ _cleanup_message_ sd_bus_message *m = NULL;
        uint64_t last;

        dropin_write("50-site.yaml", dropin_text("site", 3, "disabled"));
        registryd_start(NULL);
        ck_assert_int_ge(sd_bus_get_property_trivial(world.bus, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                 REGISTRY_INTERFACE, "Sequence", NULL, 't', &last),
                0);
        refused(world.bus, ERROR_READ_ONLY,
                "a file did it: change or remove " LAYOUT_DROPINS_ADMIN "/50-site.yaml", "Undo", "a{sv}", 1,
                "sequence", "t", last);
}
END_TEST

START_TEST(who_may_not_write)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "one");
        const uint64_t two = set_string(world.bus, KEY, "V", "two");
        {
                _cleanup_bus_ sd_bus *other = world_connect(UID_NOBODY);
                refused(other, ERROR_ACCESS_DENIED, "Undo()", "Undo", "a{sv}", 1, "sequence", "t", two);
                succeeds(other, "PreviewUndo", "a{sv}", 1, "sequence", "t", two);
                for (uint32_t i = 0; i < 100; i++)
                        set_number(world.bus, KEY, "N", i);
                refused(other, ERROR_TOO_LARGE, "too much has changed since", "PreviewUndo", "a{sv}", 1,
                        "since", "t", two);
        }
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "two base");
}
END_TEST

START_TEST(the_program)
{
        char line[300];

        registryd_start(NULL);
        const uint64_t one = set_string(world.bus, KEY, "V", "one");
        set_string(world.bus, KEY, "V", "two");
        set_string(world.bus, KEY "\\Sub", "W", "w");
        succeeds(world.bus, "DeleteKey", "sa{sv}", KEY, 1, "recursive", "b", 1);
        (void)snprintf(line, sizeof(line), "reg undo --dry-run --since=%" PRIu64, one);
        SHELL_SAYS(0, line, "dry run", "V = REG_SZ one");
        SHELL_SAYS(2, "reg get /Test/Key V", "no such key");
        (void)snprintf(line, sizeof(line), "reg undo --since=%" PRIu64 "; reg tree --values /Test/Key", one);
        SHELL_SAYS(0, line, "V = REG_SZ one", "taken back: ", "Machine\\Test\\Key\\\n  V = REG_SZ one\n");
        /* Which is a change like any other. */
        SHELL_SAYS(0,
                "n=$(reg history --json --count=1 /Test/Key | sed 's/.*\"sequence\":\\([0-9]*\\),.*/\\1/'); "
                "reg undo --json $n; reg ls /Test/Key || echo gone",
                "\"left_out\":0", "gone");
        SHELL_SAYS(1, "reg undo", "which change: its number, or --since=TIME|SEQUENCE");
        SHELL_SAYS(1, "reg undo soon", "'soon' is no number of a change");
}
END_TEST

/* In one commit. */
START_TEST(many_values)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        uint64_t sequence;

        registryd_start(NULL);
        ck_assert_int_ge(sd_bus_message_new_method_call(world.bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                 REGISTRY_INTERFACE, "Transact"),
                0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(sssuv)"), 0);
        for (unsigned i = 0; i < VALUES; i++)
                ck_assert_int_ge(sd_bus_message_append(m, "(sssuv)", "set", KEY, textf("V%u", i),
                                         (uint32_t)REG_DWORD, "u", i),
                        0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 0), 0);
        ck_assert_int_ge(sd_bus_call(world.bus, m, 0, NULL, &reply), 0);
        ck_assert_int_gt(sd_bus_message_read(reply, "t", &sequence), 0);
        _cleanup_message_ sd_bus_message *undone =
                answer(world.bus, "Undo", "a{sv}", 1, "sequence", "t", sequence);
        ck_assert_ptr_nonnull(strstr(message_text(undone), "'values-deleted'=10000"));
        refused(world.bus, ERROR_NOT_FOUND, "", "Info", "s", KEY);
        _cleanup_message_ sd_bus_message *again =
                answer(world.bus, "Undo", "a{sv}", 1, "since", "t", sequence);
        ck_assert_ptr_nonnull(strstr(message_text(again), "'values-set'=10000"));
        _cleanup_message_ sd_bus_message *last = answer(world.bus, "Get", "ss", KEY, "V9999");
        ck_assert_ptr_nonnull(strstr(message_text(last), "4 u:9999 "));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { one_change, a_file_did_it, the_program, many_values };
        const TTest *const privileged[] = { who_may_not_write };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "what another user may take back");
        return harness_main(tests, ARRAY_SIZE(tests));
}
