/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changed signals: to whom, in which order, and when there are none. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dropin.h"

#define KEY "\\Test\\Key"
#define SZ ((uint32_t)REG_SZ)

static struct ear ear;

static void begin(void)
{
        registryd_start(NULL);
        ear_on_changes(&ear, world.bus);
}

/* A read comes back after every signal that was sent before it. */
static void settle(void)
{
        (void)registry_property(world.bus, "Sequence");
        while (sd_bus_process(world.bus, NULL) > 0)
                ;
}

static void expect(const char *const *signals, size_t n)
{
        settle();
        for (size_t i = 0; i < n && i < ear.n; i++)
                ck_assert_str_eq(ear.heard[i], signals[i]);
        ck_assert_uint_eq(ear.n, n);
        ear_clear(&ear);
}
#define EXPECT(...)                                                                                         \
        do {                                                                                                \
                const char *const _signals[] = { __VA_ARGS__ };                                             \
                expect(_signals, ARRAY_SIZE(_signals));                                                     \
        } while (0)

START_TEST(order)
{
        begin();
        uint64_t id, start;
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Subscribe", "sba{sv}", KEY, 0, 0);
        ck_assert_int_ge(sd_bus_message_read(m, "tt", &id, &start), 0);
        for (unsigned i = 0; i < 50; i++) {
                char text[16], expected[128];
                (void)snprintf(text, sizeof(text), "%u", i);
                uint64_t sequence = set_string(world.bus, KEY, "V", text);
                settle();
                (void)snprintf(expected, sizeof(expected),
                        "[('value-set' 'Machine\\Test\\Key' 'V' 1 s:'%u' 'base' 0 '')]", i);
                ck_assert_uint_eq(ear.n, i + 1);
                ck_assert(strstr(ear.heard[i], expected) || i == 0);
                ck_assert_uint_ge(ear.sequence[i], sequence);
                ck_assert_uint_gt(ear.sequence[i], i == 0 ? start : ear.sequence[i - 1]);
        }
}
END_TEST

START_TEST(one_signal_a_transaction)
{
        begin();
        subscribe(world.bus, "\\Test", true);
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 3, "set", KEY, "A", SZ, "s", "1", "set", KEY, "B",
                (uint32_t)REG_DWORD, "u", 2u, "set", "\\Test\\Other", "A", SZ, "s", "3", 0);
        settle();
        ck_assert_uint_eq(ear.n, 1);
        ck_assert(ear_heard(&ear, "('value-set' 'Machine\\Test\\Key' 'A' 1 s:'1' 'base' 0 '')"));
        ck_assert(ear_heard(&ear, "('value-set' 'Machine\\Test\\Key' 'B' 4 u:2 'base' 0 '')"));
        ck_assert(ear_heard(&ear, "('value-set' 'Machine\\Test\\Other' 'A' 1 s:'3' 'base' 0 '')"));
        ck_assert(ear_heard(&ear, "('subkey-created' 'Machine\\Test' 'Other' 0 ay:[] '' 0 '')"));
}
END_TEST

START_TEST(nothing_new)
{
        begin();
        set_string(world.bus, KEY, "V", "1");
        uint64_t one = set_string(world.bus, KEY, "V", "1");
        subscribe(world.bus, KEY, false);
        ck_assert_uint_eq(set_string(world.bus, KEY, "v", "1"), one);
        expect(NULL, 0);
        succeeds(world.bus, "Subscribe", "sba{sv}", "\\Test", 1, 1, "unchanged", "b", 1);
        ck_assert_uint_eq(set_string(world.bus, KEY, "V", "1"), one);
        EXPECT("[('value-unchanged' 'Machine\\Test\\Key' 'V' 1 s:'1' 'base' 0 '')]");
        /* A refused or previewed write is none. */
        refused(world.bus, ERROR_CONFLICT, "", "Set", "ssuva{sv}", KEY, "V", SZ, "s", "2", 1,
                "expected-sequence", "t", one + 100);
        succeeds(world.bus, "Preview", "a(sssuv)a{sv}", 1, "set", KEY, "V", SZ, "s", "2", 0);
        expect(NULL, 0);
}
END_TEST

