/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry's methods: what they answer, and every way to be refused. */
#include <string.h>

#include "client.h"

#define KEY "\\Test\\Key"

static const char *reply_text(sd_bus_message *reply)
{
        return message_text(reply);
}

START_TEST(every_type)
{
        static const struct {
                uint32_t type;
                const char *signature, *text; /* of the variant as it comes back */
        } cases[] = {
                { REG_SZ, "s", "1 s:'grün'" },
                { REG_EXPAND_SZ, "s", "2 s:'%HOME%'" },
                { REG_LINK, "s", "6 s:'Machine\\X'" },
                { REG_SZ, "s", "1 s:''" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *quote = strchr(cases[i].text, '\'');
                _cleanup_free_ char *plain = strndup(quote + 1, strlen(quote) - 2);
                succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", cases[i].type, "s", plain, 0);
                _cleanup_message_ sd_bus_message *get = answer(world.bus, "Get", "ss", KEY, "V");
                ck_assert_ptr_nonnull(strstr(reply_text(get), cases[i].text));
        }
}
END_TEST

START_TEST(every_number)
{
        static const struct {
                uint32_t type;
                uint64_t number;
                const char *text, *bytes;
        } cases[] = {
                { REG_DWORD, 4294967295u, "4 u:4294967295 ", NULL },
                { REG_DWORD, 258, "4 u:258 ", "\x02\x01\x00\x00" },
                { REG_DWORD_BIG_ENDIAN, 258, "5 u:258 ", "\x00\x00\x01\x02" },
                { REG_QWORD, UINT64_MAX, "11 t:18446744073709551615 ", NULL },
                { REG_QWORD, 0, "11 t:0 ", "\0\0\0\0\0\0\0\0" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                bool wide = cases[i].type == REG_QWORD;
                _cleanup_message_ sd_bus_message *set =
                        wide ? answer(world.bus, "Set", "ssuva{sv}", KEY, "V", cases[i].type, "t",
                                       cases[i].number, 0)
                             : answer(world.bus, "Set", "ssuva{sv}", KEY, "V", cases[i].type, "u",
                                       (uint32_t)cases[i].number, 0);
                _cleanup_message_ sd_bus_message *get = answer(world.bus, "Get", "ss", KEY, "V");
                const char *text = reply_text(get);
                ck_assert_msg(strncmp(text, cases[i].text, strlen(cases[i].text)) == 0, "%s", text);
                if (!cases[i].bytes)
                        continue;
                /* The same as bytes is the same value: no new sequence. */
                _cleanup_message_ sd_bus_message *m = NULL;
                _cleanup_message_ sd_bus_message *same = NULL;
                ck_assert_int_ge(sd_bus_message_new_method_call(world.bus, &m, REGISTRY_BUS_NAME,
                                         REGISTRY_PATH, REGISTRY_INTERFACE, "Set"),
                        0);
                ck_assert_int_ge(sd_bus_message_append(m, "ssu", KEY, "V", cases[i].type), 0);
                ck_assert_int_ge(sd_bus_message_open_container(m, 'v', "ay"), 0);
                ck_assert_int_ge(sd_bus_message_append_array(m, 'y', cases[i].bytes, wide ? 8 : 4), 0);
                ck_assert_int_ge(sd_bus_message_close_container(m), 0);
                ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 0), 0);
                ck_assert_int_ge(sd_bus_call(world.bus, m, 0, NULL, &same), 0);
                uint64_t first, second;
                ck_assert_int_gt(sd_bus_message_read(set, "t", &first), 0);
                ck_assert_int_gt(sd_bus_message_read(same, "t", &second), 0);
                ck_assert_uint_eq(first, second);
        }
}
END_TEST

START_TEST(every_kind_of_bytes)
{
        static const uint32_t types[] = { REG_NONE, REG_BINARY, REG_RESOURCE_LIST,
                REG_FULL_RESOURCE_DESCRIPTOR, REG_RESOURCE_REQUIREMENTS_LIST, REG_DWORD, REG_QWORD, REG_SZ,
                REG_MULTI_SZ };

        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                /* Three bytes are no number and no UTF-8: they are kept all the same, and come back as
                 * bytes. */
                succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", types[i], "ay", 3, 0xff, 0, 0x80, 0);
                _cleanup_message_ sd_bus_message *get = answer(world.bus, "Get", "ss", KEY, "V");
                uint32_t type;
                ck_assert_int_ge(sd_bus_message_read(get, "u", &type), 0);
                ck_assert_uint_eq(type, types[i]);
                const char *text = message_text(get);
                ck_assert_msg(strncmp(text, "ay:[ff0080]", 11) == 0, "%u: %s", types[i], text);
        }
}
END_TEST

