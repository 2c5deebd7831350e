/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When it is tried again: not before a second, later each time, at random, and never later than the most. */
#include "../../../service/fleet/agent.h"

#include "../../../schema/base/clock.h"
#include "../lib/suite.h"

/* How long it waits, from before the failure. */
static uint64_t miss(struct lane *l)
{
        uint64_t before = clock_usec();

        lane_failed(l, ETCD_DOWN, "nobody answers");
        return l->due - before;
}

TEST(waits_grow_to_the_most)
{
        struct lane l = { .what = "test", .due = LANE_NEVER };
        uint64_t longest = 0;

        for (unsigned i = 1; i <= 2000; i++) {
                uint64_t step = i < 8 ? LANE_FIRST_USEC << (i - 1) : LANE_MOST_USEC, wait = miss(&l);
                ck_assert_uint_ge(wait, LANE_FIRST_USEC);
                /* The clock went on. */
                ck_assert_uint_lt(l.due, clock_usec() + LANE_FIRST_USEC + step);
                longest = wait > longest ? wait : longest;
        }
        ck_assert_uint_gt(longest, LANE_MOST_USEC / 2);
        lane_succeeded(&l);
        ck_assert_uint_eq(l.due, LANE_NEVER);
        (void)miss(&l);
        ck_assert_uint_lt(l.due, clock_usec() + 2 * LANE_FIRST_USEC);
}

TEST(many_do_not_try_at_the_same_time)
{
        struct lane first = { .what = "test" }, other = { .what = "test" };
        unsigned n_same = 0;

        for (unsigned i = 0; i < 100; i++)
                n_same += miss(&first) / 1000 == miss(&other) / 1000;
        ck_assert_uint_lt(n_same, 50);
}

TEST(it_is_so_since_it_began)
{
        struct lane l = { .what = "test" };

        (void)miss(&l);
        int64_t since = l.since;
        ck_assert_int_gt(since, 0);
        (void)usleep(2000);
        lane_failed(&l, ETCD_SLOW, "too slow");
        ck_assert_int_eq(l.since, since);
        ck_assert_int_eq(l.status, ETCD_SLOW);
        ck_assert_str_eq(l.text, "too slow");
        lane_succeeded(&l);
        ck_assert_int_gt(l.since, since);
        ck_assert_int_eq(l.status, ETCD_OK);
}

TEST(a_try_is_one)
{
        struct lane l = { .what = "test", .due = LANE_NEVER };

        ck_assert(!lane_begins(&l, UINT64_MAX - 1));
        (void)miss(&l);
        ck_assert(!lane_begins(&l, l.due - 1));
        ck_assert(lane_begins(&l, l.due));
        ck_assert_uint_eq(l.due, LANE_NEVER);
}

Suite *test_suite(void)
{
        return suite_of("fleet-lane");
}
