/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "../../../schema/base/json.h"
#include "alloc-faults.h"
#include "suite.h"

TEST(structure)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        struct json j = json_on(&b);

        json_begin_object(&j);
        json_key(&j, "list");
        json_begin_array(&j);
        json_number(&j, 1);
        json_begin_array(&j);
        json_end_array(&j);
        json_begin_object(&j);
        json_end_object(&j);
        json_bool(&j, true);
        json_null(&j);
        json_end_array(&j);
        json_key(&j, "a\"b");
        json_bool(&j, false);
        json_key(&j, "none");
        json_string(&j, NULL);
        json_key(&j, "text");
        json_string(&j, "t");
        json_end_object(&j);
        ck_assert_str_eq(
                buf_str(&b), "{\"list\":[1,[],{},true,null],\"a\\\"b\":false,\"none\":null,\"text\":\"t\"}");
}

TEST(strings)
{
        static const struct {
                const char *bytes;
                size_t n;
                const char *json;
        } rows[] = {
                { "", 0, "\"\"" },
                { "a\\b\"c/", 6, "\"a\\\\b\\\"c/\"" },
                { "\n\t\r", 3, "\"\\n\\u0009\\u000d\"" },
                { "\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\"" },
                { "ß€𐵰", 9, "\"ß€𐵰\"" },
                { "a\xFFz", 3, "\"a\xEF\xBF\xBDz\"" },                             /* never valid */
                { "\xC3", 1, "\"\xEF\xBF\xBD\"" },                                 /* cut short */
                { "\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" }, /* surrogate */
                { "\xC0\xAF", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },                 /* overlong */
                { "\xC3\"", 2, "\"\xEF\xBF\xBD\\\"\"" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf b = BUF_INIT;
                struct json j = json_on(&b);
                json_string_n(&j, rows[i].bytes, rows[i].n);
                ck_assert_str_eq(buf_str(&b), rows[i].json);
        }
}

TEST(numbers)
{
        static const struct {
                uint64_t v;
                const char *json;
        } rows[] = {
                { 0, "0" },
                { JSON_SAFE_INTEGER - 1, "9007199254740991" },
                { JSON_SAFE_INTEGER, "\"9007199254740992\"" },
                { UINT64_MAX, "\"18446744073709551615\"" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf b = BUF_INIT;
                struct json j = json_on(&b);
                json_number(&j, rows[i].v);
                ck_assert_str_eq(buf_str(&b), rows[i].json);
        }
}

TEST(a_failed_allocation_shows_in_the_buffer)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        struct json j = json_on(&b);
        json_begin_array(&j);
        alloc_fail_at(1);
        for (unsigned i = 0; i < 100; i++)
                json_string(&j, "text");
        ck_assert(alloc_failed());
        json_end_array(&j);
        ck_assert_int_eq(b.error, -ENOMEM);
}

Suite *test_suite(void)
{
        return suite_of("json");
}
