/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the schema says, over the bus: Describe, ListKnown and SchemaReloaded. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define SCHEMA_FILE LAYOUT_SCHEMA_ADMIN "/test.yaml"
#define SCHEMA(entries) "peios-schema: 1\nkeys:\n" entries
#define ENTRY(name) "    " name ": {type: REG_DWORD, default: 7, range: [1, 9], description: d}\n"

static void describes(const char *key, const char *name, const char *text)
{
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Describe", "ss", key, name);

        ck_assert_str_eq(message_text(m), text);
}

static void lists(const char *key, int subtree, const char *text)
{
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "ListKnown", "sb", key, subtree);

        ck_assert_str_eq(message_text(m), text);
}

static const char *list_of(const char *key, int subtree)
{
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "ListKnown", "sb", key, subtree);

        return message_text(m);
}

/* A value that is built in; whoever asks need not write it as the schema does. */
START_TEST(built_in)
{
        registryd_start(NULL);
        describes("hklm/system/process", "pidmax",
                "true 'Machine\\System\\Process' ['name'=s:'PidMax', 'type'=u:4, 'least'=t:301, 'most'=t:4194304, "
                "'apply'=s:'live', 'description'=s:'The process number at which numbering begins anew. Not touched while "
                "the value is not set.', 'source'=s:'built-in/process.yaml', 'control'=s:'kernel.pid_max', "
                "'encoding'=s:'number', 'drift-value'=s:'PidMaxOnDrift', 'drift'=s:'report', "
                "'audit-op'=s:'changed-kernel-setting'] []");
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Describe", "ss", MODULES, "TaintCapture");
        const char *capture = message_text(m);
        ck_assert_ptr_nonnull(strstr(capture, "'default'=s:'standard'"));
        ck_assert_ptr_nonnull(
                strstr(capture, " [('standard' '' 'What set the bit, and who.'), ('forensic' '' "));
        _cleanup_message_ sd_bus_message *file =
                answer(world.bus, "Describe", "ss", "\\System\\Audit\\Metrics", "TextFile");
        ck_assert_ptr_nonnull(strstr(message_text(file), "'path'=b:true, 'suffix'=s:'.prom'"));
        _cleanup_message_ sd_bus_message *list = answer(world.bus, "Describe", "ss", MODULES, "Accepted");
        ck_assert_ptr_nonnull(strstr(message_text(list), "'default'=s:'', 'items'=s:'accepted-taint'"));
}
END_TEST

/* Of each layer that there may be, but for the registry's own. */
START_TEST(metadata_of_layers)
{
        registryd_start(NULL);
        describes("\\System\\Registry\\Layers\\any", "precedence",
                "true 'Machine\\System\\Registry\\Layers\\any' ['name'=s:'Precedence', 'type'=u:4, 'apply'=s:'live', "
                "'description'=s:'The layer with the highest wins, among equals the later write. Not set, what the "
                "layer's file says counts, else 0.', 'source'=s:'the registry's layers', 'layer'=s:'base'] []");
        _cleanup_message_ sd_bus_message *m =
                answer(world.bus, "Describe", "ss", "\\System\\Registry\\Layers\\any", "Enabled");
        ck_assert_ptr_nonnull(strstr(message_text(m), "'layer'=s:'base'] [('0' '' 'The layer is kept"));
        const char *list = list_of("hklm\\System\\registry\\Layers\\any", 0);
        const char *enabled = "[] [('Machine\\System\\registry\\Layers\\any' ['name'=s:'Enabled', ";
        ck_assert_ptr_eq(strstr(list, enabled), list);
        ck_assert_ptr_nonnull(
                strstr(list, "('Machine\\System\\registry\\Layers\\any' ['name'=s:'Precedence', "));
        ck_assert_ptr_nonnull(strstr(list, "'layer'=s:'base'] [])]"));
        lists("\\System\\Registry\\Layers\\base", 0, "[] []");
        lists("\\System\\Registry\\Layers", 1, "[] []");
        lists("\\System\\Registry\\Layers\\any\\x", 0, "[] []");
        describes("\\System\\Registry\\Layers\\Base", "Enabled",
                "false 'Machine\\System\\Registry\\Layers\\Base' [] []");
        describes("\\System\\Registry\\Layers\\any\\x", "Enabled",
                "false 'Machine\\System\\Registry\\Layers\\any\\x' [] []");
}
END_TEST