START_TEST(no_other_type)
{
        static const uint32_t types[] = { 12, 77, 0xfffe, 0x10000, UINT32_MAX };

        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                refused(world.bus, ERROR_INVALID_VALUE, "expected 0 to 11", "Set", "ssuva{sv}", KEY, "V",
                        types[i], "ay", 1, 0, 0);
                refused(world.bus, ERROR_INVALID_VALUE, "expected 0 to 11", "Transact", "a(sssuv)a{sv}", 1,
                        "set", KEY, "V", types[i], "ay", 1, 0, 0);
        }
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Get", "ss", KEY, "V");
}
END_TEST

/* Where a reader forgives a NUL, or drops an item, the bytes come back as they are. */
START_TEST(text_with_nuls_at_its_end)
{
        static const struct {
                uint32_t type;
                uint8_t bytes[5];
                const char *text;
        } cases[] = {
                { REG_SZ, { 'a', 'b', 'c', 'd', 0 }, " ay:[6162636400] " },
                { REG_EXPAND_SZ, { 'a', 'b', 'c', 0, 0 }, " ay:[6162630000] " },
                { REG_MULTI_SZ, { 'a', 0, 'b', 0, 0 }, " ay:[6100620000] " },
                { REG_MULTI_SZ, { 'a', 0, 0, 'b', 0 }, " ay:[6100006200] " },
                { REG_MULTI_SZ, { 'a', 0, 'b', 'c', 0 }, " as:['a', 'bc'] " },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const uint8_t *b = cases[i].bytes;
                succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", cases[i].type, "ay", 5, b[0], b[1], b[2],
                        b[3], b[4], 0);
                _cleanup_message_ sd_bus_message *get = answer(world.bus, "Get", "ss", KEY, "V");
                const char *text = message_text(get);
                ck_assert_msg(strstr(text, cases[i].text), "%s", text);
        }
}
END_TEST

/* U+FDD0 is UTF-8, but no string of sd-bus's: it comes back as bytes, and its key can be read. */
START_TEST(text_that_the_bus_does_not_take)
{
        static const uint32_t types[] = { REG_SZ, REG_EXPAND_SZ, REG_LINK };

        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", types[i], "ay", 3, 0xef, 0xb7, 0x90, 0);
                _cleanup_message_ sd_bus_message *get = answer(world.bus, "Get", "ss", KEY, "V");
                ck_assert_ptr_nonnull(strstr(message_text(get), " ay:[efb790] "));
                succeeds(world.bus, "List", "s", KEY);
        }
        succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_MULTI_SZ, "ay", 6, 'a', 0, 0xef,
                0xb7, 0x90, 0, 0);
        _cleanup_message_ sd_bus_message *get = answer(world.bus, "Get", "ss", KEY, "V");
        ck_assert_ptr_nonnull(strstr(message_text(get), " ay:[6100efb79000] "));
}
END_TEST

START_TEST(lists_of_strings)
{
        succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_MULTI_SZ, "as", 3, "one", "two",
                "three", 0);
        _cleanup_message_ sd_bus_message *get = answer(world.bus, "Get", "ss", KEY, "v");
        ck_assert_ptr_nonnull(strstr(message_text(get), "7 as:['one', 'two', 'three']"));
        /* An item that readers drop: the list is not what was given, so the bytes are. */
        succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_MULTI_SZ, "as", 3, "a", "", "b", 0);
        _cleanup_message_ sd_bus_message *bytes = answer(world.bus, "Get", "ss", KEY, "v");
        ck_assert_ptr_nonnull(strstr(message_text(bytes), "7 ay:[6100006200]"));
        succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_MULTI_SZ, "as", 0, 0);
        _cleanup_message_ sd_bus_message *empty = answer(world.bus, "Get", "ss", "/test/KEY", "v");
        ck_assert_ptr_nonnull(strstr(message_text(empty), "7 as:[]"));
}
END_TEST

