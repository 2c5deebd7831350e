/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/reg/words.h"
#include "alloc-faults.h"
#include "suite.h"

TEST(value_words_are_split)
{
        static const struct {
                const char *word, *key, *name;
        } rows[] = {
                { "\\System\\Audit\\Modules\\TaintEvents", "\\System\\Audit\\Modules", "TaintEvents" },
                { "/System/Audit/Modules/TaintEvents", "/System/Audit/Modules", "TaintEvents" },
                { "a\\b", "a", "b" },
                { "a/b\\c", "a/b", "c" },
                { "a\\b/c", "a\\b", "c" },
                { "a\\@", "a", "" },
                { "a\\@@", "a", "@" },
                { "a\\@b", "a", "@b" },
                { "a\\b:c d", "a", "b:c d" },
                { "\\a\\b", "\\a", "b" },
                /* The key is wrong, which is for the check of keys to say. */
                { "a\\\\b", "a\\", "b" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_free_ char *key = NULL, *name = NULL;
                ck_assert_int_eq(words_split(rows[i].word, &key, &name, NULL), 0);
                ck_assert_str_eq(key, rows[i].key);
                ck_assert_str_eq(name, rows[i].name);
        }
}

TEST(words_without_a_value_are_refused)
{
        static const struct {
                const char *word, *text;
        } rows[] = {
                { "", "names no value" },
                { "\\", "names no value" },
                { "Machine", "names no value" },
                { "\\Machine", "names no value" },
                { "a\\", "ends in a separator" },
                { "\\a\\b/", "ends in a separator" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char *key = NULL, *name = NULL;
                struct diag d = { 0 };
                ck_assert_int_eq(words_split(rows[i].word, &key, &name, &d), -EINVAL);
                ck_assert_msg(strstr(d.text, rows[i].text), "'%s': %s", rows[i].word, d.text);
                ck_assert(!key && !name);
        }
}

TEST(split_survives_failing_allocations)
{
        for (unsigned n = 1; n <= 2; n++) {
                char *key = NULL, *name = NULL;
                alloc_fail_at(n);
                int r = words_split("a\\b", &key, &name, NULL);
                ck_assert(alloc_failed());
                ck_assert_int_eq(r, -ENOMEM);
                ck_assert(!key && !name);
        }
}

TEST(keys_are_checked_without_knowing_hives)
{
        static const struct {
                const char *word;
                int r;
        } rows[] = {
                { "Machine", 0 },
                { "\\Users\\S-1-5", 0 },
                { "no:such:hive/x y", 0 },
                { "", -EINVAL },
                { "\\", -EINVAL },
                { "a\\\\b", -EINVAL },
                { "a\\", -EINVAL },
                { "a\xff", -EINVAL },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct diag d = { 0 };
                ck_assert_int_eq(words_check_key(rows[i].word, &d), rows[i].r);
                ck_assert_msg((rows[i].r == 0) == (d.text[0] == '\0'), "'%s': %s", rows[i].word, d.text);
        }
}

TEST(nothing_shown_can_steer_a_terminal)
{
        static const struct {
                const char *s;
                size_t n;
                const char *shown;
        } rows[] = {
                { "plain \\ text", 12, "plain \\ text" },
                { "é e\u0301 𐵐", 11, "é e\u0301 𐵐" },
                { "a\x1b[31m", 6, "a\\x1b[31m" },
                { "\n\t\r\x7f", 4, "\\x0a\\x09\\x0d\\x7f" },
                { "a\0b", 3, "a\\x00b" },
                { "\xc2\x9b", 2, "\\xc2\\x9b" },
                { "\u00a0", 2, "\u00a0" },
                { "a\u2028b\u2029", 8, "a\\xe2\\x80\\xa8b\\xe2\\x80\\xa9" },
                { "\u202e\u2066", 6, "\\xe2\\x80\\xae\\xe2\\x81\\xa6" },
                { "\u200f\u061c", 5, "\\xe2\\x80\\x8f\\xd8\\x9c" },
                { "\u200d\u2027\u202f\u2065\u206a", 15, "\u200d\u2027\u202f\u2065\u206a" },
                { "\xff\xc3", 2, "\\xff\\xc3" },
                { "", 0, "" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                utf8_put_safe(&out, rows[i].s, rows[i].n);
                ck_assert_str_eq(buf_str(&out), rows[i].shown);
        }
}

TEST(keys_are_shown_as_the_documentation_writes_them)
{
        static const struct {
                const char *key, *shown;
        } rows[] = {
                { "Machine\\System\\Audit", "\\System\\Audit" },
                { "machine/System/Audit", "\\System\\Audit" },
                { "/System/Audit", "\\System\\Audit" },
                { "\\MACHINE\\x", "\\x" },
                { "System", "\\System" },
                { "Users\\S-1", "\\Users\\S-1" },
                { "Machines\\x", "\\Machines\\x" },
                { "Machine", "\\Machine" },
                /* Where it would be another key without the hive. */
                { "Machine\\Machine\\x", "\\Machine\\Machine\\x" },
                { "Machine/HKLM/x", "\\Machine\\HKLM\\x" },
                { "Machine\\HKCU", "\\Machine\\HKCU" },
                { "x\\a\x1b", "\\x\\a\\x1b" },
                { "HKLM\\System\\x", "\\System\\x" },
                { "/Computer/hkey_local_machine/x", "\\x" },
                { "HKLM", "\\Machine" },
                { "HKU\\x", "\\Users\\x" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                words_format_key(&out, rows[i].key);
                ck_assert_str_eq(buf_str(&out), rows[i].shown);
        }
}

TEST(separators_of_what_is_shown)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        ck_assert_int_eq(words_set_separator("slash"), 0);
        words_format_key(&out, "HKLM\\A\\B");
        words_format_key(&out, "HKU\\A");
        words_put_path(&out, "Machine\\A");
        json_begin_object(&j);
        words_path_to_json(&j, "path", "Machine\\A");
        json_end_object(&j);
        ck_assert_str_eq(buf_str(&out), "/A/B/Users/AMachine/A{\"path\":\"Machine/A\"}");
        ck_assert_int_eq(words_set_separator(":"), -EINVAL);
        ck_assert_int_eq(words_set_separator("\\"), 0);
}

TEST(keys_as_listings_print_them)
{
        static const struct {
                const char *word, *left;
                bool cut;
        } rows[] = {
                { "Machine\\", "Machine", true },
                { "/a/b/", "/a/b", true },
                { "a\\\\", "a\\", true },
                { "a", "a", false },
                { "\\", "\\", false },
                { "/", "/", false },
                { "", "", false },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char word[32];
                (void)stpcpy(word, rows[i].word);
                ck_assert_int_eq(words_trim_key(word), rows[i].cut);
                ck_assert_str_eq(word, rows[i].left);
        }
}

TEST(words_in_front_that_are_no_types)
{
        static const struct {
                const char *literal;
                bool typed;
        } rows[] = {
                { "REG_DWORD:5", true },
                { "reg_sz:x", true },
                { "SZ:abc", true },
                { "Dword:1", true },
                { "hex(2):00,ff", true },
                { "http://x", false },
                { "x", false },
                { ":x", false },
                { "a b:c", false },
                { "C:\\Temp", false },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                ck_assert_msg(words_look_typed(rows[i].literal) == rows[i].typed, "%s", rows[i].literal);
}

TEST(numbers_as_reg_files_write_them)
{
        ck_assert(words_are_regedit_number("dword:00000010"));
        ck_assert(words_are_regedit_number("dword:01000000"));
        ck_assert(!words_are_regedit_number("dword:00000001"));
        ck_assert(!words_are_regedit_number("dword:00000000"));
        ck_assert(!words_are_regedit_number("dword:0010"));
        ck_assert(!words_are_regedit_number("dword:0x000010"));
        ck_assert(!words_are_regedit_number("qword:00000010"));
        ck_assert(!words_are_regedit_number("00000010"));
        ck_assert(!words_are_regedit_number(""));
}

TEST(oversized_numbers)
{
        ck_assert(words_are_oversized_number("18446744073709551616"));
        ck_assert(words_are_oversized_number("0x10000000000000000"));
        ck_assert(!words_are_oversized_number("18446744073709551615"));
        ck_assert(!words_are_oversized_number("18446744073709551616th"));
        ck_assert(!words_are_oversized_number(""));
}

TEST(surprising_numbers)
{
        static const struct {
                const char *literal;
                bool surprising;
        } rows[] = {
                { "0", false },
                { "7", false },
                { "70", false },
                { "4096", false },
                { "007", true },
                { "00", true },
                { "0x2A", true },
                { "0Xff", true },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                ck_assert_msg(words_surprise(rows[i].literal) == rows[i].surprising, "%s", rows[i].literal);
}

Suite *test_suite(void)
{
        return suite_of("reg-words");
}
