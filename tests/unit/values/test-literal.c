/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../../schema/values/value.h"
#include "alloc-faults.h"
#include "suite.h"

#define BYTES(s) sizeof(s) - 1, s
#define DWORD_7 BYTES("\7\0\0\0")

static const struct good {
        const char *literal;
        bool inferred;
        uint32_t type;
        size_t size;
        const char *bytes;
} good[] = {
        /* inferred */
        { "7", true, REG_DWORD, DWORD_7 },
        { "007", true, REG_DWORD, DWORD_7 },
        { "0", true, REG_DWORD, BYTES("\0\0\0\0") },
        { "4294967295", true, REG_DWORD, BYTES("\xFF\xFF\xFF\xFF") },
        { "4294967296", true, REG_QWORD, BYTES("\0\0\0\0\1\0\0\0") },
        { "000000000000000000000000000007", true, REG_DWORD, DWORD_7 },
        { "18446744073709551615", true, REG_QWORD, BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF") },
        { "18446744073709551616", true, REG_SZ, BYTES("18446744073709551616") },
        { "99999999999999999999999999", true, REG_SZ, BYTES("99999999999999999999999999") },
        { "0x12345678", true, REG_DWORD, BYTES("\x78\x56\x34\x12") },
        { "0X2a", true, REG_DWORD, BYTES("\x2A\0\0\0") },
        { "0x000000001", true, REG_DWORD, BYTES("\1\0\0\0") }, /* nine digits, one significant */
        { "0x123456789", true, REG_QWORD, BYTES("\x89\x67\x45\x23\1\0\0\0") },
        { "0x123456789abcdef0", true, REG_QWORD, BYTES("\xF0\xDE\xBC\x9A\x78\x56\x34\x12") },
        { "0x00000000000000001", true, REG_DWORD, BYTES("\1\0\0\0") },
        { "0x123456789abcdef01", true, REG_SZ, BYTES("0x123456789abcdef01") },
        { "0x", true, REG_SZ, BYTES("0x") },
        { "0xg", true, REG_SZ, BYTES("0xg") },
        { "", true, REG_SZ, BYTES("") },
        { "-7", true, REG_SZ, BYTES("-7") },
        { "+7", true, REG_SZ, BYTES("+7") },
        { " 7", true, REG_SZ, BYTES(" 7") },
        { "7 ", true, REG_SZ, BYTES("7 ") },
        { "1e3", true, REG_SZ, BYTES("1e3") },
        { "1.5", true, REG_SZ, BYTES("1.5") },
        { "deadbeef", true, REG_SZ, BYTES("deadbeef") },
        { "word", true, REG_SZ, BYTES("word") },
        { "\u0667", true, REG_SZ, BYTES("\u0667") }, /* an Arabic-Indic seven */
        { "http://x", true, REG_SZ, BYTES("http://x") },
        { "SZ:7", true, REG_SZ, BYTES("SZ:7") },
        { "REG_SZ:7", true, REG_SZ, BYTES("REG_SZ:7") },
        { "binary:00", true, REG_SZ, BYTES("binary:00") },
        { "REG_RESOURCE_LIST:00", true, REG_SZ, BYTES("REG_RESOURCE_LIST:00") },
        { "8:00", true, REG_SZ, BYTES("8:00") },
        { ":sz", true, REG_SZ, BYTES(":sz") },
        { "sz", true, REG_SZ, BYTES("sz") },
        { "@", true, REG_SZ, BYTES("@") },

        /* with a prefix */
        { "sz:", false, REG_SZ, BYTES("") },
        { "sz:7", false, REG_SZ, BYTES("7") },
        { "sz:dword:42", false, REG_SZ, BYTES("dword:42") },
        { "sz:a\\,b", false, REG_SZ, BYTES("a\\,b") },
        { "expand:%HOME%\\x", false, REG_EXPAND_SZ, BYTES("%HOME%\\x") },
        { "link:Machine\\System", false, REG_LINK, BYTES("Machine\\System") },
        { "dword:7", false, REG_DWORD, DWORD_7 },
        { "dword:0x07", false, REG_DWORD, DWORD_7 },
        { "dword:4294967295", false, REG_DWORD, BYTES("\xFF\xFF\xFF\xFF") },
        { "dword-be:0x01020304", false, REG_DWORD_BIG_ENDIAN, BYTES("\1\2\3\4") },
        { "qword:7", false, REG_QWORD, BYTES("\7\0\0\0\0\0\0\0") },
        { "qword:0xffffffffffffffff", false, REG_QWORD, BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF") },
        { "multi:", false, REG_MULTI_SZ, BYTES("") },
        { "multi:a", false, REG_MULTI_SZ, BYTES("a\0") },
        { "multi:a,b", false, REG_MULTI_SZ, BYTES("a\0b\0") },
        { "multi:a\\,b,c", false, REG_MULTI_SZ, BYTES("a,b\0c\0") },
        { "multi:a\\\\,b", false, REG_MULTI_SZ, BYTES("a\\\0b\0") },
        { "multi:a\\x,b\\", false, REG_MULTI_SZ, BYTES("a\\x\0b\\\0") },
        { "multi:,", false, REG_MULTI_SZ, BYTES("\0\0") },
        { "multi:a,,b,", false, REG_MULTI_SZ, BYTES("a\0\0b\0\0") },
        { "multi:1, 2", false, REG_MULTI_SZ, BYTES("1\0 2\0") },
        { "hex:", false, REG_BINARY, BYTES("") },
        { "hex:00ff", false, REG_BINARY, BYTES("\0\xFF") },
        { "hex:de:AD-be ef\t01", false, REG_BINARY, BYTES("\xDE\xAD\xBE\xEF\1") },
        { "bin:00:ff", false, REG_BINARY, BYTES("\0\xFF") },
        { "none:", false, REG_NONE, BYTES("") },
        { "0x8:00ff", false, REG_RESOURCE_LIST, BYTES("\0\xFF") },
        { "0XA:", false, REG_RESOURCE_REQUIREMENTS_LIST, BYTES("") },
        { "0x00b:01", false, REG_QWORD, BYTES("\1") },
        { "0x4:010203", false, REG_DWORD, BYTES("\1\2\3") }, /* bytes that do not decode, on purpose */
        { "0x1:ff", false, REG_SZ, BYTES("\xFF") },
        { "0x0:07", false, REG_NONE, BYTES("\7") },
};

TEST(good_literals)
{
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                const struct good *row = &good[i];
                _cleanup_buf_ struct buf b = BUF_INIT;
                struct diag d = { 0 };
                uint32_t type;
                bool inferred;
                ck_assert_msg(literal_parse(row->literal, &b, &type, &inferred, &d) == 0, "%s: %s",
                        row->literal, d.text);
                ck_assert_msg(type == row->type, "%s is a %s", row->literal, value_type_symbol(type));
                ck_assert_msg(inferred == row->inferred, "%s", row->literal);
                ck_assert_msg(b.len == row->size && memcmp(buf_str(&b), row->bytes, b.len) == 0,
                        "%s has other bytes", row->literal);
                ck_assert_str_eq(d.text, "");
                ck_assert_int_eq(literal_parse(row->literal, &b, &type, NULL, NULL), 0);
                ck_assert_uint_eq(b.len, 2 * row->size);
        }
}

/* What is shown to be edited becomes the same value again. */
TEST(there_and_back)
{
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                const struct value v = { good[i].type, good[i].size, good[i].bytes };
                _cleanup_buf_ struct buf text = BUF_INIT, bytes = BUF_INIT;
                uint32_t type;
                bool inferred;
                literal_format(&text, &v);
                ck_assert_int_eq(literal_parse(buf_str(&text), &bytes, &type, &inferred, NULL), 0);
                const struct value back = { type, bytes.len, bytes.data };
                ck_assert_msg(
                        value_equal(&v, &back) && !inferred, "%s: %s", good[i].literal, buf_str(&text));
        }
        _cleanup_buf_ struct buf text = BUF_INIT;
        literal_format(&text, &(const struct value){ REG_MULTI_SZ, BYTES("a,b\0c\\\0") });
        ck_assert_str_eq(buf_str(&text), "multi:a\\,b,c\\\\");
        buf_clear(&text);
        literal_format(&text, &(const struct value){ REG_SZ, BYTES("a\0") });
        ck_assert_str_eq(buf_str(&text), "0x1:6100");
}

