/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>

#include "../../../registry-provider/regedit/view.h"
#include "alloc-faults.h"
#include "suite.h"

static struct view v;

static void setup(void)
{
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        v = (struct view){ 0 };
}

static void teardown(void)
{
        view_done(&v);
}

static void open_numbers(enum view_kind kind, unsigned n)
{
        view_open(&v, kind, "title");
        for (unsigned i = 0; i < n; i++)
                buf_printf(&v.text, "%u\n", i);
}

static void shows(size_t width, size_t height, const char *expected)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        ck_assert_int_eq(view_lay(&v, width, height), 0);
        for (size_t i = v.top; i < v.top + height && i < v.n_lines; i++) {
                buf_puts(&out, v.kind == VIEW_MENU && i == v.selected ? ">" : "");
                buf_add(&out, v.text.data + v.lines[i].at, v.lines[i].len);
                buf_putc(&out, '/');
        }
        ck_assert_str_eq(buf_str(&out), expected);
}

TEST(long_lines_are_broken_anew_for_each_width)
{
        view_open(&v, VIEW_TEXT, "title");
        buf_puts(&v.text, "abcdef\n\n\u6f22\u5b57\nz");
        shows(4, 9, "abcd/ef//\u6f22\u5b57/z/");
        ck_assert_uint_eq(v.lines[1].number, 0);
        ck_assert_uint_eq(v.lines[4].number, 3);
        shows(3, 9, "abc/def//\u6f22/\u5b57/z/");
        shows(9, 9, "abcdef//\u6f22\u5b57/z/");
        view_open(&v, VIEW_TEXT, "title");
        buf_puts(&v.text, "one two three a-long-word");
        shows(10, 9, "one two /three /a-long-wor/d/");
}

TEST(a_text_scrolls)
{
        static const struct {
                const char *key, *shown;
        } steps[] = { { "Down", "1/2/3/" }, { "PgDn", "4/5/6/" }, { "Space", "7/8/9/" }, { "j", "7/8/9/" },
                { "k", "6/7/8/" }, { "b", "3/4/5/" }, { "G", "7/8/9/" }, { "g", "0/1/2/" },
                { "Up", "0/1/2/" }, { "End", "7/8/9/" }, { "Home", "0/1/2/" }, { "PgUp", "0/1/2/" } };

        open_numbers(VIEW_TEXT, 10);
        shows(9, 3, "0/1/2/");
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                ck_assert_int_eq(view_key(&v, steps[i].key), VIEW_STAYS);
                shows(9, 3, steps[i].shown);
        }
        ck_assert_int_eq(view_key(&v, "y"), VIEW_STAYS);
        ck_assert_int_eq(view_key(&v, "Enter"), VIEW_NO);
        ck_assert_int_eq(v.kind, VIEW_CLOSED);
}

TEST(a_menu_has_a_line_that_is_chosen)
{
        open_numbers(VIEW_MENU, 5);
        shows(9, 2, ">0/1/");
        (void)view_key(&v, "Down");
        (void)view_key(&v, "Down");
        shows(9, 2, "1/>2/");
        (void)view_key(&v, "End");
        shows(9, 2, "3/>4/");
        (void)view_key(&v, "Up");
        shows(9, 2, ">3/4/");
        ck_assert_int_eq(view_key(&v, "Enter"), VIEW_YES);
        ck_assert_uint_eq(v.lines[v.selected].number, 3);
        open_numbers(VIEW_MENU, 5);
        ck_assert_int_eq(view_key(&v, "Esc"), VIEW_NO);
}

/* Not by a key that is next to another one's. */
TEST(a_question_wants_an_answer)
{
        open_numbers(VIEW_QUESTION, 2);
        ck_assert_int_eq(view_key(&v, "Enter"), VIEW_STAYS);
        ck_assert_int_eq(view_key(&v, "n"), VIEW_NO);
        open_numbers(VIEW_QUESTION, 2);
        ck_assert_int_eq(view_key(&v, "y"), VIEW_YES);
}

TEST(survives_failing_allocations)
{
        open_numbers(VIEW_TEXT, 1000);
        bool failed = true;
        for (unsigned i = 1; failed; i++) {
                v.width = 0;
                alloc_fail_at(i);
                failed = alloc_fails(view_lay(&v, 9, 3), i, 1);
        }
        shows(9, 3, "0/1/2/");
}

Suite *test_suite(void)
{
        return suite_with("regedit-view", setup, teardown);
}
