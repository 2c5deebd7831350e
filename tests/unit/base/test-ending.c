/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends as text, and when one is over. */

#include <string.h>

#include "../../../schema/base/ending.h"
#include "suite.h"

#define SECOND INT64_C(1000000)
#define BOOT "0123abcd-0000-4000-8000-000000000000"

static const struct ending_clocks now = { INT64_C(1769853600) * SECOND + 7, 50 * SECOND + 8, BOOT };

TEST(written)
{
        struct ending e = ending_in(90 * (uint64_t)SECOND, &now), again;
        char text[ENDING_TEXT_MAX];

        /* Never before it was meant to end, but in whole seconds. */
        ck_assert_str_eq(ending_format(&e, text),
                "2026-01-31T10:01:31Z since 2026-01-31T10:00:00Z boot " BOOT " 141");
        ck_assert(ending_parse(text, strlen(text), &again));
        ck_assert(ending_equal(&e, &again));
        e = ending_at(now.wall - SECOND, &now);
        ck_assert(ending_is_over(&e, &(struct ending_clocks){ now.wall + SECOND, now.boottime, BOOT }));
        e = ending_in(UINT64_MAX, &now);
        (void)ending_format(&e, text);
        ck_assert(ending_parse(text, strlen(text), &again));
        ck_assert(ending_equal(&e, &again));
}

TEST(without_a_boot)
{
        const struct ending_clocks none = { .wall = now.wall, .boottime = now.boottime };
        const struct ending e = ending_in(90 * (uint64_t)SECOND, &none);
        char text[ENDING_TEXT_MAX];

        ck_assert_str_eq(ending_format(&e, text), "2026-01-31T10:01:31Z since 2026-01-31T10:00:00Z");
}

TEST(parsed)
{
        static const struct {
                const char *text;
                bool is_good;
        } cases[] = {
                { "2026-01-31T10:00:00Z", true },
                { "2026-01-31T10:00:00Z since 2025-12-31T00:00:00Z", true },
                { "2026-01-31T10:00:00Z since 2025-12-31T00:00:00Z boot " BOOT " 9", true },
                { "", false },
                { "soon", false },
                { "2026-01-31", false },
                { "2026-01-31 10:00:00", false },
                { "2026-01-31T10:00:00", false },
                { "2026-01-31T10:00:00+01:00", false },
                { "2026-02-30T10:00:00Z", false },
                { "2026-01-31T24:00:00Z", false },
                { " 2026-01-31T10:00:00Z", false },
                { "2026-01-31T10:00:00Z ", false },
                { "2026-01-31T10:00:00Z since", false },
                { "2026-01-31T10:00:00Z boot " BOOT " 9", false },
                { "2026-01-31T10:00:00Z since 2025-12-31T00:00:00Z boot " BOOT, false },
                { "2026-01-31T10:00:00Z since 2025-12-31T00:00:00Z boot " BOOT " -9", false },
                { "2026-01-31T10:00:00Z since 2025-12-31T00:00:00Z boot " BOOT " 99999999999999", false },
                { "2026-01-31T10:00:00Z since 2025-12-31T00:00:00Z boot " BOOT "0 9", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct ending e;
                ck_assert_msg(ending_parse(cases[i].text, strlen(cases[i].text), &e) == cases[i].is_good,
                        "'%s'", cases[i].text);
        }
        struct ending e;
        ck_assert(!ending_parse("2026-01-31T10:00:00Z\0", 21, &e));
}

/* An hour from ten o'clock on, begun 50 s after the boot. */
TEST(over)
{
        static const struct {
                const char *what;
                int64_t wall, boottime; /* seconds since then */
                const char *boot;
                bool is_over;
        } cases[] = {
                { "at once", 0, 0, BOOT, false },
                { "shortly before", 3599, 3599, BOOT, false },
                { "in time", 3601, 3601, BOOT, true },
                { "the wall clock goes ahead", 3601, 10, BOOT, true },
                { "the wall clock was set back", 10, 3601, BOOT, true },
                { "it stands before the beginning", -1, 10, BOOT, true },
                { "another boot", 10, 90000, "ffff", false },
                { "another boot, in time", 3601, 0, "ffff", true },
                { "another boot, without a clock", -1700000000, 0, "ffff", true },
                { "the boot is not known", 10, 3601, "", false },
        };
        const struct ending e = ending_in(3600 * (uint64_t)SECOND, &now);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct ending_clocks then = { .wall = now.wall + cases[i].wall * SECOND,
                        .boottime = now.boottime + (uint64_t)(cases[i].boottime * SECOND) };
                strcpy(then.boot, cases[i].boot);
                ck_assert_msg(ending_is_over(&e, &then) == cases[i].is_over, "%s", cases[i].what);
        }
        const struct ending alone = { .at = now.wall, .since = INT64_MIN, .boottime = UINT64_MAX };
        ck_assert(ending_is_over(&alone, &now));
        ck_assert(!ending_is_over(&alone, &(struct ending_clocks){ .wall = now.wall - 1 }));
}

Suite *test_suite(void)
{
        return suite_of("ending");
}