TEST(bad_literals)
{
        static const struct {
                const char *literal;
                int result;
                const char *said;
        } rows[] = {
                { "dword:4294967296", -ERANGE,
                        "dword: the number is too large, expected at most 4294967295" },
                { "dword:0x123456789", -ERANGE, "dword" },
                { "dword-be:4294967296", -ERANGE, "dword-be: the number is too large" },
                { "qword:18446744073709551616", -ERANGE, "at most 18446744073709551615" },
                { "dword:", -EINVAL, "dword: expected a decimal number or 0x" },
                { "dword:0x", -EINVAL, "dword: expected" },
                { "dword:-1", -EINVAL, "dword: expected" },
                { "dword: 1", -EINVAL, "dword: expected" },
                { "dword:1x", -EINVAL, "dword: expected" },
                { "dword:ff", -EINVAL, "dword: expected" },
                { "dword:99999999999999999999z", -EINVAL, "dword: expected" },
                { "qword:word", -EINVAL, "qword: expected" },
                { "none:x", -EINVAL, "none: expected nothing" },
                { "hex:0", -EINVAL, "hex: expected pairs" },
                { "hex:000", -EINVAL, "hex: expected pairs" },
                { "hex:0:0", -EINVAL, "hex: expected pairs" },
                { "hex:0g", -EINVAL, "hex: expected pairs" },
                { "hex:00,01", -EINVAL, "hex: expected pairs" },
                { "bin:0x00", -EINVAL, "hex: expected pairs" },
                { "0x8:0", -EINVAL, "0x<type code>: expected pairs" },
                { "0x8:text", -EINVAL, "0x<type code>: expected pairs" },
                { "0xc:00", -EINVAL, "no value has this type code, expected 0x0 to 0xb" },
                { "0xffffffff:00", -EINVAL, "no value has this type code" },
                { "0xffff:00", -EINVAL, "no value has this type code" },
                { "0x100000000:00", -EINVAL, "no value has this type code" },
                { "0x123456789abcdef01:00", -EINVAL, "no value has this type code" },
                { "a\xFF", -EINVAL, "not valid UTF-8 at byte 1 (0xff)" },
                { "sz:ab\xC3", -EINVAL, "not valid UTF-8 at byte 2 (0xc3)" },
                { "expand:\xFF", -EINVAL, "not valid UTF-8" },
                { "link:\xFF", -EINVAL, "not valid UTF-8" },
                { "multi:a,\xFF", -EINVAL, "not valid UTF-8" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf b = BUF_INIT;
                struct diag d = { 0 };
                uint32_t type = 0xAAAA;
                bool inferred = true;
                buf_puts(&b, "kept");
                ck_assert_msg(literal_parse(rows[i].literal, &b, &type, &inferred, &d) == rows[i].result,
                        "%s", rows[i].literal);
                ck_assert_msg(strstr(d.text, rows[i].said), "%s says: %s", rows[i].literal, d.text);
                ck_assert_uint_eq(type, 0xAAAA);
                ck_assert(inferred);
                ck_assert_str_eq(buf_str(&b), "kept");
        }
}

TEST(number_limits)
{
        static const struct {
                const char *text;
                uint64_t max;
                int result;
                uint64_t n;
        } rows[] = {
                { "0", 0, 0, 0 },
                { "1", 0, -ERANGE, 0 },
                { "10", 10, 0, 10 },
                { "11", 10, -ERANGE, 0 },
                { "0xA", 10, 0, 10 },
                { "0xB", 10, -ERANGE, 0 },
                { "010", 10, 0, 10 },
                { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
                { "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
                { "18446744073709551625", UINT64_MAX, -ERANGE, 0 },
                { "184467440737095516150", UINT64_MAX, -ERANGE, 0 },
                { "0xffffffffffffffff", UINT64_MAX, 0, UINT64_MAX },
                { "0x10000000000000000", UINT64_MAX, -ERANGE, 0 },
                { "", 1, -EINVAL, 0 },
                { "0x", 1, -EINVAL, 0 },
                { "x1", 1, -EINVAL, 0 },
                { "0b1", 1, -EINVAL, 0 },
                { "1_0", 99, -EINVAL, 0 },
                { "0x0x1", 99, -EINVAL, 0 },
                { "0x1\x80", 99, -EINVAL, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint64_t n = 0xAAAA;
                int r = number_parse(rows[i].text, strlen(rows[i].text), rows[i].max, &n);
                ck_assert_msg(r == rows[i].result, "%s: %d", rows[i].text, r);
                ck_assert_uint_eq(n, r == 0 ? rows[i].n : 0xAAAA);
        }
        uint64_t n;
        ck_assert_int_eq(number_parse("123", 2, 99, &n), 0);
        ck_assert_uint_eq(n, 12);
}

TEST(hex_both_ways)
{
        uint8_t bytes[256];
        _cleanup_buf_ struct buf text = BUF_INIT, back = BUF_INIT;
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)i;
        number_format_hex(&text, bytes, sizeof(bytes));
        ck_assert_uint_eq(text.len, 512);
        ck_assert_mem_eq(text.data, "000102", 6);
        ck_assert_str_eq(text.data + 506, "fdfeff");
        ck_assert_int_eq(number_parse_hex(text.data, text.len, &back), 0);
        ck_assert_uint_eq(back.len, sizeof(bytes));
        ck_assert_mem_eq(back.data, bytes, sizeof(bytes));

        ck_assert_int_eq(number_parse_hex("0g", 2, &back), -EINVAL);
        ck_assert_int_eq(number_parse_hex("00 0", 4, &back), -EINVAL);
        ck_assert_uint_eq(back.len, sizeof(bytes));
        ck_assert_int_eq(back.data[back.len], '\0');
        ck_assert_int_eq(number_parse_hex(" : 00 - \n", 9, &back), 0);
        ck_assert_uint_eq(back.len, sizeof(bytes) + 1);
}

TEST(failed_allocations)
{
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                for (unsigned n = 1;; n++) {
                        _cleanup_buf_ struct buf b = BUF_INIT;
                        uint32_t type = 0xAAAA;
                        alloc_fail_at(n);
                        int r = literal_parse(good[i].literal, &b, &type, NULL, NULL);
                        bool failed = alloc_failed();
                        ck_assert_msg(r == (failed ? -ENOMEM : 0), "%s", good[i].literal);
                        ck_assert_uint_eq(type, failed ? 0xAAAA : good[i].type);
                        if (!failed)
                                break;
                }
}

Suite *test_suite(void)
{
        return suite_of("literal");
}
