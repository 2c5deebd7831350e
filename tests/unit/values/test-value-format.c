/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "../../../schema/values/value.h"
#include "alloc-faults.h"
#include "suite.h"

#define BYTES(s) sizeof(s) - 1, s

static const struct row {
        struct value v;
        const char *text, *line; /* line: NULL where it is the same */
        const char *json;
} rows[] = {
        { { REG_SZ, BYTES("plain ß") }, "plain ß", NULL, "'type':'sz','data':'plain ß'" },
        { { REG_SZ, 0, NULL }, "", NULL, "'type':'sz','data':''" },
        { { REG_EXPAND_SZ, BYTES("%A%\\x") }, "%A%\\x", NULL, "'type':'expand','data':'%A%\\\\x'" },
        { { REG_LINK, BYTES("Machine\\x") }, "Machine\\x", NULL, "'type':'link','data':'Machine\\\\x'" },
        /* controls: C0, DEL, C1; what comes just after them is not one */
        { { REG_SZ, BYTES("a\nb\t\x1b[0m\x7f~") }, "a\\x0ab\\x09\\x1b[0m\\x7f~", NULL,
                "'type':'sz','data':'a\\nb\\u0009\\u001b[0m\\u007f~'" },
        { { REG_SZ, BYTES("\xC2\x80\xC2\x9F\u00a0 ") }, "\\xc2\\x80\\xc2\\x9f\u00a0 ", NULL,
                "'type':'sz','data':'\xC2\x80\xC2\x9F\u00a0 '" },
        { { REG_SZ, BYTES("'\"") }, "'\"", NULL, NULL },
        /* strings that do not decode */
        { { REG_SZ, BYTES("a\xFF\n") }, "61ff0a", NULL, "'type':'sz','hex':'61ff0a'" },
        { { REG_SZ, BYTES("a\0\0\0") }, "61000000", NULL, "'type':'sz','hex':'61000000'" },
        { { REG_LINK, BYTES("a\0") }, "6100", NULL, "'type':'link','hex':'6100'" },
        /* NULs that are forgiven: the text, and the bytes beside it */
        { { REG_SZ, BYTES("a\0") }, "a", NULL, "'type':'sz','data':'a','hex':'6100'" },
        { { REG_EXPAND_SZ, BYTES("%A%\0\0") }, "%A%", NULL,
                "'type':'expand','data':'%A%','hex':'2541250000'" },
        { { REG_LINK, BYTES("\xC3") }, "c3", NULL, "'type':'link','hex':'c3'" },

        { { REG_DWORD, BYTES("\x2A\0\0\0") }, "42", NULL, "'type':'dword','data':42" },
        { { REG_DWORD, BYTES("\xFF\xFF\xFF\xFF") }, "4294967295", NULL, "'type':'dword','data':4294967295" },
        { { REG_DWORD_BIG_ENDIAN, BYTES("\0\0\0\x2A") }, "42", NULL, "'type':'dword-be','data':42" },
        { { REG_QWORD, BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\x1F\0") }, "9007199254740991", NULL,
                "'type':'qword','data':9007199254740991" },
        { { REG_QWORD, BYTES("\0\0\0\0\0\0\x20\0") }, "9007199254740992", NULL,
                "'type':'qword','data':'9007199254740992'" },
        { { REG_QWORD, BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF") }, "18446744073709551615", NULL,
                "'type':'qword','data':'18446744073709551615'" },
        /* numbers of the wrong length */
        { { REG_DWORD, BYTES("\1\2\3") }, "010203", NULL, "'type':'dword','hex':'010203'" },
        { { REG_DWORD, 0, NULL }, "", NULL, "'type':'dword','hex':''" },
        { { REG_QWORD, BYTES("\1\2\3\4") }, "01020304", NULL, "'type':'qword','hex':'01020304'" },
        { { REG_DWORD_BIG_ENDIAN, BYTES("\1\2\3\4\5") }, "0102030405", NULL,
                "'type':'dword-be','hex':'0102030405'" },

        { { REG_MULTI_SZ, BYTES("a\0b\n\0c\0") }, "a\nb\\x0a\nc", "a, b\\x0a, c",
                "'type':'multi','data':['a','b\\n','c']" },
        { { REG_MULTI_SZ, BYTES("a\0b\0\0") }, "a\nb", "a, b",
                "'type':'multi','data':['a','b'],'hex':'6100620000'" },
        { { REG_MULTI_SZ, BYTES("a\0") }, "a", NULL, "'type':'multi','data':['a']" },
        { { REG_MULTI_SZ, 0, NULL }, "", NULL, "'type':'multi','data':[]" },
        { { REG_MULTI_SZ, BYTES("\0") }, "", NULL, "'type':'multi','data':[],'hex':'00'" },
        { { REG_MULTI_SZ, BYTES("a\0b") }, "a\nb", "a, b",
                "'type':'multi','data':['a','b'],'hex':'610062'" },
        { { REG_MULTI_SZ, BYTES("a\0\xFF\0") }, "6100ff00", NULL, "'type':'multi','hex':'6100ff00'" },

        { { REG_BINARY, BYTES("\xDE\xAD\0") }, "dead00", NULL, "'type':'binary','data':'dead00'" },
        { { REG_BINARY, 0, NULL }, "", NULL, "'type':'binary','data':''" },
        { { REG_NONE, 0, NULL }, "", NULL, "'type':'none','data':null" },
        { { REG_NONE, BYTES("\7") }, "07", NULL, "'type':'none','hex':'07'" },
        { { REG_RESOURCE_LIST, BYTES("ab") }, "6162", NULL, "'type':'0x8','hex':'6162'" },
        { { 0x2A, BYTES("ab") }, "6162", NULL, "'type':'0x2a','hex':'6162'" },
};

TEST(text)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf b = BUF_INIT, line = BUF_INIT;
                value_format(&b, &rows[i].v, false);
                value_format(&line, &rows[i].v, true);
                ck_assert_str_eq(buf_str(&b), rows[i].text);
                ck_assert_str_eq(buf_str(&line), rows[i].line ? rows[i].line : rows[i].text);
        }
}

