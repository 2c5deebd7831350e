/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry as it was: GetAt and its sisters, and --at of peios-reg. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "shell.h"

#define KEY "\\Test\\Key"

static const char *text_at(const char *method, const char *name, const char *scale, uint64_t at)
{
        static sd_bus_message *m;

        sd_bus_message_unref(m);
        m = name ? answer(world.bus, method, "ssa{sv}", KEY, name, 1, scale, "t", at)
                 : answer(world.bus, method, "sa{sv}", KEY, 1, scale, "t", at);
        return message_text(m);
}

static void is_at(const char *method, const char *name, uint64_t sequence, const char *expected)
{
        const char *text = text_at(method, name, "sequence", sequence);
        ck_assert_msg(
                strstr(text, expected), "%s at %" PRIu64 ": no %s in %s", method, sequence, expected, text);
}

START_TEST(values_keys_and_layers)
{
        const uint64_t one = set_string(world.bus, KEY, "V", "one");
        const uint64_t low = set_number(world.bus, "\\System\\Registry\\Layers\\High", "Precedence", 5);
        const uint64_t two = set_in_layer(world.bus, "High", KEY, "v", "two");
        set_string(world.bus, KEY, "W", "w");
        const uint64_t made = set_string(world.bus, KEY "\\Sub", "V", "below");
        const uint64_t off = set_number(world.bus, "\\System\\Registry\\Layers\\High", "Enabled", 0);
        succeeds(world.bus, "DeleteKey", "sa{sv}", KEY, 1, "recursive", "b", 1);
        succeeds(world.bus, "DeleteKey", "sa{sv}", KEY, 1, "layer", "s", "High");
        refused(world.bus, ERROR_NOT_FOUND, "", "Get", "ss", KEY, "V");
        for (int i = 0; i < 2; i++) {
                is_at("GetAt", "V", one, "1 s:'one' ");
                is_at("GetAt", "V", low, "1 s:'one' ");
                is_at("GetAt", "V", two, "1 s:'two' ");
                is_at("GetAt", "V", off, "1 s:'one' ");
                is_at("ListAt", NULL, two, "[] [('v' 1 s:'two' ");
                is_at("ListAt", NULL, made, "['Sub'] [('v' 1 s:'two' ");
                is_at("InfoAt", NULL, made, "'Subkeys'=u:1, 'Values'=u:2");
                is_at("ResolveAt", "V", two, "true 'Machine\\Test\\Key' [('High' 5 '' ");
                is_at("ResolveAt", "V", two, "'wins' 0 ''), ('base' 0 '' ");
                is_at("ResolveAt", "V", off, "'layer-disabled' 0 '')] ['actor'=s:'known'");
                refused(world.bus, ERROR_NOT_FOUND, "no such key: there is no 'Test' in Machine", "GetAt",
                        "ssa{sv}", KEY, "V", 1, "sequence", "t", one - 3);
                refused(world.bus, ERROR_NOT_FOUND, "no such value: 'W'", "GetAt", "ssa{sv}", KEY, "W", 1,
                        "sequence", "t", two);
                daemon_stop(&world.registryd);
                registryd_start(NULL);
        }
}
END_TEST

