/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../schema/values/value.h"
#include "suite.h"

#define BYTES(s) sizeof(s) - 1, s

TEST(type_names)
{
        static const struct {
                uint32_t type;
                const char *symbol, *keyword;
        } rows[] = {
                { 0, "REG_NONE", "none" },
                { 1, "REG_SZ", "sz" },
                { 2, "REG_EXPAND_SZ", "expand" },
                { 3, "REG_BINARY", "hex" },
                { 4, "REG_DWORD", "dword" },
                { 5, "REG_DWORD_BIG_ENDIAN", "dword-be" },
                { 6, "REG_LINK", "link" },
                { 7, "REG_MULTI_SZ", "multi" },
                { 8, "REG_RESOURCE_LIST", "0x8" },
                { 9, "REG_FULL_RESOURCE_DESCRIPTOR", "0x9" },
                { 10, "REG_RESOURCE_REQUIREMENTS_LIST", "0xa" },
                { 11, "REG_QWORD", "qword" },
                /* none, but what a damaged file or another program says has to be shown */
                { 12, "REG_0xc", "0xc" },
                { 0x2A, "REG_0x2a", "0x2a" },
                { UINT32_MAX, "REG_0xffffffff", "0xffffffff" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const char *symbol = value_type_symbol(rows[i].type),
                           *keyword = value_type_keyword(rows[i].type);
                uint32_t type = 0xAAAA;
                ck_assert_str_eq(symbol, rows[i].symbol);
                ck_assert_str_eq(keyword, rows[i].keyword);
                bool known = rows[i].type <= 11;
                ck_assert_int_eq(value_type_known(rows[i].type), known);
                ck_assert_int_eq(value_type_parse(keyword, strlen(keyword), &type), known ? 0 : -EINVAL);
                ck_assert_uint_eq(type, known ? rows[i].type : 0xAAAA);
        }
        ck_assert_str_eq(value_type_symbol(REG_TOMBSTONE), "REG_0xffff");
        ck_assert(!value_type_known(REG_TOMBSTONE));

        const char *ring[4];
        for (uint32_t i = 0; i < 4; i++)
                ring[i] = value_type_keyword(0x20 + i);
        ck_assert_str_eq(ring[0], "0x20");
        ck_assert_str_eq(ring[3], "0x23");
}

TEST(type_parsing)
{
        static const struct {
                const char *text;
                int result;
                uint32_t type;
        } rows[] = {
                { "REG_SZ", 0, REG_SZ },
                { "reg_dword_big_endian", 0, REG_DWORD_BIG_ENDIAN },
                { "Reg_Resource_List", 0, REG_RESOURCE_LIST },
                { "bin", 0, REG_BINARY },
                { "binary", 0, REG_BINARY },
                { "0x1", 0, REG_SZ },
                { "0X000000000b", 0, REG_QWORD },
                { "0xc", -EINVAL, 0 },
                { "0xfffe", -EINVAL, 0 },
                { "0xffffffff", -EINVAL, 0 },
                { "0xffff", -EINVAL, 0 }, /* the tombstone */
                { "0x100000000", -EINVAL, 0 },
                { "0x", -EINVAL, 0 },
                { "0xg", -EINVAL, 0 },
                { "1", -EINVAL, 0 },
                { "0", -EINVAL, 0 },
                { "", -EINVAL, 0 },
                { "SZ", -EINVAL, 0 },
                { "s", -EINVAL, 0 },
                { "szz", -EINVAL, 0 },
                { "REG_S", -EINVAL, 0 },
                { "REG_TOMBSTONE", -EINVAL, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint32_t type = 0xAAAA;
                ck_assert_msg(value_type_parse(rows[i].text, strlen(rows[i].text), &type) == rows[i].result,
                        "%s", rows[i].text);
                ck_assert_uint_eq(type, rows[i].result == 0 ? rows[i].type : 0xAAAA);
        }
}

TEST(numbers)
{
        static const struct {
                struct value v;
                int u32, u64;
                uint64_t n;
        } rows[] = {
                { { REG_DWORD, BYTES("\x04\x03\x02\x01") }, 0, 0, 0x01020304 },
                { { REG_DWORD, BYTES("\xFF\xFF\xFF\xFF") }, 0, 0, UINT32_MAX },
                { { REG_DWORD_BIG_ENDIAN, BYTES("\x01\x02\x03\x04") }, 0, 0, 0x01020304 },
                { { REG_QWORD, BYTES("\x08\x07\x06\x05\x04\x03\x02\x81") }, -EINVAL, 0, 0x8102030405060708 },
                { { REG_DWORD, BYTES("\x01\x02\x03") }, -EINVAL, -EINVAL, 0 },
                { { REG_DWORD, BYTES("\x01\x02\x03\x04\x05") }, -EINVAL, -EINVAL, 0 },
                { { REG_DWORD, 0, NULL }, -EINVAL, -EINVAL, 0 },
                { { REG_DWORD_BIG_ENDIAN, BYTES("\x01") }, -EINVAL, -EINVAL, 0 },
                { { REG_QWORD, BYTES("\x01\x02\x03\x04") }, -EINVAL, -EINVAL, 0 },
                { { REG_SZ, BYTES("1234") }, -EINVAL, -EINVAL, 0 },
                { { REG_BINARY, BYTES("12345678") }, -EINVAL, -EINVAL, 0 },
                { { 0x20, BYTES("1234") }, -EINVAL, -EINVAL, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint32_t small = 0xAAAA;
                uint64_t large = 0xAAAA;
                ck_assert_msg(value_get_u32(&rows[i].v, &small) == rows[i].u32, "row %zu", i);
                ck_assert_uint_eq(small, rows[i].u32 == 0 ? rows[i].n : 0xAAAA);
                ck_assert_msg(value_get_u64(&rows[i].v, &large) == rows[i].u64, "row %zu", i);
                ck_assert_uint_eq(large, rows[i].u64 == 0 ? rows[i].n : 0xAAAA);
        }
}

TEST(strings)
{
        static const struct {
                struct value v;
                int result;
                size_t nuls; /* at the end, which are not part of the text */
        } rows[] = {
                { { REG_SZ, BYTES("text") }, 0, 0 },
                { { REG_EXPAND_SZ, BYTES("%HOME%") }, 0, 0 },
                { { REG_LINK, BYTES("Machine\\x") }, 0, 0 },
                { { REG_SZ, 0, NULL }, 0, 0 },
                { { REG_SZ, BYTES("a\nß") }, 0, 0 },
                /* as Peios's clients write it, and doubled; a link has none */
                { { REG_SZ, BYTES("text\0") }, 0, 1 },
                { { REG_SZ, BYTES("text\0\0") }, 0, 2 },
                { { REG_SZ, BYTES("text\0\0\0") }, -EINVAL, 0 },
                { { REG_SZ, BYTES("\0") }, 0, 1 },
                { { REG_SZ, BYTES("\0\0") }, 0, 2 },
                { { REG_SZ, BYTES("\0\0\0") }, -EINVAL, 0 },
                { { REG_SZ, BYTES("\0text\0") }, -EINVAL, 0 },
                { { REG_SZ, BYTES("te\0xt\0") }, -EINVAL, 0 },
                { { REG_EXPAND_SZ, BYTES("%HOME%\0") }, 0, 1 },
                { { REG_EXPAND_SZ, BYTES("%HOME%\0\0\0") }, -EINVAL, 0 },
                { { REG_LINK, BYTES("Machine\\x\0") }, -EINVAL, 0 },
                { { REG_SZ, BYTES("te\0xt") }, -EINVAL, 0 },
                { { REG_SZ, BYTES("\xFF") }, -EINVAL, 0 },
                { { REG_SZ, BYTES("\xFF\0") }, -EINVAL, 0 },
                { { REG_LINK, BYTES("a\xC3") }, -EINVAL, 0 },
                { { REG_MULTI_SZ, BYTES("a\0") }, -EINVAL, 0 },
                { { REG_BINARY, BYTES("a") }, -EINVAL, 0 },
                { { REG_NONE, 0, NULL }, -EINVAL, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const char *s = NULL;
                size_t len = 99;
                ck_assert_msg(value_get_string(&rows[i].v, &s, &len) == rows[i].result, "row %zu", i);
                if (rows[i].result == 0) {
                        ck_assert_ptr_nonnull(s);
                        ck_assert_uint_eq(len, rows[i].v.size - rows[i].nuls);
                        ck_assert(len == 0 || memcmp(s, rows[i].v.data, len) == 0);
                } else
                        ck_assert_ptr_null(s);
        }
}

TEST(lists_of_strings)
{
        static const struct {
                struct value v;
                int result;
                const char *joined;
        } rows[] = {
                { { REG_MULTI_SZ, 0, NULL }, 0, "" },
                { { REG_MULTI_SZ, BYTES("a\0b c\0ß\0") }, 0, "<a><b c><ß>" },
                /* one NUL more, as Peios's clients end a list; missing or doubled; empty items */
                { { REG_MULTI_SZ, BYTES("a\0b\0\0") }, 0, "<a><b>" },
                { { REG_MULTI_SZ, BYTES("a\0b\0\0\0") }, 0, "<a><b>" },
                { { REG_MULTI_SZ, BYTES("a\0b") }, 0, "<a><b>" },
                { { REG_MULTI_SZ, BYTES("a") }, 0, "<a>" },
                { { REG_MULTI_SZ, BYTES("\0") }, 0, "" },
                { { REG_MULTI_SZ, BYTES("\0\0\0a\0\0\0\0b") }, 0, "<a><b>" },
                { { REG_MULTI_SZ, BYTES("a\0\xC3") }, -EINVAL, "<a>" },
                { { REG_MULTI_SZ, BYTES("a\0\xFF\0c\0") }, -EINVAL, "<a>" },
                { { REG_SZ, BYTES("a\0") }, -EINVAL, "" },
        };
        for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
                _cleanup_buf_ struct buf b = BUF_INIT;
                const char *s;
                size_t i = 0, len;
                int r;
                while ((r = value_next_string(&rows[row].v, &i, &s, &len)) > 0)
                        buf_printf(&b, "<%.*s>", (int)len, s);
                ck_assert_msg(r == rows[row].result, "row %zu", row);
                ck_assert_str_eq(buf_str(&b), rows[row].joined);
        }
}

TEST(decoding)
{
        enum {
                NOT,
                FORGIVEN,
                PLAIN
        };
        static const struct {
                struct value v;
                unsigned decodes;
        } rows[] = {
                { { REG_NONE, 0, NULL }, PLAIN },
                { { REG_NONE, BYTES("x") }, NOT },
                { { REG_TOMBSTONE, 0, NULL }, PLAIN },
                { { REG_TOMBSTONE, BYTES("x") }, NOT },
                { { REG_SZ, 0, NULL }, PLAIN },
                { { REG_SZ, BYTES("x") }, PLAIN },
                { { REG_SZ, BYTES("x\0") }, FORGIVEN },
                { { REG_SZ, BYTES("x\0\0") }, FORGIVEN },
                { { REG_SZ, BYTES("x\0\0\0") }, NOT },
                { { REG_SZ, BYTES("\xFF") }, NOT },
                { { REG_EXPAND_SZ, BYTES("x\0") }, FORGIVEN },
                { { REG_LINK, BYTES("x") }, PLAIN },
                { { REG_LINK, BYTES("x\0") }, NOT },
                { { REG_BINARY, 0, NULL }, PLAIN },
                { { REG_BINARY, BYTES("\xFF\0") }, PLAIN },
                { { REG_DWORD, BYTES("1234") }, PLAIN },
                { { REG_DWORD, BYTES("\0\0\0\0") }, PLAIN },
                { { REG_DWORD, BYTES("123") }, NOT },
                { { REG_DWORD_BIG_ENDIAN, BYTES("1234") }, PLAIN },
                { { REG_DWORD_BIG_ENDIAN, 0, NULL }, NOT },
                { { REG_QWORD, BYTES("12345678") }, PLAIN },
                { { REG_QWORD, BYTES("1234") }, NOT },
                { { REG_MULTI_SZ, 0, NULL }, PLAIN },
                { { REG_MULTI_SZ, BYTES("a\0b\0") }, PLAIN },
                { { REG_MULTI_SZ, BYTES("a\0b\0\0") }, FORGIVEN },
                { { REG_MULTI_SZ, BYTES("a\0\0b\0") }, FORGIVEN },
                { { REG_MULTI_SZ, BYTES("\0a\0") }, FORGIVEN },
                { { REG_MULTI_SZ, BYTES("\0") }, FORGIVEN },
                { { REG_MULTI_SZ, BYTES("a\0b") }, FORGIVEN },
                { { REG_MULTI_SZ, BYTES("a\0\xFF\0\0") }, NOT },
                { { REG_RESOURCE_LIST, BYTES("\xFF") }, PLAIN },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ck_assert_msg(value_decodes(&rows[i].v) == (rows[i].decodes != NOT), "row %zu", i);
                ck_assert_msg(value_is_plain(&rows[i].v) == (rows[i].decodes == PLAIN), "row %zu", i);
        }
}

TEST(equality)
{
        static const struct value a = { REG_SZ, BYTES("ab") };
        static const struct value others[] = { { REG_EXPAND_SZ, BYTES("ab") }, { REG_SZ, BYTES("a") },
                { REG_SZ, BYTES("abc") }, { REG_SZ, BYTES("aB") }, { REG_SZ, BYTES("ab\0") },
                { REG_SZ, 0, NULL } };
        const struct value same = { REG_SZ, 2, (char[]){ 'a', 'b' } };
        ck_assert(value_equal(&a, &same));
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                ck_assert_msg(!value_equal(&a, &others[i]), "row %zu", i);
                ck_assert(value_equal(&others[i], &others[i]));
        }
        ck_assert(value_equal(&(struct value){ REG_SZ, 0, NULL }, &(struct value){ REG_SZ, 0, "" }));
}

TEST(writing)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        value_put_number(&b, REG_DWORD, 0x01020304);
        value_put_number(&b, REG_DWORD_BIG_ENDIAN, 0x01020304);
        value_put_number(&b, REG_QWORD, 0x0102030405060708);
        value_put_multi_item(&b, "ab", 2);
        value_put_multi_item(&b, "", 0);
        ck_assert_uint_eq(b.len, 20);
        ck_assert_mem_eq(b.data,
                "\x04\x03\x02\x01\x01\x02\x03\x04\x08\x07\x06\x05\x04\x03\x02\x01"
                "ab\0\0",
                20);
}

Suite *test_suite(void)
{
        return suite_of("value");
}
