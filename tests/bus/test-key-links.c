/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that stand for others, as the bus shows them: followed, themselves where that is asked for, and what
 * is said of those that cannot be followed. */
#include <stdio.h>
#include <string.h>

#include "client.h"

static void make_link(const char *key, const char *target)
{
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 1, "create-link", key, "", (uint32_t)REG_LINK, "s",
                target, 0);
}

static const char *text_of(sd_bus_message *m)
{
        static char text[8192];
        (void)snprintf(text, sizeof(text), "%s", message_text(m));
        sd_bus_message_unref(m);
        return text;
}
#define SAYS(expected, ...)                                                                                 \
        ck_assert_msg(strstr(text_of(answer(world.bus, __VA_ARGS__)), expected), "no '%s' in: %s",          \
                expected, text_of(answer(world.bus, __VA_ARGS__)))

static struct ear ear;

static void begin(void)
{
        registryd_start(NULL);
        ear_on_changes(&ear, world.bus);
        set_string(world.bus, "\\New", "V", "one");
        set_string(world.bus, "\\New\\In", "V", "two");
        make_link("\\Old", "Machine\\New");
}

START_TEST(is_followed)
{
        begin();
        SAYS("s:'one'", "Get", "ss", "\\Old", "V");
        SAYS("s:'two'", "Get", "ss", "\\Old\\In", "V");
        SAYS("('' '' 1 s:'one'", "GetMany", "a(ss)", 1, "\\Old", "V");
        SAYS("['In']", "List", "s", "\\Old");
        SAYS("'Path'=s:'Machine\\New\\In'", "Info", "s", "\\Old\\In");
        SAYS("('Machine\\New' 1", "ReadTree", "sa{sv}", "\\Old", 0);
        SAYS("'Machine\\New\\In'", "Describe", "ss", "\\Old\\In", "V");
        SAYS("true 'Machine\\New\\In'", "Resolve", "ss", "\\Old\\In", "V");
        SAYS("[('Machine\\Old' 'Machine\\New')]", "Resolve", "ss", "\\Old\\In", "V");
        SAYS("[]", "Resolve", "ss", "\\New\\In", "V");

        SAYS("'base'", "Set", "ssuva{sv}", "\\Old", "V", (uint32_t)REG_SZ, "s", "three", 0);
        SAYS("s:'three'", "Get", "ss", "\\New", "V");
        succeeds(world.bus, "DeleteKey", "sa{sv}", "\\Old\\In", 0);
        refused(world.bus, ERROR_NOT_FOUND,
                "there is no 'In' in Machine\\New; Machine\\Old is a link to Machine\\New", "Get", "ss",
                "\\Old\\In", "V");
}
END_TEST

/* By what the value is that is meant. */
START_TEST(is_judged)
{
        registryd_start(NULL);
        make_link("\\Policy", "Machine\\System\\Audit\\Modules");
        refused(world.bus, ERROR_UNACCEPTED, "`on` is not allowed", "Set", "ssuva{sv}", "\\Policy",
                "TaintEvents", (uint32_t)REG_SZ, "s", "on", 1, "check", "s", "refuse");
        refused(world.bus, ERROR_INVALID_VALUE, "a link, which has no value", "Set", "ssuva{sv}", "\\Policy",
                "TaintEvents", (uint32_t)REG_SZ, "s", "on", 2, "check", "s", "refuse", "no-follow", "b", 1);
        SAYS("'why'", "Set", "ssuva{sv}", "\\Policy", "TaintEvents", (uint32_t)REG_SZ, "s", "on", 1, "check",
                "s", "report");
}
END_TEST

START_TEST(itself)
{
        begin();
        SAYS("'Link'=b:false", "Info", "s", "\\Old");
        SAYS("'Link'=b:true", "InfoAt", "sa{sv}", "\\Old", 1, "no-follow", "b", 1);
        SAYS("6 s:'Machine\\New'", "GetAt", "ssa{sv}", "\\Old", "", 1, "no-follow", "b", 1);
        SAYS("('' 6 s:'Machine\\New'", "ListAt", "sa{sv}", "\\Old", 1, "no-follow", "b", 1);
        SAYS("true 'Machine\\Old'", "ResolveAt", "ssa{sv}", "\\Old", "", 1, "no-follow", "b", 1);
        SAYS("[('Machine\\Old' 17 ['base'] [6] ", "ReadTree", "sa{sv}", "\\Old", 1, "no-follow", "b", 1);
        /* A tree has links in it, and ends. */
        make_link("\\New\\Up", "Machine");
        SAYS("('Machine\\New\\Up' 17 ['base'] [6] ", "ReadTree", "sa{sv}", "\\New", 0);
        refused(world.bus, ERROR_INVALID_VALUE, "one of the options sequence and time", "ReadTreeAt",
                "sa{sv}", "\\Old", 1, "no-follow", "b", 1);

        SAYS("'base'", "Set", "ssuva{sv}", "\\Old", "", (uint32_t)REG_LINK, "s", "Machine\\Other", 1,
                "no-follow", "b", 1);
        refused(world.bus, ERROR_NOT_FOUND, "Machine\\Old is a link to Machine\\Other", "Get", "ss", "\\Old",
                "V");
        succeeds(world.bus, "DeleteKey", "sa{sv}", "\\Old", 1, "no-follow", "b", 1);
        SAYS("s:'one'", "Get", "ss", "\\New", "V");
}
END_TEST

