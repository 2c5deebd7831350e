/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taints and the policy on the bus: which of them get a record. The kernel's part is a file. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define TAINTED "/proc/sys/kernel/tainted"
#define NO_RECORD "'seqno'=t:0"

static struct ear told;

static void begin(void)
{
        /* Where the kernel has no control the service writes the records. */
        world_remove(CONTROL_FILE);
        world_write(TAINTED, "0\n");
        registryd_start(NULL);
        policyd_start("--recheck=1");
        ear_on(&told, world.bus, POLICY_PATH, POLICY_INTERFACE, "TaintSet");
        WAIT(daemon_said(&world.policyd, "following the registry"));
}

/* A bit waits for its cause, and the policy changes meanwhile: what was in force when it was set counts. */
START_TEST(the_policy_of_that_moment)
{
        begin();
        world_replace(TAINTED, "4096\n");
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(policy_is("TaintEvents", "'disabled'"));
        WAIT(told.n == 1);
        ck_assert_msg(!strstr(told.heard[0], NO_RECORD), "%s", told.heard[0]);
        world_replace(TAINTED, "4097\n");
        WAIT(told.n == 2);
        ck_assert_msg(strstr(told.heard[1], NO_RECORD), "%s", told.heard[1]);
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        WAIT(policy_is("TaintEvents", "'enabled'"));
        world_replace(TAINTED, "4099\n");
        WAIT(told.n == 3);
        ck_assert_msg(!strstr(told.heard[2], NO_RECORD), "%s", told.heard[2]);
        ear_done(&told);
}
END_TEST

/* A bit that was set under the old policy and waits for its cause. */
START_TEST(nothing_of_the_past)
{
        begin();
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(policy_is("TaintEvents", "'disabled'"));
        world_replace(TAINTED, "4096\n");
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        WAIT(policy_is("TaintEvents", "'enabled'"));
        WAIT(told.n == 1);
        ck_assert_msg(strstr(told.heard[0], NO_RECORD), "%s", told.heard[0]);
        /* Cleared and set again it is of now. */
        world_replace(TAINTED, "0\n");
        WAIT(policy_is("Tainted", "0"));
        world_replace(TAINTED, "4096\n");
        WAIT(told.n == 2);
        ck_assert_msg(!strstr(told.heard[1], NO_RECORD), "%s", told.heard[1]);
        ear_done(&told);
}
END_TEST

/* No name keeps an event from being told: neither what is no UTF-8 nor what D-Bus does not take of it. */
START_TEST(odd_names)
{
        static const char name[] = "'module'=s:'m\xEF\xBF\xBD_\xEF\xBF\xBD'";

        world_write("/proc/modules", "");
        begin();
        world_write("/proc/modules", "m\xFF_\xEF\xBF\xBE 1 0 - Live 0x0 (O)\n");
        world_replace(TAINTED, "4096\n");
        WAIT(told.n == 1);
        ck_assert_msg(strstr(told.heard[0], name), "%s", told.heard[0]);
        _cleanup_message_ sd_bus_message *m = policy_answer(world.bus, "ListEvents", "");
        const char *text = message_text(m);
        ck_assert_msg(strstr(text, name) && strstr(text, " carries the letter'"), "%s", text);
        ear_done(&told);
}
END_TEST

/* What a write would do shows the record that it would make. */
START_TEST(a_change_tells_the_mask)
{
        begin();
        world_replace(TAINTED, "4608\n");
        WAIT(told.n == 2);
        _cleanup_message_ sd_bus_message *m = policy_answer(
                world.bus, "Preview", "ssuvs", MODULES, "TaintEvents", 1, "s", "disabled", "base");
        const char *text = message_text(m);
        ck_assert_msg(strstr(text, " tainted=0x1200 "), "%s", text);
        ear_done(&told);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { the_policy_of_that_moment, nothing_of_the_past, odd_names,
                a_change_tells_the_mask };
        Suite *suite = suite_create("taints");
        harness_add(suite, tests, ARRAY_SIZE(tests));
        return harness_main(suite);
}
