/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every way in which the registry refuses a call: the error's name, and the text that says what is wrong. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define KEY "\\Test\\Key"
#define SZ ((uint32_t)REG_SZ)

/* Of many, it is the only one that is. */
static void refused_by_itself(const char *key, const char *error, const char *text)
{
        _cleanup_message_ sd_bus_message *m = answer(
                world.bus, "GetMany", "a(ss)", 3, MODULES, "TaintEvents", key, "V", MODULES, "TaintEvents");
        const char *names[3], *texts[3];

        ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "(ssuvts)"), 0);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_gt(sd_bus_message_enter_container(m, 'r', "ssuvts"), 0);
                ck_assert_int_gt(sd_bus_message_read(m, "ss", &names[i], &texts[i]), 0);
                ck_assert_int_ge(sd_bus_message_skip(m, "uvts"), 0);
                ck_assert_int_ge(sd_bus_message_exit_container(m), 0);
        }
        ck_assert_str_eq(names[0], "");
        ck_assert_str_eq(names[1], error);
        ck_assert_msg(strstr(texts[1], text), "%s", texts[1]);
        ck_assert_str_eq(names[2], "");
}

static void refused_everywhere(const char *key, const char *error, const char *text)
{
        refused(world.bus, error, text, "Get", "ss", key, "V");
        refused_by_itself(key, error, text);
        refused(world.bus, error, text, "List", "s", key);
        refused(world.bus, error, text, "Info", "s", key);
        refused(world.bus, error, text, "Resolve", "ss", key, "V");
        refused(world.bus, error, text, "Subscribe", "sba{sv}", key, 0, 0);
        refused(world.bus, error, text, "Set", "ssuva{sv}", key, "V", SZ, "s", "x", 0);
        refused(world.bus, error, text, "Delete", "ssa{sv}", key, "V", 0);
        refused(world.bus, error, text, "CreateKey", "sa{sv}", key, 0);
        refused(world.bus, error, text, "DeleteKey", "sa{sv}", key, 0);
        refused(world.bus, error, text, "Transact", "a(sssuv)a{sv}", 1, "create-key", key, "", 0u, "ay", 0,
                0);
        refused(world.bus, error, text, "Preview", "a(sssuv)a{sv}", 1, "create-key", key, "", 0u, "ay", 0,
                0);
}

START_TEST(paths)
{
        _cleanup_free_ char *name = repeat("n", 256), *deep = repeat("\\a", 512),
                            *way = repeat("\\aaaaaaaaa", 1700);
        _cleanup_free_ char *long_name = NULL;
        ck_assert(asprintf(&long_name, "\\Test\\%s", name) > 0);
        const struct {
                const char *key, *text;
        } cases[] = {
                { "", "the path is empty" },
                { "\\", "the path is empty" },
                { "\\\\Test", "component 1 of the path: empty" },
                { "\\Test\\\\Key",
                        "component 2 of the path: empty, expected no doubled or trailing separator" },
                { "/Test/Key/", "component 3 of the path: empty" },
                { long_name, "component 2 of the path: 256 bytes long, at most 255 are allowed" },
                { "CurrentUser\\Test", "CurrentUser: reserved for the caller's own hive" },
                { deep, "the path has more than 512 components with its hive" },
                { way, "the path is 17007 bytes long with its hive, at most 16383 are allowed" },
        };

        registryd_start(NULL);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                refused_everywhere(cases[i].key, ERROR_INVALID_NAME, cases[i].text);
        ck_assert_str_eq(registry_property(world.bus, "Subscriptions"), "0");

        /* The longest that there may be. */
        deep[2 * 511] = '\0';
        set_string(world.bus, deep, "V", "deep");
        ck_assert_str_eq(get_text(world.bus, deep, "v"), "deep base");
        long_name[strlen(long_name) - 1] = '\0';
        set_string(world.bus, long_name, "V", "long");
        ck_assert_str_eq(get_text(world.bus, long_name, "V"), "long base");
}
END_TEST

START_TEST(value_names)
{
        _cleanup_free_ char *name = repeat("n", 256);

        registryd_start(NULL);
        refused(world.bus, ERROR_INVALID_NAME, "value name: 256 bytes long, at most 255 are allowed", "Get",
                "ss", KEY, name);
        refused(world.bus, ERROR_INVALID_NAME, "value name: 256 bytes long, at most 255 are allowed", "Set",
                "ssuva{sv}", KEY, name, SZ, "s", "x", 0);
        refused(world.bus, ERROR_INVALID_NAME, "256 bytes long, at most 255 are allowed", "Set", "ssuva{sv}",
                KEY, "V", SZ, "s", "x", 1, "layer", "s", name);
        set_string(world.bus, KEY, name + 1, "x");
        ck_assert_str_eq(get_text(world.bus, KEY, name + 1), "x base");
        set_string(world.bus, KEY, "a\\b/c", "y");
        ck_assert_str_eq(get_text(world.bus, KEY, "A\\b/C"), "y base");
}
END_TEST

