/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <stdlib.h>

#include "../../../schema/audit/ranges.h"
#include "suite.h"

START_TEST(texts)
{
        static const struct {
                uint64_t number;
                const char *text;
        } steps[] = {
                { 5, "5" },
                { 6, "5-6" },
                { 7, "5-7" },
                { 9, "5-7, 9" },
                { 11, "5-7, 9, 11" },
                { 12, "5-7, 9, 11-12" },
                { UINT64_MAX, "5-7, 9, 11-12, 18446744073709551615" },
        };
        _cleanup_ranges_ struct ranges r = RANGES_INIT;

        ck_assert_str_eq(ranges_text(&r), "");
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                ranges_add(&r, steps[i].number);
                ck_assert_uint_eq(r.n, i + 1);
                ck_assert_str_eq(ranges_text(&r), steps[i].text);
        }
}
END_TEST

Suite *test_suite(void)
{
        Suite *suite = suite_create("ranges");
        TCase *tcase = tcase_create("ranges");

        tcase_add_test(tcase, texts);
        suite_add_tcase(suite, tcase);
        return suite;
}
