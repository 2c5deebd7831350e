/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "../../../schema/base/table.h"
#include "alloc-faults.h"
#include "suite.h"

static const struct table_column columns[] = { { "NAME", false }, { "SIZE", true }, { "WHAT", false } };

static void add(struct table *t, const char *const *cells, size_t n)
{
        for (size_t i = 0; i < n; i++)
                buf_puts(table_cell(t), cells[i]);
}

TEST(columns_are_measured_in_cells)
{
        static const struct {
                const char *cells[6];
                bool heading;
                const char *text;
        } rows[] = {
                { { "a", "1", "x", "long", "100", "y" }, false,
                        "a       1  x\n"
                        "long  100  y\n" },
                { { "a", "1", "x", "b", "2", "y" }, true,
                        "NAME  SIZE  WHAT\n"
                        "a        1  x\n"
                        "b        2  y\n" },
                /* Two cells a character, one, and none. */
                { { "日本語", "1", "x", "abcdef", "2", "y" }, false,
                        "日本語  1  x\n"
                        "abcdef  2  y\n" },
                { { "e\u0301\u0301", "1", "x", "ab", "2", "y" }, false,
                        "e\u0301\u0301   1  x\n"
                        "ab  2  y\n" },
                { { "é", "1", "x", "ab", "2", "y" }, false,
                        "é   1  x\n"
                        "ab  2  y\n" },
                { { "😀", "1", "x", "abc", "2", "y" }, false,
                        "😀   1  x\n"
                        "abc  2  y\n" },
                /* Nothing is cut, and no line ends in blanks. */
                { { "REG_FULL_RESOURCE_DESCRIPTOR", "1", "", "b", "20000000", "y" }, false,
                        "REG_FULL_RESOURCE_DESCRIPTOR         1\n"
                        "b                             20000000  y\n" },
                { { "a", "1", "y  ", "b", "2", "" }, false, "a  1  y  \nb  2\n" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_table_ struct table t = TABLE(columns);
                _cleanup_buf_ struct buf out = BUF_INIT;
                add(&t, rows[i].cells, 6);
                table_format(&t, rows[i].heading, &out);
                ck_assert_str_eq(buf_str(&out), rows[i].text);
        }
}

TEST(tables_without_rows)
{
        _cleanup_table_ struct table t = TABLE(columns);
        _cleanup_buf_ struct buf out = BUF_INIT;

        table_format(&t, false, &out);
        ck_assert_str_eq(buf_str(&out), "");
        table_format(&t, true, &out);
        ck_assert_str_eq(buf_str(&out), "NAME  SIZE  WHAT\n");
}

TEST(failed_allocations)
{
        static const char *const cells[] = { "a", "1", "x" };

        for (unsigned n = 1; n <= 3; n++) {
                _cleanup_table_ struct table t = TABLE(columns);
                _cleanup_buf_ struct buf out = BUF_INIT;
                alloc_fail_at(n);
                add(&t, cells, 3);
                table_format(&t, false, &out);
                if (alloc_failed())
                        ck_assert_int_eq(out.error, -ENOMEM);
                else
                        ck_assert_int_eq(out.error, 0);
        }
}

Suite *test_suite(void)
{
        return suite_of("table");
}