START_TEST(reading)
{
        uint64_t first = set_string(world.bus, KEY, "Name", "text");
        uint64_t second = set_string(world.bus, KEY, "", "default value");
        set_string(world.bus, KEY "\\B", "x", "y");
        set_string(world.bus, KEY "\\a", "x", "y");
        ck_assert_uint_gt(second, first);

        _cleanup_message_ sd_bus_message *many = answer(world.bus, "GetMany", "a(ss)", 4, KEY, "name",
                "\\None", "x", KEY, "", MODULES, "TaintEvents");
        _cleanup_buf_ struct buf expected = BUF_INIT;
        buf_printf(&expected,
                "[('' '' 1 s:'text' %llu 'base'), "
                "('" ERROR_NOT_FOUND
                "' 'Machine\\None: no such key: there is no 'None' in Machine' 0 ay:[] 0 ''), "
                "('' '' 1 s:'default value' %llu 'base'), ('' '' 1 s:'enabled' 0 'default')]",
                (unsigned long long)first, (unsigned long long)second);
        ck_assert_str_eq(message_text(many), buf_str(&expected));

        _cleanup_message_ sd_bus_message *list = answer(world.bus, "List", "s", "test\\key");
        buf_clear(&expected);
        buf_printf(&expected,
                "['a', 'B'] [('' 1 s:'default value' %llu 'base'), ('Name' 1 s:'text' %llu 'base')]",
                (unsigned long long)second, (unsigned long long)first);
        ck_assert_str_eq(message_text(list), buf_str(&expected));

        _cleanup_message_ sd_bus_message *info = answer(world.bus, "Info", "s", KEY);
        const char *text = message_text(info);
        ck_assert_ptr_nonnull(strstr(text, "'Path'=s:'Machine\\Test\\Key'"));
        ck_assert_ptr_nonnull(strstr(text, "'Subkeys'=u:2, 'Values'=u:2"));
        ck_assert_ptr_nonnull(strstr(text, "'Volatile'=b:false, 'Link'=b:false"));
}
END_TEST

START_TEST(nothing_written)
{
        _cleanup_message_ sd_bus_message *get = answer(world.bus, "Get", "ss", MODULES, "taintevents");
        ck_assert_str_eq(message_text(get), "1 s:'enabled' 0 'default'");
        _cleanup_message_ sd_bus_message *why = answer(world.bus, "Resolve", "ss", MODULES, "TaintEvents");
        ck_assert_str_eq(message_text(why),
                "false 'Machine\\System\\Audit\\Modules' [('default' 0 '' 0 1 s:'enabled' 'wins' 0 '')] "
                "['actor'=s:'none'] []");
        _cleanup_message_ sd_bus_message *none = answer(world.bus, "Resolve", "ss", KEY, "x");
        ck_assert_str_eq(message_text(none), "false 'Machine\\Test\\Key' [] ['actor'=s:'none'] []");
        ck_assert_str_eq(registry_property(world.bus, "Hives"), "['Machine']");
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]");
}
END_TEST

START_TEST(who_wrote_it)
{
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        _cleanup_message_ sd_bus_message *why = answer(world.bus, "Resolve", "ss", MODULES, "TaintEvents");
        const char *text = message_text(why);
        _cleanup_buf_ struct buf expected = BUF_INIT;
        buf_printf(&expected, "'pid'=u:%d, 'uid'=u:%u", getpid(), geteuid());
        ck_assert_ptr_nonnull(strstr(
                text, "1 s:'disabled' 'wins' 0 ''), ('default' 0 '' 0 1 s:'enabled' 'shadowed' 0 '')]"));
        ck_assert_msg(strstr(text, buf_str(&expected)), "%s in %s", buf_str(&expected), text);
        ck_assert_ptr_nonnull(strstr(text, "'comm'=s:'test-calls'"));
}
END_TEST

START_TEST(deleting)
{
        set_string(world.bus, KEY "\\Sub", "x", "y");
        set_string(world.bus, KEY, "V", "one");
        delete_value(world.bus, KEY, "v");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "-");
        refused(world.bus, ERROR_NOT_FOUND, "Machine\\Test\\Key: layer base has no value 'V'", "Delete",
                "ssa{sv}", KEY, "V", 0);
        refused(world.bus, ERROR_NOT_EMPTY, "Machine\\Test\\Key: the key has the subkey 'Sub'", "DeleteKey",
                "sa{sv}", KEY, 0);
        succeeds(world.bus, "DeleteKey", "sa{sv}", KEY, 1, "recursive", "b", 1);
        refused(world.bus, ERROR_NOT_FOUND, "there is no 'Key' in Machine\\Test", "List", "s", KEY);
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "DeleteKey", "sa{sv}", KEY, 0);
        ck_assert_str_eq(get_text(world.bus, KEY "\\Sub", "x"), "-");
}
END_TEST

