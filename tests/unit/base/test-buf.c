/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "../../../schema/base/buf.h"
#include "alloc-faults.h"
#include "suite.h"

TEST(appends)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        ck_assert_str_eq(buf_str(&b), "");

        buf_puts(&b, "one");
        buf_putc(&b, ' ');
        buf_add(&b, NULL, 0);
        buf_add(&b, "two", 3);
        buf_printf(&b, " %d%s", 3, "");
        buf_printf(&b, "%s", "");
        ck_assert_str_eq(buf_str(&b), "one two 3");
        ck_assert_uint_eq(b.len, 9);
        ck_assert_int_eq(b.error, 0);
}

TEST(numbers_in_decimal)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        buf_number(&b, 0);
        buf_putc(&b, ' ');
        buf_number(&b, 1090);
        buf_putc(&b, ' ');
        buf_number(&b, UINT64_MAX);
        ck_assert_str_eq(buf_str(&b), "0 1090 18446744073709551615");
}

TEST(integers_are_little_endian)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        buf_le32(&b, 0x01020304);
        buf_le64(&b, UINT64_C(0x0102030405060708));
        ck_assert_uint_eq(b.len, 12);
        ck_assert_mem_eq(b.data, "\x04\x03\x02\x01\x08\x07\x06\x05\x04\x03\x02\x01", 13);
}

TEST(grows_and_stays_terminated)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        for (size_t i = 0; i < 100000; i++) {
                buf_putc(&b, (char)i);
                ck_assert_uint_lt(b.len, b.size);
                ck_assert_int_eq(b.data[b.len], '\0');
        }
        for (size_t i = 0; i < b.len; i++)
                ck_assert_int_eq(b.data[i], (char)i);

        char *kept = b.data;
        buf_clear(&b);
        ck_assert_str_eq(buf_str(&b), "");
        ck_assert_ptr_eq(b.data, kept);

        _cleanup_buf_ struct buf reserved = BUF_INIT;
        ck_assert_int_eq(buf_reserve(&reserved, 1000), 0);
        ck_assert_str_eq(buf_str(&reserved), "");
        ck_assert_uint_gt(reserved.size, 1000);
}

TEST(printf_at_the_edges_of_the_memory)
{
        /* The first allocation is small: lengths around it must not lose the last character. */
        for (int width = 60; width < 70; width++) {
                _cleanup_buf_ struct buf b = BUF_INIT;
                buf_printf(&b, "%*d", width, 7);
                ck_assert_uint_eq(b.len, (size_t)width);
                ck_assert_int_eq(b.data[width - 1], '7');
                ck_assert_int_eq(b.data[width], '\0');
        }
}

TEST(finish_hands_over)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        char *text = NULL;
        size_t len = 99;
        ck_assert_int_eq(buf_finish(&b, &text, &len), 0);
        ck_assert_str_eq(text, "");
        ck_assert_uint_eq(len, 0);
        free(text);

        buf_add(&b, "a\0b", 3);
        ck_assert_int_eq(buf_finish(&b, &text, &len), 0);
        ck_assert_uint_eq(len, 3);
        ck_assert_mem_eq(text, "a\0b", 4);
        ck_assert_ptr_null(b.data);
        free(text);
}

TEST(a_failed_allocation_sticks)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        char *text = (char *)"untouched";
        size_t len = 5;

        buf_puts(&b, "kept");
        alloc_fail_at(1);
        buf_printf(&b, "%500d", 1);
        ck_assert(alloc_failed());
        ck_assert_int_eq(b.error, -ENOMEM);
        buf_puts(&b, "x");
        buf_putc(&b, 'x');
        buf_le64(&b, 1);
        buf_printf(&b, "x");
        ck_assert_str_eq(buf_str(&b), "kept");
        ck_assert_int_eq(buf_reserve(&b, 0), -ENOMEM);
        ck_assert_int_eq(buf_finish(&b, &text, &len), -ENOMEM);
        ck_assert_str_eq(text, "untouched");
        ck_assert_uint_eq(len, 5);

        buf_clear(&b);
        buf_puts(&b, "again");
        ck_assert_str_eq(buf_str(&b), "again");
        ck_assert_int_eq(buf_reserve(&b, SIZE_MAX - 8), -ENOMEM);
}

Suite *test_suite(void)
{
        return suite_of("buf");
}