START_TEST(whom_it_concerns)
{
        begin();
        set_string(world.bus, KEY, "V", "1");
        uint64_t id = subscribe(world.bus, "\\test\\KEY", false);
        set_string(world.bus, KEY "\\Sub", "V", "1");
        EXPECT("[('subkey-created' 'Machine\\Test\\Key' 'Sub' 0 ay:[] '' 0 '')]");
        set_string(world.bus, KEY "\\Sub", "V", "2");
        set_string(world.bus, "\\Test\\Key2", "V", "2");
        set_string(world.bus, "\\Test", "V", "2");
        expect(NULL, 0);
        delete_value(world.bus, KEY, "V");
        EXPECT("[('value-deleted' 'Machine\\Test\\Key' 'V' 0 ay:[] '' 0 '')]");

        _cleanup_bus_ sd_bus *other = world_connect(geteuid());
        refused(other, ERROR_NOT_FOUND, "this client has no subscription", "Unsubscribe", "t", id);
        succeeds(world.bus, "Unsubscribe", "t", id);
        refused(world.bus, ERROR_NOT_FOUND, "this client has no subscription", "Unsubscribe", "t", id);
        set_string(world.bus, KEY, "V", "3");
        expect(NULL, 0);
        ck_assert_str_eq(registry_property(world.bus, "Subscriptions"), "0");
}
END_TEST

START_TEST(keys_that_come_and_go)
{
        begin();
        subscribe(world.bus, KEY "\\Sub", false);
        set_string(world.bus, KEY "\\Sub", "V", "1");
        settle();
        ck_assert(ear_heard(&ear, "('value-set' 'Machine\\Test\\Key\\Sub' 'V' 1 s:'1' 'base' 0 '')"));
        ear_clear(&ear);
        succeeds(world.bus, "DeleteKey", "sa{sv}", "\\Test", 1, "recursive", "b", 1);
        settle();
        ck_assert_uint_eq(ear.n, 1);
        ck_assert(ear_heard(&ear, "('key-deleted' 'Machine\\Test\\Key\\Sub' '' 0 ay:[] '' 0 '')"));
        ear_clear(&ear);
        set_string(world.bus, KEY "\\Sub", "V", "2");
        settle();
        ck_assert(ear_heard(&ear, "('value-set' 'Machine\\Test\\Key\\Sub' 'V' 1 s:'2' 'base' 0 '')"));
}
END_TEST

START_TEST(layers)
{
        static const char layer[] = "\\System\\Registry\\Layers\\top";

        begin();
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        subscribe(world.bus, MODULES, false);
        set_number(world.bus, layer, "Precedence", 7);
        set_in_layer(world.bus, "TOP", MODULES, "TaintEvents", "failure-only");
        EXPECT("[('value-set' 'Machine\\System\\Audit\\Modules' 'TaintEvents' 1 s:'failure-only' 'top' 0 '')]");
        /* Below the winner: stored, and nothing effective changes. */
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        expect(NULL, 0);
        set_number(world.bus, layer, "Enabled", 0);
        EXPECT("[('value-set' 'Machine\\System\\Audit\\Modules' 'TaintEvents' 1 s:'success-only' 'base' 0 '')]");
        set_number(world.bus, layer, "Enabled", 1);
        EXPECT("[('value-set' 'Machine\\System\\Audit\\Modules' 'TaintEvents' 1 s:'failure-only' 'top' 0 '')]");

        _cleanup_message_ sd_bus_message *why = answer(world.bus, "Resolve", "ss", MODULES, "TaintEvents");
        const char *text = message_text(why);
        const char *top = strstr(text, "('top' 7 '' "), *base = strstr(text, "('base' 0 '' ");
        ck_assert_msg(top && base && top < base && strstr(top, "'failure-only' 'wins' 0 '')") &&
                              strstr(base, "'success-only' 'shadowed' 0 '')"),
                "%s", text);

        /* A tombstone on top: there is no value, whatever lies below. */
        succeeds(world.bus, "Set", "ssuva{sv}", MODULES, "TaintEvents", (uint32_t)REG_TOMBSTONE, "ay", 0, 1,
                "layer", "s", "top");
        EXPECT("[('value-deleted' 'Machine\\System\\Audit\\Modules' 'TaintEvents' 0 ay:[] '' 0 '')]");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "enabled default");
        succeeds(world.bus, "DeleteKey", "sa{sv}", layer, 0);
        EXPECT("[('value-set' 'Machine\\System\\Audit\\Modules' 'TaintEvents' 1 s:'success-only' 'base' 0 '')]");
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]");
}
END_TEST

