/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <string.h>

#include "../../../registry-provider/regedit/cells.h"
#include "suite.h"

static const struct {
        const char *text;
        size_t width;
        const char *filled; /* of that width, a `|` behind it */
} rows[] = {
        { "abc", 5, "abc  |" },
        { "abc", 3, "abc|" },
        { "abcd", 3, "ab~|" },
        { "", 2, "  |" },
        { "abc", 0, "|" },
        /* Wide ones are not cut in two; what belongs to the last one goes with it. */
        { "\u6f22\u5b57", 4, "\u6f22\u5b57|" },
        { "\u6f22\u5b57", 3, "\u6f22~|" },
        { "\u6f22\u5b57", 2, "~ |" },
        { "e\u0301x", 2, "e\u0301x|" },
        /* Nothing steers the terminal or turns the line around. */
        { "a\x1b[31m", 20, "a\\x1b[31m           |" },
        { "\xff\xfe", 8, "\\xff\\xfe|" },
        { "\u202e", 12, "\\xe2\\x80\\xae|" },
        { "\xc2\x9b", 8, "\\xc2\\x9b|" },
        { "\u200b", 5, "~    |" },
};

TEST(text_is_as_wide_as_it_is_shown)
{
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                cells_fill(&out, rows[i].text, strlen(rows[i].text), rows[i].width);
                buf_putc(&out, '|');
                ck_assert_str_eq(buf_str(&out), rows[i].filled);
        }
}

TEST(what_the_locale_lacks_is_a_question_mark)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C"));
        cells_fill(&out, "a\u6f22b", strlen("a\u6f22b"), 4);
        ck_assert_str_eq(buf_str(&out), "a?b ");
}

TEST(counts_and_fits)
{
        const char *text = "ab\u6f22c";

        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        ck_assert_uint_eq(cells_count(text, strlen(text)), 5);
        ck_assert_uint_eq(cells_fit(text, strlen(text), 3), 2);
        ck_assert_uint_eq(cells_fit(text, strlen(text), 4), 5);
        ck_assert_uint_eq(cells_fit(text, strlen(text), 9), 6);
        ck_assert_uint_eq(cells_fit("\u6f22", 3, 1), 3);
}

Suite *test_suite(void)
{
        return suite_of("regedit-cells");
}