START_TEST(which_moment)
{
        set_string(world.bus, KEY, "V", "one");
        refused(world.bus, ERROR_INVALID_VALUE, "there is no change number 999 yet", "GetAt", "ssa{sv}", KEY,
                "V", 1, "sequence", "t", UINT64_C(999));
        refused(world.bus, ERROR_INVALID_VALUE, "still to come", "GetAt", "ssa{sv}", KEY, "V", 1, "time",
                "t", ((uint64_t)time(NULL) + 60) * 1000000);
        refused(world.bus, ERROR_INVALID_VALUE, "one of the options sequence and time", "GetAt", "ssa{sv}",
                KEY, "V", 0);
        refused(world.bus, ERROR_INVALID_VALUE,
                "no option 'at'; there are sequence (t), time (t) and no-follow (b)", "ListAt", "sa{sv}",
                KEY, 1, "at", "t", UINT64_C(1));
        refused(world.bus, ERROR_INVALID_NAME, "", "ListAt", "sa{sv}", "\\A\\\\B", 1, "sequence", "t",
                UINT64_C(1));
        /* Before there was anything. */
        refused(world.bus, ERROR_NOT_FOUND, "", "ListAt", "sa{sv}", KEY, 1, "time", "t", UINT64_C(1));
        /* Defaults of the schema are today's. */
        _cleanup_message_ sd_bus_message *m = answer(
                world.bus, "GetAt", "ssa{sv}", MODULES, "TaintEvents", 1, "sequence", "t", UINT64_C(0));
        ck_assert_ptr_nonnull(strstr(message_text(m), "'default'"));
}
END_TEST

/* More changes than the history is told to keep. */
static void make_history(void)
{
        set_numbers(world.bus, KEY, "N", 1500);
        set_number(world.bus, "\\System\\Registry\\History", "Rows", 1000);
}

static bool is_kept(uint64_t sequence)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = sd_bus_call_method(world.bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "GetAt",
                &error, NULL, "ssa{sv}", KEY, "V", 1, "sequence", "t", sequence);
        ck_assert_msg(r >= 0 || sd_bus_error_has_name(&error, ERROR_NOT_KEPT), "%s", error.message);
        sd_bus_error_free(&error);
        return r >= 0;
}

/* The edge is said, and nothing is answered from what is left. */
START_TEST(before_what_is_kept)
{
        static const char edge[] = "that moment is not kept any more: the history goes back to number ";
        char line[200];

        const uint64_t one = set_string(world.bus, KEY, "V", "one");
        const uint64_t two = set_string(world.bus, KEY, "V", "two");
        make_history();
        WAIT(!is_kept(one));
        refused(world.bus, ERROR_NOT_KEPT, edge, "GetAt", "ssa{sv}", KEY, "V", 1, "sequence", "t", one);
        refused(world.bus, ERROR_NOT_KEPT, edge, "ListAt", "sa{sv}", KEY, 1, "time", "t", UINT64_C(1));
        refused(world.bus, ERROR_NOT_KEPT, edge, "InfoAt", "sa{sv}", KEY, 1, "sequence", "t", one);
        refused(world.bus, ERROR_NOT_KEPT, edge, "ResolveAt", "ssa{sv}", KEY, "V", 1, "sequence", "t", one);
        refused(world.bus, ERROR_NOT_KEPT, edge, "Undo", "a{sv}", 1, "since", "t", one);
        refused(world.bus, ERROR_NOT_KEPT, edge, "PreviewUndo", "a{sv}", 1, "since-time", "t", UINT64_C(1));
        refused(world.bus, ERROR_NOT_KEPT, "is not in the history", "Undo", "a{sv}", 1, "sequence", "t",
                two);
        (void)snprintf(line, sizeof(line), "reg get --at=%" PRIu64 " /Test/Key V", one);
        SHELL_SAYS(4, line, edge);
        (void)snprintf(line, sizeof(line), "reg export --at=%" PRIu64 " /Test/Key", one);
        SHELL_SAYS(4, line, edge);
        (void)snprintf(line, sizeof(line), "reg diff at:%" PRIu64 " live", one);
        SHELL_SAYS(4, line, edge);
        (void)snprintf(line, sizeof(line), "reg undo -y --since=%" PRIu64, one);
        SHELL_SAYS(4, line, edge);
        (void)snprintf(line, sizeof(line), "reg undo -y %" PRIu64, two);
        SHELL_SAYS(4, line, "is not in the history");
        /* What is kept goes on to be known, and nothing was taken back. */
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "two base");
        const uint64_t three = set_string(world.bus, KEY, "V", "three");
        set_string(world.bus, KEY, "V", "four");
        is_at("GetAt", "V", three, "1 s:'three' ");
}
END_TEST