START_TEST(unknown)
{
        registryd_start(NULL);
        describes("\\No", "such", "false 'Machine\\No' [] []");
        describes(MODULES, "TaintEvent",
                "false 'Machine\\System\\Audit\\Modules' ['meant-key'=s:'Machine\\System\\Audit\\Modules', "
                "'meant-name'=s:'TaintEvents'] []");
        describes("\\System", "audit", "false 'Machine\\System' ['is-key'=b:true] []");
        describes(MODULES "\\TaintEvents", "x",
                "false 'Machine\\System\\Audit\\Modules\\TaintEvents' ['key-is-value'=b:true] []");
        lists("\\No", 1, "[] []");
        refused(world.bus, ERROR_INVALID_NAME, "", "Describe", "ss", "\\A\\\\B", "x");
        refused(world.bus, ERROR_INVALID_NAME, "a root of regedit", "ListKnown", "sb", "HKCU\\x", 0);
        _cleanup_free_ char *name = repeat("x", 256);
        refused(world.bus, ERROR_INVALID_NAME, "", "Describe", "ss", "\\A", name);
}
END_TEST

static void comes_to(const char *value, const char *check, const char *layer, const char *text)
{
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Set", "ssuva{sv}", MODULES, "TaintEvents",
                (uint32_t)REG_SZ, "s", value, 2, "check", "s", check, "layer", "s", layer);
        uint64_t sequence;

        ck_assert_int_gt(sd_bus_message_read(m, "t", &sequence), 0);
        ck_assert_str_eq(message_text(m), text);
}

/* What the schema speaks against, for who asks. */
START_TEST(checked)
{
        static const char layer[] = "\\System\\Registry\\Layers\\other";
        static const char why[] =
                "`on` is not allowed, expected one of enabled, success-only, failure-only, disabled";

        registryd_start(NULL);
        set_number(world.bus, layer, "Precedence", 0);
        refused(world.bus, ERROR_UNACCEPTED, why, "Set", "ssuva{sv}", MODULES, "TaintEvents",
                (uint32_t)REG_SZ, "s", "on", 1, "check", "s", "refuse");
        refused(world.bus, ERROR_UNACCEPTED,
                "\\TaintEvent: the schema does not know this value, but \\System\\", "Set", "ssuva{sv}",
                MODULES, "TaintEvent", (uint32_t)REG_SZ, "s", "on", 1, "check", "s", "refuse");
        refused(world.bus, ERROR_UNACCEPTED, "\\TaintEvents: is a value in the schema, expected a key",
                "CreateKey", "sa{sv}", MODULES "\\TaintEvents", 1, "check", "s", "refuse");
        refused(world.bus, ERROR_UNACCEPTED, "expected a key", "Subscribe", "sba{sv}",
                MODULES "\\TaintEvents", 0, 1, "check", "s", "refuse");
        refused(world.bus, ERROR_UNACCEPTED, why, "Preview", "a(sssuv)a{sv}", 1, "set", MODULES,
                "TaintEvents", (uint32_t)REG_SZ, "s", "on", 1, "check", "s", "refuse");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "enabled default");
        comes_to("disabled", "refuse", "base", "true 'base' ['accepted'=b:true]");
        comes_to("on", "report", "base", textf("true 'base' ['why'=s:'%s', 'last-good'=s:'disabled']", why));
        comes_to("off", "report", "base", textf("true 'base' ['why'=s:'`off`%s']", why + strlen("`on`")));
        /* Layers' metadata count in base alone. */
        refused(world.bus, ERROR_UNACCEPTED, "2 is not allowed", "Set", "ssuva{sv}", layer, "Enabled",
                (uint32_t)REG_DWORD, "u", 2, 1, "check", "s", "refuse");
        succeeds(world.bus, "Set", "ssuva{sv}", layer, "Enabled", (uint32_t)REG_DWORD, "u", 2, 2, "check",
                "s", "refuse", "layer", "s", "other");
        /* A name that somebody wrote all the same is known. */
        succeeds(world.bus, "Set", "ssuva{sv}", MODULES, "TaintEvent", (uint32_t)REG_SZ, "s", "on", 1,
                "check", "s", "report");
        succeeds(world.bus, "Set", "ssuva{sv}", MODULES, "TaintEvent", (uint32_t)REG_SZ, "s", "off", 1,
                "check", "s", "refuse");
        refused(world.bus, ERROR_INVALID_VALUE, "option 'check' is 'x', expected refuse or report",
                "CreateKey", "sa{sv}", "\\A", 1, "check", "s", "x");
        refused(world.bus, ERROR_INVALID_VALUE, "option 'check' is for one change, not for 2", "Transact",
                "a(sssuv)a{sv}", 2, "create-key", "\\A", "", (uint32_t)REG_NONE, "ay", 0, "create-key",
                "\\B", "", (uint32_t)REG_NONE, "ay", 0, 1, "check", "s", "report");
}
END_TEST

