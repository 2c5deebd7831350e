/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>

#include "../../../service/policy/policy.h"
#include "suite.h"

#define SECOND UINT64_C(1000000)

struct step {
        uint64_t second;
        enum drift_verdict expected;
};

static void walk(const struct step *steps, size_t n)
{
        struct drift d = { 0 };

        for (size_t i = 0; i < n; i++)
                ck_assert_msg(policy_drift(&d, steps[i].second * SECOND) == steps[i].expected,
                        "step %zu, second %llu", i, (unsigned long long)steps[i].second);
}

TEST(slow_drift_is_put_back_for_ever)
{
        struct drift d = { 0 };

        for (uint64_t second = 0; second < 3600; second += 12)
                ck_assert_int_eq(policy_drift(&d, second * SECOND), DRIFT_PUT_BACK);
}

TEST(sixth_round_in_a_minute_gives_up_once)
{
        static const struct step steps[] = {
                { 100, DRIFT_PUT_BACK },
                { 100, DRIFT_PUT_BACK },
                { 110, DRIFT_PUT_BACK },
                { 120, DRIFT_PUT_BACK },
                { 130, DRIFT_PUT_BACK },
                { 159, DRIFT_GIVE_UP },
                { 159, DRIFT_PAUSED },
                { 300, DRIFT_PAUSED },
                { 458, DRIFT_PAUSED },
                /* Afresh: all rounds, whatever happened before and during the pause. */
                { 459, DRIFT_PUT_BACK },
                { 459, DRIFT_PUT_BACK },
                { 459, DRIFT_PUT_BACK },
                { 459, DRIFT_PUT_BACK },
                { 459, DRIFT_PUT_BACK },
                { 459, DRIFT_GIVE_UP },
                { 460, DRIFT_PAUSED },
                { 759, DRIFT_PUT_BACK },
        };
        walk(steps, ARRAY_SIZE(steps));
}

TEST(window_slides)
{
        static const struct step steps[] = {
                { 0, DRIFT_PUT_BACK },
                { 40, DRIFT_PUT_BACK },
                { 41, DRIFT_PUT_BACK },
                { 42, DRIFT_PUT_BACK },
                { 43, DRIFT_PUT_BACK },
                /* The first one has just left the window, the others have not. */
                { 60, DRIFT_PUT_BACK },
                { 99, DRIFT_GIVE_UP },
        };
        walk(steps, ARRAY_SIZE(steps));

        static const struct step all_gone[] = {
                { 0, DRIFT_PUT_BACK },
                { 1, DRIFT_PUT_BACK },
                { 2, DRIFT_PUT_BACK },
                { 3, DRIFT_PUT_BACK },
                { 4, DRIFT_PUT_BACK },
                { 64, DRIFT_PUT_BACK },
                { 65, DRIFT_PUT_BACK },
                { 66, DRIFT_PUT_BACK },
                { 67, DRIFT_PUT_BACK },
                { 68, DRIFT_PUT_BACK },
                { 69, DRIFT_GIVE_UP },
        };
        walk(all_gone, ARRAY_SIZE(all_gone));
}

TEST(edges_are_exact)
{
        struct drift d = { 0 };

        for (unsigned i = 0; i < DRIFT_ROUNDS; i++)
                ck_assert_int_eq(policy_drift(&d, 7), DRIFT_PUT_BACK);
        struct drift inside = d, outside = d;
        ck_assert_int_eq(policy_drift(&inside, 7 + DRIFT_WINDOW_USEC - 1), DRIFT_GIVE_UP);
        ck_assert_int_eq(policy_drift(&outside, 7 + DRIFT_WINDOW_USEC), DRIFT_PUT_BACK);

        uint64_t end = 7 + DRIFT_WINDOW_USEC - 1 + DRIFT_PAUSE_USEC;
        ck_assert_int_eq(policy_drift(&inside, end - 1), DRIFT_PAUSED);
        ck_assert_int_eq(policy_drift(&inside, end), DRIFT_PUT_BACK);
}

Suite *test_suite(void)
{
        return suite_of("drift");
}