/* What it was is found where it led then. */
START_TEST(as_it_was)
{
        begin();
        const uint64_t then = set_string(world.bus, "\\Other", "V", "other");
        succeeds(world.bus, "Set", "ssuva{sv}", "\\Old", "", (uint32_t)REG_LINK, "s", "Machine\\Other", 1,
                "no-follow", "b", 1);
        SAYS("s:'other'", "Get", "ss", "\\Old", "V");
        SAYS("s:'one'", "GetAt", "ssa{sv}", "\\Old", "V", 1, "sequence", "t", then);
        SAYS("[('Machine\\Old' 'Machine\\New')]", "ResolveAt", "ssa{sv}", "\\Old", "V", 1, "sequence", "t",
                then);
        SAYS("s:'Machine\\New'", "GetAt", "ssa{sv}", "\\Old", "", 2, "sequence", "t", then, "no-follow", "b",
                1);
        SAYS("('Machine\\New' 1", "ReadTreeAt", "sa{sv}", "\\Old", 1, "sequence", "t", then);
        SAYS("('Machine\\Old' 17", "ReadTreeAt", "sa{sv}", "\\Old", 2, "sequence", "t", then, "no-follow",
                "b", 1);
        /* Also of one that is gone since. */
        succeeds(world.bus, "DeleteKey", "sa{sv}", "\\Old", 1, "no-follow", "b", 1);
        SAYS("s:'one'", "GetAt", "ssa{sv}", "\\Old", "V", 1, "sequence", "t", then);
}
END_TEST

START_TEST(leads_nowhere)
{
        static const char *const readers[][2] = { { "Get", "V" }, { "Resolve", "V" } };

        begin();
        make_link("\\A", "Machine\\B");
        make_link("\\B", "Machine\\A");
        for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
                refused(world.bus, ERROR_LINK_LOOP, "in a circle: Machine\\A to Machine\\B to Machine\\A",
                        readers[i][0], "ss", "\\A\\X", readers[i][1]);
        refused(world.bus, ERROR_LINK_LOOP, "more than 16 links", "List", "s", "\\A");
        refused(world.bus, ERROR_LINK_LOOP, "more than 16 links", "ReadTree", "sa{sv}", "\\A", 0);
        refused(world.bus, ERROR_LINK_LOOP, "more than 16 links", "Set", "ssuva{sv}", "\\A", "V",
                (uint32_t)REG_SZ, "s", "x", 0);
        SAYS("in a circle: Machine\\A to Machine\\B to Machine\\A' 0 ay:[] 0 ''), ('' '' 1 s:'one'",
                "GetMany", "a(ss)", 2, "\\A", "V", "\\New", "V");
        SAYS("false 'Machine\\A\\X'", "Describe", "ss", "\\A\\X", "V");

        make_link("\\Far", "Nowhere\\X");
        refused(world.bus, ERROR_BAD_LINK, "'Nowhere\\X' begins with no hive's name", "Get", "ss", "\\Far",
                "V");
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 1, "create-link", "\\None", "", (uint32_t)REG_NONE,
                "ay", 0, 0);
        refused(world.bus, ERROR_BAD_LINK, "a link without a target", "Get", "ss", "\\None", "V");
        refused(world.bus, ERROR_INVALID_VALUE, "no value but its default one", "Transact", "a(sssuv)a{sv}",
                1, "create-link", "\\Sz", "", (uint32_t)REG_SZ, "s", "x", 0);
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Get", "ss", "\\Sz", "V");
        refused(world.bus, ERROR_EXISTS, "there is a key that is no link", "Transact", "a(sssuv)a{sv}", 1,
                "create-link", "\\New", "", (uint32_t)REG_LINK, "s", "Machine", 1, "if-needed", "b", 1);
        refused(world.bus, ERROR_INVALID_NAME, "what layers are made of is not changed through a link",
                "Transact", "a(sssuv)a{sv}", 2, "create-link", "\\Sly", "", (uint32_t)REG_LINK, "s",
                "Machine\\System\\Registry", "set", "\\Sly\\Layers\\x", "Precedence", (uint32_t)REG_DWORD,
                "u", 9, 0);
}
END_TEST

static void aim(const char *key, const char *target)
{
        succeeds(world.bus, "Set", "ssuva{sv}", key, "", (uint32_t)REG_LINK, "s", target, 1, "no-follow",
                "b", 1);
}

/* What was heard since, one signal after the other; a read comes back after all that was sent before it. */
static void heard(const char *expected)
{
        static char text[4096];
        int n = 0;

        (void)registry_property(world.bus, "Sequence");
        while (sd_bus_process(world.bus, NULL) > 0)
                ;
        text[0] = '\0';
        for (size_t i = 0; i < ear.n; i++)
                n += snprintf(text + n, sizeof(text) - (size_t)n, "%s\n", ear.heard[i]);
        ear_clear(&ear);
        ck_assert_str_eq(text, expected);
}