START_TEST(what_is_not_there)
{
        registryd_start(NULL);
        refused(world.bus, ERROR_NOT_FOUND, "Machine\\Test\\Key: no such key: there is no 'Test' in Machine",
                "Get", "ss", KEY, "V");
        set_string(world.bus, KEY, "V", "x");
        refused(world.bus, ERROR_NOT_FOUND, "Machine\\Test\\Key: no such value: 'W'", "Get", "ss", KEY, "W");
        refused(world.bus, ERROR_NOT_FOUND, "no such value: '@'", "Get", "ss", KEY, "");
        refused(world.bus, ERROR_NOT_FOUND, "there is no 'Sub' in Machine\\Test\\Key", "List", "s",
                KEY "\\Sub");
        refused(world.bus, ERROR_NOT_FOUND, "there is no layer 'none'; make it by setting", "Set",
                "ssuva{sv}", KEY, "V", SZ, "s", "x", 1, "layer", "s", "none");
        refused(world.bus, ERROR_NOT_FOUND, "this client has no subscription 7", "Unsubscribe", "t",
                UINT64_C(7));
        refused(world.bus, ERROR_INVALID_NAME, "Machine: a hive cannot be deleted", "DeleteKey", "sa{sv}",
                "Machine", 0);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "x base");
}
END_TEST

START_TEST(variants)
{
        static const struct {
                uint32_t type;
                const char *signature, *text;
        } cases[] = {
                { REG_SZ, "u", "a REG_SZ is sent as a variant of 's' (or 'ay'), not of 'u'" },
                { REG_EXPAND_SZ, "u", "a REG_EXPAND_SZ is sent as a variant of 's'" },
                { REG_LINK, "u", "a REG_LINK is sent as a variant of 's'" },
                { REG_BINARY, "u", "a REG_BINARY is sent as a variant of 'ay' (or 'ay'), not of 'u'" },
                { REG_NONE, "u", "a REG_NONE is sent as a variant of 'ay'" },
                { REG_MULTI_SZ, "u", "a REG_MULTI_SZ is sent as a variant of 'as' (or 'ay'), not of 'u'" },
                { REG_QWORD, "u", "a REG_QWORD is sent as a variant of 't' (or 'ay'), not of 'u'" },
                { REG_DWORD, "i", "a REG_DWORD is sent as a variant of 'u' (or 'ay'), not of 'i'" },
                { REG_DWORD, "b", "a REG_DWORD is sent as a variant of 'u'" },
                { 77, "u", "is sent as a variant of 'ay'" },
        };

        registryd_start(NULL);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                refused(world.bus, ERROR_INVALID_VALUE, cases[i].text, "Set", "ssuva{sv}", KEY, "V",
                        cases[i].type, cases[i].signature, 1, 0);
                refused(world.bus, ERROR_INVALID_VALUE, cases[i].text, "Transact", "a(sssuv)a{sv}", 1, "set",
                        KEY, "V", cases[i].type, cases[i].signature, 1, 0);
        }
        refused(world.bus, ERROR_INVALID_VALUE, "a tombstone has no data", "Set", "ssuva{sv}", KEY, "V",
                (uint32_t)REG_TOMBSTONE, "ay", 1, 7, 0);
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Info", "s", KEY);
        /* D-Bus itself refuses what is not of the method's signature. */
        refused(world.bus, SD_BUS_ERROR_INVALID_ARGS, "", "Set", "ss", KEY, "V");
        refused(world.bus, SD_BUS_ERROR_UNKNOWN_METHOD, "", "Frobnicate", "s", KEY);
}
END_TEST

START_TEST(options)
{
        static const char allowed[] =
                "there is no option 'colour'; there are layer (s), ends (s), expected-sequence (t), registry-sequence (t), "
                "volatile (b), recursive (b), if-needed (b), no-follow (b), unchanged (b), check (s) and on-behalf-of (s)";

        registryd_start(NULL);
        refused(world.bus, ERROR_INVALID_VALUE, allowed, "Set", "ssuva{sv}", KEY, "V", SZ, "s", "x", 1,
                "colour", "s", "red");
        refused(world.bus, ERROR_INVALID_VALUE, allowed, "Delete", "ssa{sv}", KEY, "V", 1, "colour", "s",
                "red");
        refused(world.bus, ERROR_INVALID_VALUE, allowed, "Subscribe", "sba{sv}", KEY, 0, 1, "colour", "s",
                "red");
        refused(world.bus, ERROR_INVALID_VALUE, allowed, "Preview", "a(sssuv)a{sv}", 0, 1, "colour", "s",
                "red");
        refused(world.bus, ERROR_INVALID_VALUE, "option 'layer' is of the wrong type", "Set", "ssuva{sv}",
                KEY, "V", SZ, "s", "x", 1, "layer", "u", 1u);
        refused(world.bus, ERROR_INVALID_VALUE, "option 'expected-sequence' is of the wrong type", "Set",
                "ssuva{sv}", KEY, "V", SZ, "s", "x", 1, "expected-sequence", "u", 1u);
        refused(world.bus, ERROR_INVALID_VALUE, "option 'recursive' is of the wrong type", "DeleteKey",
                "sa{sv}", KEY, 1, "recursive", "s", "yes");
        refused(world.bus, ERROR_INVALID_NAME, "empty, expected 1 to 255 bytes", "Set", "ssuva{sv}", KEY,
                "V", SZ, "s", "x", 1, "layer", "s", "");
        refused(world.bus, ERROR_INVALID_NAME, "a separator", "Set", "ssuva{sv}", KEY, "V", SZ, "s", "x", 1,
                "layer", "s", "a\\b");
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Info", "s", KEY);
}
END_TEST