START_TEST(creating)
{
        succeeds(world.bus, "CreateKey", "sa{sv}", KEY "\\V", 1, "volatile", "b", 1);
        refused(world.bus, ERROR_EXISTS, "Machine\\Test\\Key\\v: the key is there already", "CreateKey",
                "sa{sv}", KEY "\\v", 0);
        _cleanup_message_ sd_bus_message *info = answer(world.bus, "Info", "s", KEY "\\V");
        ck_assert_ptr_nonnull(strstr(message_text(info), "'Volatile'=b:true"));
        succeeds(world.bus, "CreateKey", "sa{sv}", "\\Kept\\Key", 0);
        /* What is in a volatile key goes with it; the sequence does not go back. */
        set_string(world.bus, "\\Kept\\Key", "x", "y");
        uint64_t last = set_string(world.bus, KEY "\\V", "x", "y");
        daemon_stop(&world.registryd);
        registryd_start(NULL);
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Info", "s", KEY "\\V");
        ck_assert_str_eq(get_text(world.bus, "\\Kept\\Key", "x"), "y base");
        ck_assert_uint_gt(set_string(world.bus, "\\Kept\\Key", "x", "z"), last);
}
END_TEST

START_TEST(compare_and_swap)
{
        uint64_t one = set_string(world.bus, KEY, "V", "1");
        _cleanup_message_ sd_bus_message *set = answer(world.bus, "Set", "ssuva{sv}", KEY, "V",
                (uint32_t)REG_SZ, "s", "2", 1, "expected-sequence", "t", one);
        uint64_t two;
        ck_assert_int_ge(sd_bus_message_read(set, "t", &two), 0);
        ck_assert_uint_gt(two, one);
        _cleanup_buf_ struct buf text = BUF_INIT;
        buf_printf(&text, "value 'V' has sequence %llu in layer base, expected %llu",
                (unsigned long long)two, (unsigned long long)one);
        refused(world.bus, ERROR_CONFLICT, buf_str(&text), "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ,
                "s", "3", 1, "expected-sequence", "t", one);
        refused(world.bus, ERROR_CONFLICT, buf_str(&text), "Delete", "ssa{sv}", KEY, "V", 1,
                "expected-sequence", "t", one);
        refused(world.bus, ERROR_CONFLICT, "value 'New' has sequence 0", "Set", "ssuva{sv}", KEY, "New",
                (uint32_t)REG_SZ, "s", "3", 1, "expected-sequence", "t", one);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "2 base");
        ck_assert_str_eq(get_text(world.bus, KEY, "New"), "-");
        refused(world.bus, ERROR_CONFLICT, "in layer base, expected 0", "Set", "ssuva{sv}", KEY, "V",
                (uint32_t)REG_SZ, "s", "3", 1, "expected-sequence", "t", UINT64_C(0));
        succeeds(world.bus, "Delete", "ssa{sv}", KEY, "V", 1, "expected-sequence", "t", two);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "-");
        succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s", "4", 1, "expected-sequence",
                "t", UINT64_C(0));
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "4 base");
}
END_TEST

/* Nothing is done, whatever else was written. */
START_TEST(nothing_was_written_since)
{
        uint64_t one = set_string(world.bus, KEY, "V", "1");
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 2, "set", KEY, "V", (uint32_t)REG_SZ, "s", "2",
                "set", KEY, "W", (uint32_t)REG_SZ, "s", "2", 1, "registry-sequence", "t", one);
        uint64_t other = set_string(world.bus, "\\Elsewhere", "V", "1");
        _cleanup_buf_ struct buf text = BUF_INIT;
        buf_printf(&text, "the registry has sequence %llu, expected %llu", (unsigned long long)other,
                (unsigned long long)one);
        for (size_t i = 0; i < 2; i++)
                refused(world.bus, ERROR_CONFLICT, buf_str(&text), i == 0 ? "Transact" : "Preview",
                        "a(sssuv)a{sv}", 1, "delete-key", KEY, "", (uint32_t)REG_NONE, "ay", 0, 1,
                        "registry-sequence", "t", one);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "2 base");
        succeeds(world.bus, "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s", "3", 1, "registry-sequence",
                "t", other);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "3 base");
}
END_TEST

