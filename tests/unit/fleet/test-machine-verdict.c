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

/* Not behind, as long as what it was told to leave to others is what is published; and all else is worse. */
START_TEST(staged)
{
        static const struct {
                uint64_t published;
                const char *rest;
                enum machine_state state;
        } cases[] = {
                { 8, ",\"staged\":8}]", MACHINE_STAGED },
                { 7, ",\"staged\":8}]", MACHINE_IN_FORCE },
                { 9, ",\"staged\":8}]", MACHINE_BEHIND },
                { 8, "}]", MACHINE_BEHIND },
                { 8, ",\"staged\":8,\"refused\":\"expired\"}]", MACHINE_REFUSED },
                { 8, ",\"staged\":8}],\"tainted\":1", MACHINE_TAINTED },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(machine_verdict_freep) struct machine_verdict *v = NULL;
                _cleanup_buf_ struct buf text = BUF_INIT, why = BUF_INIT;
                char name[] = "web";
                const struct machine_group group = { name, cases[i].published };
                buf_printf(&text,
                        "{\"member-of\":[\"web\"],\"layers\":[{\"layer\":\"fleet-web\"}],"
                        "\"groups\":[{\"group\":\"web\",\"serial\":7%s}",
                        cases[i].rest);
                ck_assert_int_eq(machine_verdict_read(buf_str(&text), text.len, &v), 0);
                ck_assert_msg(machine_verdict_judge(v, true, &group, 1, &why) == cases[i].state, "%zu: %s",
                        i, buf_str(&why));
        }
}
END_TEST

Suite *test_suite(void)
{
        const TTest *const tests[] = {
                what_is_no_object_is_nonsense,
                one_of_too_many_parts_is_nonsense,
                a_long_one_is_read,
                staged,
        };
        return suite_of("machine-verdict", tests, ARRAY_SIZE(tests));
}