/* As when it was moved, or no more files can be opened: the registry itself goes on. */
START_TEST(the_file_cannot_be_opened)
{
        const uint64_t one = set_string(world.bus, KEY, "V", "one");
        world_rename(LAYOUT_STORE, LAYOUT_STORE ".away");
        refused(world.bus, ERROR_STORAGE, LAYOUT_STORE, "GetAt", "ssa{sv}", KEY, "V", 1, "sequence", "t",
                one);
        world_rename(LAYOUT_STORE ".away", LAYOUT_STORE);
        is_at("GetAt", "V", one, "1 s:'one' ");
}
END_TEST

/* Reads wait for their turn, and a client that goes does no harm. */
START_TEST(many_at_once)
{
        unsigned answered = 0, refusals = 0;

        const uint64_t one = set_string(world.bus, KEY, "V", "one");
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_bus_ sd_bus *other = world_connect(0);
                for (unsigned n = 0; n < 30; n++)
                        ck_assert_int_ge(sd_bus_call_method_async(other, NULL, REGISTRY_BUS_NAME,
                                                 REGISTRY_PATH, REGISTRY_INTERFACE, "GetAt", NULL, NULL,
                                                 "ssa{sv}", KEY, "V", 1, "sequence", "t", one),
                                0);
                ck_assert_int_ge(sd_bus_flush(other), 0);
        }
        for (unsigned n = 0; n < 30; n++) {
                sd_bus_error error = SD_BUS_ERROR_NULL;
                sd_bus_message *reply = NULL;
                int r = sd_bus_call_method(world.bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE,
                        "GetAt", &error, &reply, "ssa{sv}", KEY, "V", 1, "sequence", "t", one);
                answered += r >= 0;
                refusals += r < 0 && sd_bus_error_has_name(&error, ERROR_LIMIT);
                sd_bus_error_free(&error);
                sd_bus_message_unref(reply);
        }
        ck_assert_uint_gt(answered, 0);
        ck_assert_uint_eq(answered + refusals, 30);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
}
END_TEST

START_TEST(the_program)
{
        char line[400];

        const uint64_t one = set_string(world.bus, KEY, "V", "one");
        const uint64_t sub = set_string(world.bus, KEY "\\Sub", "V", "below");
        set_string(world.bus, KEY, "V", "two");
        succeeds(world.bus, "DeleteKey", "sa{sv}", KEY "\\Sub", 0);
        (void)snprintf(line, sizeof(line),
                "reg get --at=%" PRIu64 " /Test/Key V; reg get --at %" PRIu64
                " /Test/Key/V; reg ls --at=%" PRIu64 " /Test/Key; reg tree --values --at=%" PRIu64
                " /Test/Key; reg get /Test/Key V",
                one, one, sub, sub);
        shell_is(0, line,
                "one\none\nSub\\\nV = REG_SZ one\nMachine\\Test\\Key\\\n  V = REG_SZ one\n  Sub\\\n    V = REG_SZ below\ntwo\n");
        (void)snprintf(line, sizeof(line),
                "reg why --at=%" PRIu64 " /Test/Key V; reg info --at=%" PRIu64 " /Test/Key", one, one);
        SHELL_SAYS(0, line, "* base  precedence 0  sequence ", "REG_SZ one\n", "Subkeys:    0\n");
        SHELL_SAYS(0, "reg get --at=0m /Test/Key V", "two\n");
        SHELL_SAYS(
                1, "reg get --at=soon /Test/Key V", "--at: 'soon' is neither a change's number nor a time");
        SHELL_SAYS(2, "reg get --at=9d /Test/Key V", "there is no hive called Machine");
        SHELL_SAYS(4, "reg ls --at=99999 /Test/Key", "there is no change number 99999 yet");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { values_keys_and_layers, which_moment, before_what_is_kept,
                the_file_cannot_be_opened, many_at_once, the_program };
        harness_around(harness_registry, NULL);
        return harness_main(tests, ARRAY_SIZE(tests));
}