#define V_IS(key, value) "[('value-set' 'Machine\\" key "' 'V' 1 s:'" value "' 'base' 0 '')]\n"
#define AGAIN(path) "[('overflow' '" path "' '' 0 ay:[] '' 0 '')]\n"

START_TEST(is_watched)
{
        begin();
        set_string(world.bus, "\\Other", "V", "other");
        subscribe(world.bus, "\\Old", false);
        set_string(world.bus, "\\New", "V", "1");
        heard(V_IS("New", "1"));
        set_string(world.bus, "\\Other", "V", "2");
        heard("");
        /* Another target; and from then on what is there. */
        aim("\\Old", "Machine\\Other");
        heard(AGAIN("Machine\\Old"));
        set_string(world.bus, "\\New", "V", "3");
        heard("");
        set_string(world.bus, "\\Other", "V", "4");
        heard(V_IS("Other", "4"));
        /* None, and one again. */
        aim("\\Old", "Nowhere");
        heard(AGAIN("Machine\\Old"));
        set_string(world.bus, "\\Other", "V", "5");
        heard("");
        aim("\\Old", "Machine\\New");
        heard(AGAIN("Machine\\Old"));
        /* The link goes, and a key takes its place. */
        succeeds(world.bus, "DeleteKey", "sa{sv}", "\\Old", 1, "no-follow", "b", 1);
        heard(AGAIN("Machine\\Old"));
        set_string(world.bus, "\\Old", "V", "6");
        heard("[('subkey-created' 'Machine' 'Old' 0 ay:[] '' 0 ''), ('value-set' 'Machine\\Old' 'V' 1 s:'6' 'base' 0 '')]\n");
        ck_assert_str_eq(registry_property(world.bus, "Subscriptions"), "1");
}
END_TEST

/* A link that comes only later, on the way; more than one behind the other; and with all that is below. */
START_TEST(is_watched_from_the_beginning)
{
        begin();
        uint64_t id = subscribe(world.bus, "\\First\\In", true);
        make_link("\\Second", "Machine\\Third");
        make_link("\\First", "Machine\\Second");
        heard("[('subkey-created' 'Machine' 'First' 0 ay:[] '' 0 '')]\n" AGAIN("Machine\\First\\In"));
        set_string(world.bus, "\\Third\\In\\Deep", "V", "1");
        heard("[('subkey-created' 'Machine' 'Third' 0 ay:[] '' 0 ''), ('subkey-created' 'Machine\\Third' 'In' 0 ay:[] '' 0 ''), "
              "('subkey-created' 'Machine\\Third\\In' 'Deep' 0 ay:[] '' 0 ''), "
              "('value-set' 'Machine\\Third\\In\\Deep' 'V' 1 s:'1' 'base' 0 '')]\n");
        /* Another change of the same links leads where it led. */
        aim("\\Second", "/Machine/Third");
        heard("");
        aim("\\Second", "Machine\\New");
        heard(AGAIN("Machine\\First\\In"));
        set_string(world.bus, "\\New\\In", "V", "2");
        heard(V_IS("New\\In", "2"));
        /* Itself. */
        succeeds(world.bus, "Unsubscribe", "t", id);
        succeeds(world.bus, "Subscribe", "sba{sv}", "\\Second", 0, 1, "no-follow", "b", 1);
        aim("\\Second", "Machine\\Third");
        heard("[('value-set' 'Machine\\Second' '' 6 s:'Machine\\Third' 'base' 0 '')]\n");
        set_string(world.bus, "\\Third", "V", "3");
        heard("");
}
END_TEST

START_TEST(is_policy)
{
        registryd_start(NULL);
        policyd_follow();
        set_string(world.bus, "\\Site\\Modules", "TaintEvents", "disabled");
        make_link("\\System\\Audit\\Modules", "Machine\\Site\\Modules");
        WAIT(strcmp(world_read(CONTROL_FILE), "0") == 0);
        set_string(world.bus, "\\Site\\Modules", "TaintEvents", "success-only");
        WAIT(strcmp(world_read(CONTROL_FILE), "1") == 0);
        WAIT(policy_is("Written", "'success-only'"));
        /* One that leads in a circle keeps what was last; the service says why, and comes back. */
        aim("\\System\\Audit\\Modules", "Machine\\System\\Audit\\Modules");
        WAIT(daemon_said(&world.policyd, "in a circle"));
        ck_assert_str_eq(world_read(CONTROL_FILE), "1");
        set_string(world.bus, "\\Other", "TaintEvents", "failure-only");
        aim("\\System\\Audit\\Modules", "Machine\\Other");
        WAIT(strcmp(world_read(CONTROL_FILE), "2") == 0);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { is_followed, is_judged, itself, as_it_was, leads_nowhere, is_watched,
                is_watched_from_the_beginning, is_policy };
        return harness_main(tests, ARRAY_SIZE(tests));
}