START_TEST(files)
{
        _cleanup_ear_ struct ear whole = { 0 };
        _cleanup_buf_ struct buf origin = BUF_INIT;

        registryd_start(NULL);
        ear_on(&whole, world.bus, REGISTRY_PATH, REGISTRY_INTERFACE, "Changed");
        subscribe(world.bus, "Machine", true);
        /* Both are read at once, most likely. */
        dropin_write("a.yaml", "peios-registry: 1\nlayer: a\nkeys:\n  \\A:\n    x: !sz \"1\"\n");
        dropin_write("b.yaml", "peios-registry: 1\nlayer: b\nkeys:\n  \\B:\n    x: !sz \"1\"\n");
        WAIT(ear_heard(&whole, "'Machine\\A' 'x'") && ear_heard(&whole, "'Machine\\B' 'x'"));
        for (size_t i = 0; i < whole.n; i++) {
                const char *text = whole.heard[i];
                buf_clear(&origin);
                buf_printf(&origin,
                        "'reason'=s:'hive-edited', 'file'=s:'/etc/peios/registry.d/%s.yaml', 'file-owner'=u:%u",
                        strstr(text, "'Machine\\A' 'x'") ? "a" : "b", geteuid());
                if (strstr(text, "' 'x'"))
                        ck_assert_msg(strstr(text, buf_str(&origin)), "%s in %s", buf_str(&origin), text);
                ck_assert_msg(
                        !strstr(text, "'Machine\\A' 'x'") || !strstr(text, "'Machine\\B' 'x'"), "%s", text);
        }
        ear_clear(&whole);
        /* Who took it away is not known, but which file it was. */
        ck_assert_int_eq(unlink(world_path(dropin_path("a.yaml"))), 0);
        WAIT(ear_heard(&whole, "'value-deleted' 'Machine\\A' 'x'") ||
                ear_heard(&whole, "'key-deleted' 'Machine\\A'"));
        ck_assert(ear_heard(&whole, "'file'=s:'/etc/peios/registry.d/a.yaml', 'file-owner'=u:4294967295"));
}
END_TEST

START_TEST(restart)
{
        _cleanup_ear_ struct ear started = { 0 };

        begin();
        subscribe(world.bus, KEY, false);
        uint64_t last = set_string(world.bus, KEY, "V", "1");
        settle();
        ear_on(&started, world.bus, REGISTRY_PATH, REGISTRY_INTERFACE, "Started");
        daemon_kill(&world.registryd);
        registryd_start(NULL);
        WAIT(started.n > 0);
        ck_assert_uint_ge(strtoull(started.heard[0], NULL, 10), last);
        ck_assert_uint_eq(started.n, 1);
        ck_assert_str_eq(registry_property(world.bus, "Subscriptions"), "0");
        ear_clear(&ear);
        set_string(world.bus, KEY, "V", "2");
        expect(NULL, 0);
        subscribe(world.bus, KEY, false);
        set_string(world.bus, KEY, "V", "3");
        EXPECT("[('value-set' 'Machine\\Test\\Key' 'V' 1 s:'3' 'base' 0 '')]");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { order, one_signal_a_transaction, nothing_new, whom_it_concerns,
                keys_that_come_and_go, files, restart };
        const TTest *const privileged[] = { layers };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "what layers change");
        return harness_main(tests, ARRAY_SIZE(tests));
}