TEST(json)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (!rows[i].json)
                        continue;
                _cleanup_buf_ struct buf b = BUF_INIT, expected = BUF_INIT;
                struct json j = json_on(&b);
                json_begin_object(&j);
                json_key(&j, "name");
                json_null(&j);
                value_to_json(&j, &rows[i].v);
                json_key(&j, "more");
                json_null(&j);
                json_end_object(&j);
                buf_printf(&expected, "{'name':null,%s,'more':null}", rows[i].json);
                for (char *p = expected.data; *p; p++)
                        if (*p == '\'')
                                *p = '"';
                ck_assert_str_eq(buf_str(&b), expected.data);
        }
}

TEST(appends_to_what_is_there)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        buf_puts(&b, "x=");
        value_format(&b, &(struct value){ REG_BINARY, BYTES("\1\2") }, true);
        buf_puts(&b, ";");
        ck_assert_str_eq(buf_str(&b), "x=0102;");
}

TEST(failed_allocations)
{
        static char bytes[2000];
        for (size_t i = 0; i < ARRAY_SIZE(rows) + 1; i++)
                for (unsigned n = 1;; n++) {
                        _cleanup_buf_ struct buf b = BUF_INIT;
                        const struct value large = { REG_BINARY, sizeof(bytes), bytes };
                        struct json j = json_on(&b);
                        alloc_fail_at(n);
                        value_to_json(&j, i < ARRAY_SIZE(rows) ? &rows[i].v : &large);
                        bool failed = alloc_failed();
                        ck_assert_int_eq(b.error, failed ? -ENOMEM : 0);
                        if (!failed)
                                break;
                }
}

Suite *test_suite(void)
{
        return suite_of("value-format");
}