START_TEST(transactions)
{
        registryd_start(NULL);
        refused(world.bus, ERROR_INVALID_VALUE,
                "there is no action 'drop'; there are set, delete, create-key, create-link,", "Transact",
                "a(sssuv)a{sv}", 1, "drop", KEY, "", 0u, "ay", 0, 0);
        /* All or nothing: the second fails. */
        refused(world.bus, ERROR_NOT_FOUND, "has no value 'None'", "Transact", "a(sssuv)a{sv}", 2, "set",
                KEY, "V", SZ, "s", "x", "delete", KEY, "None", 0u, "ay", 0, 0);
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Info", "s", KEY);
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Transact", "a(sssuv)a{sv}", 3, "set", KEY,
                "V", SZ, "s", "x", "create-key", KEY "\\Sub", "", 0u, "ay", 0, "set", KEY, "W",
                (uint32_t)REG_DWORD, "u", 7u, 0);
        uint64_t sequence;
        ck_assert_int_gt(sd_bus_message_read(m, "t", &sequence), 0);
        ck_assert_str_eq(message_text(m),
                "true ['values-set'=2, 'values-deleted'=0, 'keys-created'=3, 'keys-deleted'=0, 'masks'=0]");
        ck_assert_uint_eq(sequence, strtoull(registry_property(world.bus, "Sequence"), NULL, 10));
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "x base");
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 0, 0);
}
END_TEST

START_TEST(preview)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "Old", "1");
        const char *before = strdupa(registry_property(world.bus, "Problems"));
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Preview", "a(sssuv)a{sv}", 3, "set", KEY,
                "Old", SZ, "s", "2", "set", KEY, "New", SZ, "s", "3", "delete", KEY, "Old", 0u, "ay", 0, 0);
        ck_assert_str_eq(message_text(m),
                "[('value-deleted' 'Machine\\Test\\Key' 'Old' 0 ay:[] '' 0 ''), "
                "('value-set' 'Machine\\Test\\Key' 'New' 1 s:'3' 'base' 0 '')] 'allowed' "
                "['values-set'=2, 'values-deleted'=1, 'keys-created'=0, 'keys-deleted'=0, 'masks'=0] []");
        ck_assert_str_eq(get_text(world.bus, KEY, "Old"), "1 base");
        ck_assert_str_eq(get_text(world.bus, KEY, "New"), "-");
        ck_assert_str_eq(registry_property(world.bus, "Problems"), before);
        /* What is refused takes no number either. */
        const char *sequence = strdupa(registry_property(world.bus, "Sequence"));
        refused(world.bus, ERROR_NOT_FOUND, "has no value 'None'", "Preview", "a(sssuv)a{sv}", 2, "set", KEY,
                "New", SZ, "s", "3", "delete", KEY, "None", 0u, "ay", 0, 0);
        ck_assert_str_eq(registry_property(world.bus, "Sequence"), sequence);
}
END_TEST

/* In one call; `base` is there already. */
static int make_layers(unsigned n, sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *m = transact_begin(world.bus);

        for (unsigned i = 0; i < n; i++) {
                char key[64];
                snprintf(key, sizeof(key), "\\System\\Registry\\Layers\\l%u", i);
                ck_assert_int_ge(sd_bus_message_append(m, "(sssuv)", "create-key", key, "", 0u, "ay", 0), 0);
        }
        return transact_call(world.bus, m, error, NULL);
}

START_TEST(layers)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        registryd_start(NULL);
        ck_assert_int_lt(make_layers(1024, &error), 0);
        ck_assert_str_eq(error.name, ERROR_LIMIT);
        ck_assert_str_eq(error.message, "there are too many layers");
        sd_bus_error_free(&error);
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Info", "s", "\\System\\Registry\\Layers\\l0");
        ck_assert_int_ge(make_layers(1023, NULL), 0);
        refused(world.bus, ERROR_LIMIT, "there are too many layers", "Set", "ssuva{sv}",
                "\\System\\Registry\\Layers\\more", "Precedence", (uint32_t)REG_DWORD, "u", 1u, 0);
        refused(world.bus, ERROR_LIMIT, "there are too many layers", "CreateKey", "sa{sv}",
                "\\System\\Registry\\Layers\\more", 0);
        refused(world.bus, ERROR_NOT_FOUND, "there is no layer 'more'", "Set", "ssuva{sv}", KEY, "V", SZ,
                "s", "x", 1, "layer", "s", "more");
        set_in_layer(world.bus, "l0", KEY, "V", "x");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { paths, value_names, what_is_not_there, variants, options,
                transactions, preview, layers };
        return harness_main(tests, ARRAY_SIZE(tests));
}
