/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include <check.h>

#include "../../../registry-provider/store/store.h"

START_TEST(guids)
{
        static const char text[] = "01020304-0506-0708-090a-0b0c0d0e0fff";
        static const char *const bad[] = { "", "01020304-0506-0708-090a-0b0c0d0e0ff",
                "01020304-0506-0708-090a-0b0c0d0e0fff0", "0102030400506-0708-090a-0b0c0d0e0fff",
                "01020304-0506-0708-090a-0b0c0d0e0ffg", "01020304-0506-0708-090a00b0c0d0e0fff",
                "-01020304-0506-0708-090a-0b0c0d0e0ff" };
        struct guid g, h;
        char out[37];

        ck_assert_int_eq(guid_parse(text, strlen(text), &g), 0);
        ck_assert_uint_eq(g.bytes[0], 1);
        ck_assert_uint_eq(g.bytes[7], 8);
        ck_assert_uint_eq(g.bytes[15], 0xff);
        guid_format(&g, out);
        ck_assert_str_eq(out, text);
        ck_assert_int_eq(guid_parse("01020304-0506-0708-090A-0B0C0D0E0FFF", 36, &h), 0);
        ck_assert(guid_equal(&g, &h));
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_int_eq(guid_parse(bad[i], strlen(bad[i]), &g), -EINVAL);

        ck_assert_int_eq(guid_new(&g), 0);
        ck_assert_int_eq(guid_new(&h), 0);
        ck_assert(!guid_equal(&g, &h));
        ck_assert_uint_eq(g.bytes[6] & 0xF0, 0x40);
        ck_assert_uint_eq(g.bytes[8] & 0xC0, 0x80);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("guid");
        TCase *tc = tcase_create("guid");

        tcase_add_test(tc, guids);
        suite_add_tcase(suite, tc);

        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
