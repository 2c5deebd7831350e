/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../schema/names/path.h"
#include "alloc-faults.h"
#include "suite.h"

#define TEXT(s) s, sizeof(s) - 1

static bool users_is_hive(const char *name, size_t len, void *userdata)
{
        ++*(unsigned *)userdata;
        return fold_equal(name, len, "Users", 5);
}

static int parse(const char *input, size_t len, struct path *ret, struct diag *d)
{
        unsigned calls = 0;
        int r = path_parse(input, len, users_is_hive, &calls, ret, d);
        ck_assert_uint_le(calls, 1);
        return r;
}

static void check_components(const struct path *p)
{
        size_t at = 0;
        ck_assert_uint_eq(p->len, strlen(p->text));
        for (size_t i = 0; i < p->n; i++) {
                size_t len, expected = strcspn(p->text + at, "\\");
                ck_assert_ptr_eq(path_component(p, i, &len), p->text + at);
                ck_assert_uint_eq(len, expected);
                at += len + 1;
        }
        ck_assert_uint_eq(at, p->len + 1);
}

TEST(good_paths)
{
        static const struct {
                const char *input, *text;
                size_t n;
        } rows[] = {
                { "Machine", "Machine", 1 },
                { "mACHINE\\x", "mACHINE\\x", 2 },
                { "\\Machine", "Machine", 1 },
                { "/Machine/System\\Audit", "Machine\\System\\Audit", 3 },
                { "machine/system/audit/modules", "machine\\system\\audit\\modules", 4 },
                { "\\System\\Audit\\Modules", "Machine\\System\\Audit\\Modules", 4 },
                { "System", "Machine\\System", 2 },
                { "Machines/x", "Machine\\Machines\\x", 3 },
                { "Machin", "Machine\\Machin", 2 },
                { "users/S-1-5", "users\\S-1-5", 2 },
                { "System/Users", "Machine\\System\\Users", 3 },
                { "Machine/Machine", "Machine\\Machine", 2 },
                { "Machine/ß/é e\u0301/𐵐", "Machine\\ß\\é e\u0301\\𐵐", 4 },
                { "Machine/ /.:@/..", "Machine\\ \\.:@\\..", 4 },
                { "Machine/a\nb", "Machine\\a\nb", 2 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_path_ struct path p = { 0 };
                struct diag d = { 0 };
                ck_assert_msg(parse(rows[i].input, strlen(rows[i].input), &p, &d) == 0, "%s: %s",
                        rows[i].input, d.text);
                ck_assert_str_eq(p.text, rows[i].text);
                ck_assert_uint_eq(p.n, rows[i].n);
                ck_assert_str_eq(d.text, "");
                check_components(&p);
        }
}

TEST(bad_paths)
{
        static const struct {
                const char *input;
                size_t len;
                const char *said;
        } rows[] = {
                { TEXT(""), "the path is empty" },
                { TEXT("\\"), "the path is empty" },
                { TEXT("//"), "component 1 of the path: empty" },
                { TEXT("\\\\Machine"), "component 1 of the path: empty" },
                { TEXT("Machine\\"), "component 2 of the path: empty" },
                { TEXT("Machine//x"), "component 2 of the path: empty" },
                { TEXT("Machine/x\\/y"), "component 3 of the path: empty" },
                { TEXT("Machine\0x"), "component 1 of the path: a NUL in it" },
                { TEXT("Machine/\0"), "component 2 of the path: a NUL in it" },
                { TEXT("Machine/ab\xFFz"), "component 2 of the path: not valid UTF-8 at byte 2 (0xff)" },
                { TEXT("Machine/a/\xED\xA0\x80"),
                        "component 3 of the path: not valid UTF-8 at byte 0 (0xed)" },
                { TEXT("Machine/a/b\xEF\xBF\xBE"),
                        "component 3 of the path: the noncharacter U+FFFE at byte 1, expected characters only" },
                { TEXT("\xF4\x8F\xBF\xBF/x"),
                        "component 1 of the path: the noncharacter U+10FFFF at byte 0" },
                { TEXT("\xC3/x"), "component 1 of the path: not valid UTF-8 at byte 0 (0xc3)" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct path p = { .n = 99 };
                struct diag d = { 0 };
                ck_assert_msg(parse(rows[i].input, rows[i].len, &p, &d) == -EINVAL, "row %zu", i);
                ck_assert_msg(strstr(d.text, rows[i].said), "row %zu says: %s", i, d.text);
                ck_assert_uint_eq(p.n, 99);
                ck_assert_int_eq(parse(rows[i].input, rows[i].len, &p, NULL), -EINVAL);
        }
}

/* As people paste them out of regedit, PowerShell and .reg files. */
TEST(roots_of_regedit)
{
        static const struct {
                const char *input, *text;
                size_t n;
        } rows[] = {
                { "HKEY_LOCAL_MACHINE\\System\\Audit", "Machine\\System\\Audit", 3 },
                { "\\HKLM\\System", "Machine\\System", 2 },
                { "/hklm/system", "Machine\\system", 2 },
                { "Hkey_Local_Machine", "Machine", 1 },
                { "HKLM:\\System", "Machine\\System", 2 },
                { "Computer\\HKEY_LOCAL_MACHINE\\System", "Machine\\System", 2 },
                { "\\computer/HKLM", "Machine", 1 },
                { "HKU\\S-1-5", "Users\\S-1-5", 2 },
                { "HKEY_USERS", "Users", 1 },
                /* They are roots, and nothing further down. */
                { "Machine\\HKLM\\x", "Machine\\HKLM\\x", 3 },
                { "System\\HKEY_CURRENT_USER", "Machine\\System\\HKEY_CURRENT_USER", 3 },
                { "Machine\\CurrentUser", "Machine\\CurrentUser", 2 },
                { "CurrentUsers\\x", "Machine\\CurrentUsers\\x", 3 },
                { "HKLM\\HKLM", "Machine\\HKLM", 2 },
                { "HKLMX\\x", "Machine\\HKLMX\\x", 3 },
                { "Computer\\Name", "Machine\\Computer\\Name", 3 },
                { "Computer", "Machine\\Computer", 2 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_path_ struct path p = { 0 };
                struct diag d = { 0 };
                ck_assert_msg(parse(rows[i].input, strlen(rows[i].input), &p, &d) == 0, "%s: %s",
                        rows[i].input, d.text);
                ck_assert_str_eq(p.text, rows[i].text);
                ck_assert_uint_eq(p.n, rows[i].n);
                check_components(&p);
        }
}

TEST(roots_of_hives)
{
        ck_assert_str_eq(path_root_of_hive("machine\\A", strlen("machine")), "HKEY_LOCAL_MACHINE");
        ck_assert_str_eq(path_root_of_hive("Users", strlen("Users")), "HKEY_USERS");
        ck_assert_ptr_null(path_root_of_hive("Other", strlen("Other")));
        ck_assert_str_eq(path_root_name("hkcu\\A", 4), "HKEY_CURRENT_USER");
        ck_assert_str_eq(path_root_name("HKEY_users", 10), "HKEY_USERS");
        ck_assert_ptr_null(path_root_name("HK", 2));
}

TEST(roots_without_a_counterpart)
{
        static const struct {
                const char *input, *said;
        } rows[] = {
                { "HKCU\\Software", "HKCU: a root of regedit that has no counterpart here" },
                { "CurrentUser", "CurrentUser: reserved for the caller's own hive" },
                { "\\currentuser\\Software", "CurrentUser: reserved for the caller's own hive" },
                { "CURRENTUſER/x", "expected a key in Machine" },
                { "/hkey_current_user/x", "hkey_current_user: a root of regedit that has no counterpart" },
                { "HKEY_CLASSES_ROOT\\.txt", "no counterpart here" },
                { "HKCR", "no counterpart here" },
                { "HKCC\\x", "no counterpart here" },
                { "HKEY_CURRENT_CONFIG\\x", "no counterpart here" },
                { "HKEY_PERFORMANCE_DATA", "no counterpart here" },
                { "HKEY_DYN_DATA\\x", "no counterpart here" },
                { "Computer\\HKEY_CURRENT_USER\\x", "HKEY_CURRENT_USER: a root" },
                { "HKLM\\", "component 2 of the path: empty" },
                { "HKLM\\x\\\\y", "component 3 of the path: empty" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct path p = { .n = 99 };
                struct diag d = { 0 };
                ck_assert_msg(
                        parse(rows[i].input, strlen(rows[i].input), &p, &d) == -EINVAL, "%s", rows[i].input);
                ck_assert_msg(strstr(d.text, rows[i].said), "%s says: %s", rows[i].input, d.text);
                ck_assert_uint_eq(p.n, 99);
        }

        struct path p = { .n = 99 };
        struct diag d = { 0 };
        ck_assert_int_eq(path_parse(TEXT("HKU\\x"), NULL, NULL, &p, &d), -EINVAL);
        ck_assert_msg(strstr(d.text, "HKU: means the hive Users, which is not there"), "%s", d.text);
}

TEST(without_a_callback_only_machine_is_a_hive)
{
        _cleanup_path_ struct path p = { 0 }, q = { 0 };
        ck_assert_int_eq(path_parse(TEXT("Users\\x"), NULL, NULL, &p, NULL), 0);
        ck_assert_str_eq(p.text, "Machine\\Users\\x");
        ck_assert_int_eq(path_parse(TEXT("MACHINE\\x"), NULL, NULL, &q, NULL), 0);
        ck_assert_str_eq(q.text, "MACHINE\\x");
}

/* `input` is not NUL-terminated: a copy of just its bytes shows a read behind them. */
TEST(only_len_bytes_are_read)
{
        static const char text[] = "\\System\\Audit";
        for (size_t len = 2; len < sizeof(text); len++) {
                _cleanup_free_ char *copy = malloc(len);
                _cleanup_path_ struct path p = { 0 };
                memcpy(copy, text, len);
                ck_assert_int_eq(parse(copy, len, &p, NULL), text[len - 1] == '\\' ? -EINVAL : 0);
        }
}

static char long_text[20000];

/* `n` components of `size` bytes behind `prefix`. */
static size_t compose(const char *prefix, size_t n, size_t size)
{
        char *at = stpcpy(long_text, prefix);
        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        *at++ = '/';
                memset(at, 'x', size);
                at += size;
        }
        return (size_t)(at - long_text);
}

static void check_limit(size_t len, int result, const char *said)
{
        _cleanup_path_ struct path p = { 0 };
        struct diag d = { 0 };
        ck_assert_int_eq(parse(long_text, len, &p, &d), result);
        if (result == 0)
                check_components(&p);
        else
                ck_assert_msg(strstr(d.text, said), "%s", d.text);
}

TEST(limits)
{
        check_limit(compose("Machine/", 1, 255), 0, "");
        check_limit(compose("Machine/", 1, 256), -ENAMETOOLONG,
                "component 2 of the path: 256 bytes long, at most 255 are allowed");
        check_limit(compose("", 1, 256), -ENAMETOOLONG, "component 1 of the path: 256 bytes long");

        check_limit(compose("Machine/", 511, 1), 0, "");
        check_limit(compose("Machine/", 512, 1), -ENAMETOOLONG, "more than 512 components");
        check_limit(compose("", 511, 1), 0, "");
        check_limit(compose("", 512, 1), -ENAMETOOLONG, "more than 512 components");

        /* 8 + 63 * 256 + n bytes with the hive, whether it is written or not. */
        size_t len = compose("Machine/", 63, 255);
        long_text[len] = '/';
        memset(long_text + len + 1, 'y', 300);
        check_limit(PATH_BYTES_MAX, 0, "");
        check_limit(PATH_BYTES_MAX + 1, -ENAMETOOLONG,
                "the path is 16384 bytes long with its hive, at most 16383 are allowed");
        memmove(long_text, long_text + 8, sizeof(long_text) - 8);
        check_limit(PATH_BYTES_MAX - 8, 0, "");
        check_limit(PATH_BYTES_MAX - 7, -ENAMETOOLONG, "the path is 16384 bytes long with its hive");
        memmove(long_text + 1, long_text, sizeof(long_text) - 1);
        long_text[0] = '\\';
        check_limit(PATH_BYTES_MAX - 7, 0, "");
}

TEST(relations)
{
        static const struct {
                const char *inner, *outer;
                bool equal, below;
        } rows[] = {
                { "Machine", "machine", true, true },
                { "System", "MACHINE\\system", true, true },
                { "Machine\\System\\Audit", "machine\\system", false, true },
                { "machine\\system", "Machine\\System\\Audit", false, false },
                { "Machine\\SystemX", "Machine\\System", false, false },
                { "Machine\\Syste", "Machine\\System", false, false },
                { "Machine\\System", "Machine\\SystemX", false, false },
                { "Machine\\A\\B", "Machine\\A\\C", false, false },
                { "Machine\\A\\B", "Machine\\B", false, false },
                { "Users\\A", "Machine", false, false },
                { "Machine\\\u212Aernel\\x", "Machine\\kernel", false, true },
                { "Machine\\STRA\u1e9eE", "Machine\\stra\u00dfe", true, true },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_path_ struct path inner = { 0 }, outer = { 0 };
                ck_assert_int_eq(parse(rows[i].inner, strlen(rows[i].inner), &inner, NULL), 0);
                ck_assert_int_eq(parse(rows[i].outer, strlen(rows[i].outer), &outer, NULL), 0);
                ck_assert_msg(path_equal(&inner, &outer) == rows[i].equal, "row %zu", i);
                ck_assert_msg(path_equal(&outer, &inner) == rows[i].equal, "row %zu", i);
                ck_assert_msg(path_is_below(&inner, &outer) == rows[i].below, "row %zu", i);
        }
}

TEST(names)
{
        static char text[NAME_BYTES_MAX + 1];
        memset(text, 'x', sizeof(text));
        const struct {
                const char *name;
                size_t len;
                int component, value;
        } rows[] = {
                { TEXT(""), -EINVAL, 0 },
                { NULL, 0, -EINVAL, 0 },
                { TEXT("a b"), 0, 0 },
                { TEXT("a\\b"), -EINVAL, 0 },
                { TEXT("/"), -EINVAL, 0 },
                { TEXT("a\0"), -EINVAL, -EINVAL },
                { TEXT("a\xFF"), -EINVAL, -EINVAL },
                { TEXT("\xF4\x90\x80\x80"), -EINVAL, -EINVAL },
                { TEXT("a\xEF\xB7\x90"), -EINVAL, -EINVAL },
                { TEXT("\xEF\xB7\x8F\xEF\xB7\xB0\xEF\xBF\xBD"), 0, 0 },
                { text, 255, 0, 0 },
                { text, 256, -ENAMETOOLONG, -ENAMETOOLONG },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct diag d = { 0 };
                ck_assert_msg(path_check_component(rows[i].name, rows[i].len, &d) == rows[i].component,
                        "row %zu", i);
                ck_assert_msg((d.text[0] != '\0') == (rows[i].component != 0), "row %zu", i);
                d.text[0] = '\0';
                ck_assert_msg(
                        path_check_value_name(rows[i].name, rows[i].len, &d) == rows[i].value, "row %zu", i);
                ck_assert_msg((d.text[0] != '\0') == (rows[i].value != 0), "row %zu", i);
        }
}

/* State from before noncharacters were refused must load. */
/* The default value, and one that is really called `@`, are two. */
TEST(words_of_value_names)
{
        static const struct {
                const char *name, *word;
        } rows[] = {
                { "", "@" },
                { "@", "@@" },
                { "@@", "@@@" },
                { "x", "x" },
                { "@x", "@x" },
                { "x@", "x@" },
                { "@ @", "@ @" },
        };
        char long_name[NAME_BYTES_MAX + 1];

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ck_assert_str_eq(path_word_of_value_name(rows[i].name), rows[i].word);
                ck_assert_str_eq(path_value_name_of_word(rows[i].word), rows[i].name);
        }
        /* Two at a time. */
        const char *one = path_word_of_value_name("@"), *other = path_word_of_value_name("");
        ck_assert_str_eq(one, "@@");
        ck_assert_str_eq(other, "@");
        memset(long_name, '@', NAME_BYTES_MAX);
        long_name[NAME_BYTES_MAX] = '\0';
        ck_assert_uint_eq(strlen(path_word_of_value_name(long_name)), NAME_BYTES_MAX + 1);
        ck_assert_str_eq(path_value_name_of_word(path_word_of_value_name(long_name)), long_name);
        ck_assert_str_eq(path_value_name_of_word(""), "");
}

TEST(names_of_old_state)
{
        ck_assert(path_component_is_storable(TEXT("a\xEF\xBF\xBE")));
        ck_assert(path_value_name_is_storable(TEXT("\\\xEF\xB7\x90")));
        ck_assert(path_value_name_is_storable("", 0));
        ck_assert(!path_component_is_storable("", 0));
        ck_assert(!path_component_is_storable(TEXT("a/b")));
        ck_assert(!path_component_is_storable(TEXT("a\xFF")));
        ck_assert(!path_value_name_is_storable(TEXT("a\0")));
}

TEST(failed_allocations)
{
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                struct path p = { 0 };
                alloc_fail_at(n);
                failed = alloc_fails(path_parse(TEXT("Machine\\System"), NULL, NULL, &p, NULL), n, 2);
                ck_assert(failed == (p.text == NULL));
                ck_assert_uint_le(n, 3);
                path_done(&p);
                path_done(&p);
        }
}

Suite *test_suite(void)
{
        return suite_of("path");
}