/* A key's own values, those below it, and the names on the way, each once though others sort in between. */
START_TEST(keys)
{
        world_write(SCHEMA_FILE, SCHEMA("  \\A\\b:\n" ENTRY("One") "  \\A\\B-x:\n" ENTRY(
                                         "Two") "  \\A\\B\\C:\n" ENTRY("Three") "  \\A:\n" ENTRY("Four")));
        registryd_start(NULL);
        static const char four[] =
                "('Machine\\A' ['name'=s:'Four', 'type'=u:4, 'default'=s:'7', 'least'=t:1, "
                "'most'=t:9, 'apply'=s:'live', 'description'=s:'d', "
                "'source'=s:'/etc/peios/schema.d/test.yaml'] [])";
        _cleanup_buf_ struct buf expected = BUF_INIT;
        buf_printf(&expected, "['b', 'B-x'] [%s]", four);
        lists("/a", 0, buf_str(&expected));
        const char *all = list_of("/a", 1);
        ck_assert_ptr_nonnull(strstr(all, "['b', 'B-x'] [('Machine\\A' ['name'=s:'Four'"));
        ck_assert_ptr_nonnull(strstr(all, "('Machine\\A\\b' ['name'=s:'One'"));
        ck_assert_ptr_nonnull(strstr(all, "('Machine\\A\\B-x' ['name'=s:'Two'"));
        ck_assert_ptr_nonnull(strstr(all, "('Machine\\A\\B\\C' ['name'=s:'Three'"));
        ck_assert_ptr_null(strstr(list_of("/a/b", 0), "Three"));
        ck_assert_ptr_nonnull(strstr(list_of("/a/b", 0), "['C'] [('Machine\\A\\b' ['name'=s:'One'"));
        ck_assert_ptr_nonnull(strstr(list_of("Machine", 0), "['A', 'System'] []"));
}
END_TEST

/* Where the first component is a hive of its own, it is no key of Machine. */
START_TEST(other_hive)
{
        world_write(SCHEMA_FILE, SCHEMA("  \\Users\\A:\n" ENTRY("One")));
        registryd_start(NULL);
        ck_assert_ptr_nonnull(strstr(list_of("Users", 1), "'Machine\\Users\\A' ['name'=s:'One'"));
        world_write(LAYOUT_DROPINS_ADMIN "/users.yaml",
                "peios-registry: 1\nlayer: users\nhives: [Users]\nkeys:\n  Users\\A:\n    x: !sz y\n");
        WAIT(strcmp(registry_property(world.bus, "Hives"), "['Machine', 'Users']") == 0);
        lists("Users", 1, "[] []");
        describes("Users\\A", "One", "false 'Users\\A' [] []");
        ck_assert_ptr_nonnull(strstr(list_of("Machine\\Users\\A", 0), "'One'"));
}
END_TEST

