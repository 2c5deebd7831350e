/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../schema/base/diag.h"
#include "../../../schema/names/fold.h"
#include "suite.h"

TEST(set_and_prefix)
{
        struct diag d = { 0 };
        ck_assert_int_eq(diag_set(&d, EINVAL, "expected %d", 3), -EINVAL);
        ck_assert_str_eq(d.text, "expected 3");
        diag_prefix(&d, "line %d", 7);
        diag_prefix(&d, "file");
        ck_assert_str_eq(d.text, "file: line 7: expected 3");
        diag_set(&d, EINVAL, "%s", "");
        ck_assert_str_eq(d.text, "");
}

TEST(nobody_listens)
{
        ck_assert_int_eq(diag_set(NULL, ENOENT, "%s", "x"), -ENOENT);
        diag_prefix(NULL, "x");
}

/* Text of `n` bytes that ends in the middle of a character, whatever the character's length is. */
static void check_cut(const char *character, size_t shift)
{
        char text[1600] = "";
        size_t n = strlen(character);
        memset(text, 'x', shift);
        for (size_t at = shift; at + n < sizeof(text); at += n)
                memcpy(text + at, character, n + 1);

        struct diag d;
        ck_assert_int_eq(diag_set(&d, EINVAL, "%s", text), -EINVAL);
        size_t len = strlen(d.text);
        ck_assert_uint_gt(len, sizeof(d.text) - 1 - n);
        ck_assert_uint_eq(utf8_valid_prefix(d.text, len), len);
        ck_assert_mem_eq(d.text, text, len);

        diag_prefix(&d, "%s", "ß");
        len = strlen(d.text);
        ck_assert_uint_gt(len, sizeof(d.text) - 1 - n);
        ck_assert_uint_eq(utf8_valid_prefix(d.text, len), len);
        ck_assert_int_eq(strncmp(d.text, "ß: ", 4), 0);
}

TEST(cut_at_a_character)
{
        static const char *const characters[] = { "x", "ß", "€", "𐵰" };
        for (size_t i = 0; i < ARRAY_SIZE(characters); i++)
                for (size_t shift = 0; shift < 4; shift++)
                        check_cut(characters[i], shift);
}

TEST(a_prefix_that_leaves_no_room)
{
        struct diag d;
        diag_set(&d, EINVAL, "reason");
        for (int width = 750; width < 780; width++) {
                diag_prefix(&d, "%*d", width, 1);
                size_t len = strlen(d.text);
                ck_assert_uint_lt(len, sizeof(d.text));
                ck_assert_uint_ge(len, 750);
        }
}

TEST(whole_text_is_not_trimmed)
{
        struct diag d;
        static const char *const texts[] = { "ß", "a€", "𐵰", "é" };
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                diag_set(&d, EINVAL, "%s", texts[i]);
                ck_assert_str_eq(d.text, texts[i]);
        }
}

Suite *test_suite(void)
{
        return suite_of("diag");
}