/* Neither volatile changes nor failed ones leave a number for somebody else. */
START_TEST(numbers_are_not_used_again)
{
        static void (*const ends[])(struct daemon *) = { daemon_stop, daemon_kill };
        static const char *const keys[] = { "\\Stop\\Key", "\\Kill\\Key" };

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                succeeds(world.bus, "CreateKey", "sa{sv}", "\\Run", 1, "volatile", "b", 1);
                uint64_t alice = set_string(world.bus, "\\Run", "owner", "alice");
                ends[i](&world.registryd);
                registryd_start(NULL);
                succeeds(world.bus, "CreateKey", "sa{sv}", "\\Run", 1, "volatile", "b", 1);
                ck_assert_uint_gt(set_string(world.bus, "\\Run", "owner", "bob"), alice);
                refused(world.bus, ERROR_CONFLICT, "has sequence", "Set", "ssuva{sv}", "\\Run", "owner",
                        (uint32_t)REG_SZ, "s", "alice", 1, "expected-sequence", "t", alice);
                ck_assert_str_eq(get_text(world.bus, "\\Run", "owner"), "bob base");

                refused(world.bus, ERROR_CONFLICT, "has sequence 0", "Set", "ssuva{sv}", keys[i], "V",
                        (uint32_t)REG_SZ, "s", "1", 1, "expected-sequence", "t", UINT64_C(1));
                uint64_t before = strtoull(registry_property(world.bus, "Sequence"), NULL, 10);
                ck_assert_uint_gt(before, alice);
                ends[i](&world.registryd);
                registryd_start(NULL);
                ck_assert_uint_gt(set_string(world.bus, keys[i], "V", "1"), before);
        }
}
END_TEST

/* The rest of the answer, behind the sequence. */
#define COMES_TO(text, ...)                                                                                 \
        do {                                                                                                \
                _cleanup_message_ sd_bus_message *_m = answer(world.bus, __VA_ARGS__);                      \
                uint64_t _sequence;                                                                         \
                ck_assert_int_gt(sd_bus_message_read(_m, "t", &_sequence), 0);                              \
                ck_assert_str_eq(message_text(_m), text);                                                   \
        } while (0)

/* What was written need not be what is read. */
START_TEST(what_a_write_comes_to)
{
        static const char top[] = "\\System\\Registry\\Layers\\top";

        (void)set_number(world.bus, top, "Precedence", 5);
        COMES_TO("true 'base' []", "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s", "1", 0);
        COMES_TO("false 'base' []", "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s", "1", 0);
        COMES_TO("true 'top' []", "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s", "2", 1, "layer", "s",
                "top");
        COMES_TO("false 'top' []", "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s", "3", 0);
        COMES_TO("false 'top'", "Delete", "ssa{sv}", KEY, "V", 0);
        COMES_TO("true ''", "Delete", "ssa{sv}", KEY, "V", 1, "layer", "s", "top");
        COMES_TO("false 'default' []", "Set", "ssuva{sv}", MODULES, "TaintEvents", (uint32_t)REG_TOMBSTONE,
                "ay", 0, 0);
        COMES_TO("true", "CreateKey", "sa{sv}", KEY "\\Sub", 0);
        COMES_TO("true", "DeleteKey", "sa{sv}", KEY "\\Sub", 0);
        COMES_TO("false ['values-set'=0, 'values-deleted'=0, 'keys-created'=0, 'keys-deleted'=0, 'masks'=0]",
                "Transact", "a(sssuv)a{sv}", 1, "set", MODULES, "TaintEvents", (uint32_t)REG_TOMBSTONE, "ay",
                0, 0);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { every_type, every_number, every_kind_of_bytes, no_other_type,
                text_with_nuls_at_its_end, text_that_the_bus_does_not_take, lists_of_strings, reading,
                nothing_written, who_wrote_it, deleting, creating, compare_and_swap,
                nothing_was_written_since, numbers_are_not_used_again, what_a_write_comes_to };
        harness_around(harness_registry, NULL);
        return harness_main(tests, ARRAY_SIZE(tests));
}