/* A layer may hide the key: what it means is no secret, and stays known. */
START_TEST(hidden_key)
{
        world_write(LAYOUT_DROPINS_ADMIN "/hide.yaml",
                "peios-registry: 1\nlayer: hide\nprecedence: 9\nkeys:\n  \\System\\Process: !hidden\n");
        registryd_start(NULL);
        ck_assert_ptr_nonnull(strstr(list_of("\\System\\Process", 0), "'PidMaxOnDrift'"));
}
END_TEST

START_TEST(reloaded)
{
        _cleanup_ear_ struct ear heard = { 0 };

        registryd_start(NULL);
        ear_on(&heard, world.bus, REGISTRY_PATH, REGISTRY_INTERFACE, "SchemaReloaded");
        world_write(SCHEMA_FILE, SCHEMA("  \\A:\n" ENTRY("Other")));
        describes("\\A", "Other", "false 'Machine\\A' [] []");
        succeeds(world.bus, "Reload", "");
        WAIT(heard.n == 1);
        /* The same again is no news, whoever wrote it anew. */
        world_write(SCHEMA_FILE, "# again\n" SCHEMA("  \\A:\n" ENTRY("Other")));
        succeeds(world.bus, "Reload", "");
        ck_assert_ptr_nonnull(strstr(list_of("\\A", 0), "'Other'"));
        /* A broken one says what it said before. */
        world_write(SCHEMA_FILE, "peios-schema: 2\n");
        succeeds(world.bus, "Reload", "");
        ck_assert_ptr_nonnull(strstr(list_of("\\A", 0), "'Other'"));
        world_remove(SCHEMA_FILE);
        succeeds(world.bus, "Reload", "");
        while (sd_bus_process(world.bus, NULL) > 0) /* what came before the reply */
                ;
        ck_assert_uint_eq(heard.n, 2);
        lists("\\A", 1, "[] []");
}
END_TEST

/* So much is known that no message holds it: that is said, and a part of it can be had. */
START_TEST(too_large)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        _cleanup_free_ char *meaning = repeat("m", 4096), *word = repeat("w", 4000);
        char path[64];

        for (unsigned f = 0; f < 36; f++) {
                buf_clear(&text);
                buf_printf(&text, "peios-schema: 1\nkeys:\n  \\Large\\K%u:\n", f);
                for (unsigned v = 0; v < 2; v++) {
                        buf_printf(&text,
                                "    V%u:\n      type: REG_SZ\n      description: d\n      choices:\n", v);
                        for (unsigned c = 0; c < 60; c++)
                                buf_printf(
                                        &text, "        ? %u%s\n        : meaning: %s\n", c, word, meaning);
                }
                (void)snprintf(path, sizeof(path), LAYOUT_SCHEMA_ADMIN "/%u.yaml", f);
                world_write(path, buf_str(&text));
        }
        registryd_start(NULL);
        ck_assert_str_eq(registry_property(world.bus, "Problems"), "[]");
        refused(world.bus, ERROR_TOO_LARGE, "ask for less", "ListKnown", "sb", "Machine", 1);
        ck_assert_ptr_nonnull(strstr(list_of("\\Large", 0), "'K9'"));
        ck_assert_ptr_nonnull(strstr(list_of("\\Large\\K3", 0), "'V1'"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { built_in, metadata_of_layers, unknown, checked, keys, other_hive,
                hidden_key, reloaded, too_large };
        return harness_main(tests, ARRAY_SIZE(tests));
}
