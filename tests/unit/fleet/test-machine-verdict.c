/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a machine says of itself: whoever may write there can write anything. */
#include "../../../service/fleet/machine-verdict.h"

#include <string.h>

#include "../lib/suite.h"

static enum machine_state judge(const struct buf *text, const char *host)
{
        _cleanup_(machine_verdict_freep) struct machine_verdict *v = NULL;
        _cleanup_buf_ struct buf why = BUF_INIT;

        ck_assert_int_eq(machine_verdict_read(buf_str(text), text->len, &v), 0);
        ck_assert_str_eq(machine_verdict_text(v, "host"), host);
        return machine_verdict_judge(v, true, NULL, 0, &why);
}

TEST(what_is_no_object_is_nonsense)
{
        static const char *const texts[] = { "", "{", "7", "[]", "null", "\"x\"", "{\"host\":\"\xff\"}",
                "{\"host\":\"a\",\"x\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}" };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                buf_puts(&text, texts[i]);
                ck_assert_int_eq(judge(&text, ""), MACHINE_NONSENSE);
        }
}

/* In memory they are hundreds of times as large. */
TEST(one_of_too_many_parts_is_nonsense)
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

/* The most of all that an agent says. */
TEST(a_long_one_is_read)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_puts(&text, "{\"host\":\"a\",\"values\":[");
        for (unsigned i = 0; i < 64; i++)
                buf_puts(&text, "{\"value\":\"v\",\"written\":\"1, 2, [3]\",\"live\":true},");
        buf_puts(&text, "{}]}");
        ck_assert_int_eq(judge(&text, "a"), MACHINE_IN_FORCE);
}

/* Of a machine that accepted serial 7 of one group. */
static void judge_group(
        uint64_t published, const char *layers, const char *rest, enum machine_state state, const char *why)
{
        _cleanup_(machine_verdict_freep) struct machine_verdict *v = NULL;
        _cleanup_buf_ struct buf text = BUF_INIT, said = BUF_INIT;
        char name[] = "web";
        const struct machine_group group = { name, published };

        buf_printf(&text,
                "{\"member-of\":[\"web\"],\"layers\":%s,\"groups\":[{\"group\":\"web\",\"serial\":7%s}",
                layers, rest);
        ck_assert_int_eq(machine_verdict_read(buf_str(&text), text.len, &v), 0);
        ck_assert_msg(machine_verdict_judge(v, true, &group, 1, &said) == state, "%s: %s", buf_str(&text),
                buf_str(&said));
        ck_assert_msg(strstr(buf_str(&said), why), "%s: %s", buf_str(&text), buf_str(&said));
}

#define FILE_NAME "/var/lib/peios/registry.d/fleet-web.yaml"
#define LAYER(serial) "[{\"layer\":\"fleet-web\",\"file\":\"" FILE_NAME "\",\"serial\":" #serial "}]"

/* Not behind, as long as what it was told to leave to others is what is published; and all else is worse. */
TEST(staged)
{
        judge_group(8, LAYER(7), ",\"staged\":8}]", MACHINE_STAGED, "others have 8 first");
        judge_group(7, LAYER(7), ",\"staged\":8}]", MACHINE_IN_FORCE, "");
        judge_group(9, LAYER(7), ",\"staged\":8}]", MACHINE_BEHIND, "published is 9");
        judge_group(8, LAYER(7), "}]", MACHINE_BEHIND, "published is 8");
        judge_group(8, LAYER(7), ",\"staged\":8,\"refused\":\"expired\"}]", MACHINE_REFUSED, "expired");
        judge_group(8, LAYER(7), ",\"staged\":8}],\"tainted\":1", MACHINE_TAINTED, "0x1");
}

/* What was accepted is in force where the registry has it, and nowhere else. */
TEST(as_the_registry_has_it)
{
        judge_group(7, LAYER(7), "}]", MACHINE_IN_FORCE, "");
        judge_group(7, LAYER(6), "}]", MACHINE_BEHIND, "its registry has 6");
        judge_group(0, LAYER(6), "}]", MACHINE_BEHIND, "its registry has 6");
        judge_group(7, LAYER(6),
                "}],\"registry-problems\":[{\"where\":\"" FILE_NAME "\",\"text\":\"too much\"}]",
                MACHINE_REFUSED, "web: too much");
        judge_group(7, "[]",
                "}],\"registry-problems\":[{\"where\":\"" FILE_NAME "\",\"text\":\"too much\"}]",
                MACHINE_REFUSED, "web: too much");
        judge_group(7, LAYER(7), "}],\"registry-problems\":[{\"where\":\"/etc/a.yaml\",\"text\":\"x\"}]",
                MACHINE_IN_FORCE, "");
        judge_group(7, "[]", "}]", MACHINE_BEATEN, "its registry has no such layer");
        judge_group(7, "null", "}]", MACHINE_BEHIND, "its registry does not answer");
        judge_group(7, "[{\"layer\":\"fleet-web\",\"file\":\"/etc/x.yaml\",\"serial\":7}]", "}]",
                MACHINE_BEATEN, "/etc/x.yaml");
}

Suite *test_suite(void)
{
        return suite_of("machine-verdict");
}
