/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a machine says of itself: whoever may write there can write anything. */
#include "../../../service/fleet/machine-verdict.h"

#include "../lib/suite.h"

static enum machine_state judge(const struct buf *text, const char *host)
{
        _cleanup_(machine_verdict_freep) struct machine_verdict *v = NULL;
        _cleanup_buf_ struct buf why = BUF_INIT;

        ck_assert_int_eq(machine_verdict_read(buf_str(text), text->len, &v), 0);
        ck_assert_str_eq(machine_verdict_text(v, "host"), host);
        return machine_verdict_judge(v, true, NULL, 0, &why);
}

START_TEST(what_is_no_object_is_nonsense)
{
        static const char *const texts[] = { "", "{", "7", "[]", "null", "\"x\"", "{\"host\":\"\xff\"}",
                "{\"host\":\"a\",\"x\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}" };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                buf_puts(&text, texts[i]);
                ck_assert_int_eq(judge(&text, ""), MACHINE_NONSENSE);
        }
}
END_TEST

/* In memory they are hundreds of times as large. */
START_TEST(one_of_too_many_parts_is_nonsense)
{
        static const char *const parts[] = { "[],", "{},", "1," };

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                buf_puts(&text, "{\"host\":\"a\",\"x\":[");
                while (text.len < 1u << 20)
                        buf_puts(&text, parts[i]);
                buf_puts(&text, "0]}");
                ck_assert_int_eq(judge(&text, ""), MACHINE_NONSENSE);
        }
}
END_TEST

/* The most of all that an agent says. */
START_TEST(a_long_one_is_read)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_puts(&text, "{\"host\":\"a\",\"values\":[");
        for (unsigned i = 0; i < 64; i++)
                buf_puts(&text, "{\"value\":\"v\",\"written\":\"1, 2, [3]\",\"live\":true},");
        buf_puts(&text, "{}]}");
        ck_assert_int_eq(judge(&text, "a"), MACHINE_IN_FORCE);
}
END_TEST

Suite *test_suite(void)
{
        const TTest *const tests[] = {
                what_is_no_object_is_nonsense,
                one_of_too_many_parts_is_nonsense,
                a_long_one_is_read,
        };
        return suite_of("machine-verdict", tests, ARRAY_SIZE(tests));
}
