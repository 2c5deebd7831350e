/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SIGHUP and Reload(): files are read again while everything else goes on: the process, subscriptions, what
 * is in force. */
#include <signal.h>
#include <string.h>

#include "dropin.h"

#define SCHEMA_FILE LAYOUT_SCHEMA_ADMIN "/test.yaml"
#define TEST_FILE LAYOUT_SYSCTL "/kernel/test_number"
#define KEY "\\Test\\Key"

#define ENTRY(value, most, control)                                                                         \
        "    " value ":\n      type: REG_DWORD\n      range: [0, " most                                     \
        "]\n      description: d\n      control: {name: kernel." control                                    \
        ", encoding: number, drift: reapply}\n"
#define SCHEMA(entries) "peios-schema: 1\nkeys:\n  \\Test\\Key:\n" entries
#define PLAIN(value) "    " value ": {type: REG_DWORD, default: 7, description: d}\n"

static struct ear changed, heard;
static pid_t registryd, policyd;

static void begin(void)
{
        world_write(TEST_FILE, "1\n");
        registryd_start(NULL);
        policyd_follow();
        registryd = world.registryd.pid;
        policyd = world.policyd.pid;
        ear_on(&changed, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        ear_on(&heard, world.bus, REGISTRY_PATH, REGISTRY_INTERFACE, "Changed");
        succeeds(world.bus, "Subscribe", "sba{sv}", KEY, 0, 0);
}

static void end(void)
{
        ck_assert_int_eq(world.registryd.pid, registryd);
        ck_assert_int_eq(world.policyd.pid, policyd);
        ear_done(&changed);
        ear_done(&heard);
}

static void hangup(struct daemon *d, const char *line)
{
        unsigned before = daemon_count(d, line);

        daemon_signal(d, SIGHUP);
        WAIT(daemon_count(d, line) > before);
}

static void hangup_both(void)
{
        hangup(&world.registryd, "reading schema and drop-in files again");
        hangup(&world.policyd, "reading the schema again");
}

/* The default of the entry that is bound to nothing. */
static bool has_default(void)
{
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Resolve", "ss", KEY, "Other");
        return strstr(message_text(m), "('default' 0 '' 0 4 ") != NULL;
}

/* An entry comes while its value is there already, changes, and goes; what was subscribed to goes on. */
START_TEST(entries)
{
        set_number(world.bus, KEY, "Number", 5);
        WAIT(heard.n == 1);
        ck_assert_str_eq(world_read(TEST_FILE), "1");

        world_write(SCHEMA_FILE, SCHEMA(ENTRY("Number", "9", "test_number") PLAIN("Other")));
        hangup_both();
        WAIT(settings_have("('\\Test\\Key\\Number' '5' 'base' '5' '' 'kernel.test_number' true '5' ''"));
        ck_assert_str_eq(world_read(TEST_FILE), "5");
        WAIT(ear_heard(&changed, "'\\Test\\Key\\Number' 'unset' '5' true"));
        if (records_are_logged())
                ck_assert(daemon_said(&world.policyd, "Number' changed from 'unset' to '5'"));
        ck_assert(has_default());
        set_number(world.bus, KEY, "Number", 6);
        WAIT(strcmp(world_read(TEST_FILE), "6") == 0);
        WAIT(heard.n == 2);
        world_poke(TEST_FILE, "8\n");
        WAIT(strcmp(world_read(TEST_FILE), "6") == 0);

        /* What was allowed is not any more: nothing else was good, and there is no default. */
        world_write(SCHEMA_FILE, SCHEMA(ENTRY("Number", "5", "test_number")));
        hangup_both();
        WAIT(settings_have("('\\Test\\Key\\Number' '6' 'base' '' '' 'kernel.test_number' false '6' ''"));
        WAIT(ear_heard(&changed, "'\\Test\\Key\\Number' '6' 'unset'"));

        /* What was refused is good again: not because the service was away. */
        unsigned told = daemon_count(&world.policyd, "schema-reloaded");
        world_write(SCHEMA_FILE, SCHEMA(ENTRY("Number", "9", "test_number")));
        hangup_both();
        WAIT(ear_heard(&changed, "'\\Test\\Key\\Number' 'unset' '6'"));
        if (records_are_logged())
                ck_assert_uint_eq(daemon_count(&world.policyd, "schema-reloaded"), told + 1);
        world_write(SCHEMA_FILE, SCHEMA(ENTRY("Number", "5", "test_number")));
        hangup_both();
        WAIT(settings_have("('\\Test\\Key\\Number' '6' 'base' '' '' 'kernel.test_number' false '6' ''"));
        set_number(world.bus, KEY, "Number", 4);
        WAIT(strcmp(world_read(TEST_FILE), "4") == 0);

        /* Without its entry the control is nobody's, and keeps what it holds. */
        ear_clear(&changed);
        world_remove(SCHEMA_FILE);
        hangup_both();
        WAIT(ear_heard(&changed, "'\\Test\\Key\\Number' '4' 'unset' false ['actor'=s:'unknown']"));
        ck_assert(!settings_have("Number"));
        world_poke(TEST_FILE, "9\n");
        set_number(world.bus, KEY, "Number", 3);
        WAIT(heard.n == 4);
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(ear_heard(&changed, "'success-only'"));
        ck_assert_str_eq(world_read(TEST_FILE), "9");
        ck_assert_uint_eq(daemon_count(&world.policyd, "following the registry"), 1);
}
END_TEST

/* One that is broken counts as it was when it was good last, and both say so. */
START_TEST(broken_schema)
{
        set_number(world.bus, KEY, "Number", 5);
        world_write(SCHEMA_FILE, SCHEMA(ENTRY("Number", "9", "test_number") PLAIN("Other")));
        hangup_both();
        WAIT(settings_have("'5' 'base' '5' '' 'kernel.test_number' true '5'"));
        /* So does one in a folder that cannot be read. */
        world_rename(LAYOUT_SCHEMA_ADMIN, LAYOUT_SCHEMA_ADMIN ".x");
        world_write(LAYOUT_SCHEMA_ADMIN, "");
        hangup_both();
        WAIT(has_problem("schema.d: cannot be read"));
        ck_assert(has_default());
        ck_assert(settings_have("'5' 'base' '5' '' 'kernel.test_number' true '5'"));
        world_remove(LAYOUT_SCHEMA_ADMIN);
        world_rename(LAYOUT_SCHEMA_ADMIN ".x", LAYOUT_SCHEMA_ADMIN);
        world_write(SCHEMA_FILE, "peios-schema: 1\nkeys: [\n");
        hangup_both();
        WAIT(!has_problem("cannot be read"));
        WAIT(has_problem("('/etc/peios/schema.d/test.yaml' '/etc/peios/schema.d/test.yaml:3:1: "));
        WAIT(strstr(policy_property(world.bus, "Problems"),
                     "('/etc/peios/schema.d/test.yaml' '/etc/peios/schema.d/test.yaml:3:1: ") != NULL);
        ck_assert(has_default());
        set_number(world.bus, KEY, "Number", 6);
        WAIT(strcmp(world_read(TEST_FILE), "6") == 0);
        world_write(SCHEMA_FILE, SCHEMA(ENTRY("Number", "9", "test_number")));
        hangup_both();
        WAIT(!has_problem("schema.d"));
        WAIT(policy_is("Problems", "[]"));
        ck_assert(settings_have("'6' 'base' '6' '' 'kernel.test_number' true '6'"));
}
END_TEST

/* The service cannot do without its own. */
START_TEST(taint_events_elsewhere)
{
        world_write(SCHEMA_FILE, "peios-schema: 1\nkeys:\n  \\System\\Audit\\Modules:\n"
                                 "    TaintEvents: {type: REG_SZ, default: enabled, description: d}\n");
        hangup_both();
        WAIT(strstr(policy_property(world.bus, "Problems"), "TaintEvents") != NULL);
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(strcmp(world_read(CONTROL_FILE), "0") == 0);
        world_remove(SCHEMA_FILE);
        hangup_both();
        WAIT(policy_is("Problems", "[]"));
}
END_TEST

START_TEST(dropins_and_method)
{
        dropin_write("site.yaml", dropin_text("site", 5, "success-only"));
        hangup(&world.registryd, "reading schema and drop-in files again");
        WAIT(policy_is("TaintEvents", "'success-only'"));
        world_write(SCHEMA_FILE, SCHEMA(PLAIN("Other")));
        succeeds(world.bus, "Reload", "");
        ck_assert(has_default());
        world_write(SCHEMA_FILE, SCHEMA(ENTRY("Number", "9", "test_number")));
        sd_bus_message_unref(policy_answer(world.bus, "Reload", ""));
        ck_assert(settings_have("Number"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { entries, broken_schema, taint_events_elsewhere, dropins_and_method };
        harness_around(begin, end);
        return harness_main(tests, ARRAY_SIZE(tests));
}
