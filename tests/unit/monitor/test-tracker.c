/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>

#include "../../../service/monitor/mask.h"
#include "suite.h"

TEST(a_bit_waits_and_is_reported_once)
{
        struct mask_tracker t = { 0 };

        struct mask_change c = mask_tracker_see(&t, 0x1000, 10);
        ck_assert_uint_eq(c.appeared, 0x1000);
        ck_assert_uint_eq(c.cleared, 0);
        ck_assert_uint_eq(mask_tracker_waited(&t, 12, 25), 15);
        ck_assert_uint_eq(mask_tracker_oldest(&t), 10);

        c = mask_tracker_see(&t, 0x3000, 20);
        ck_assert_uint_eq(c.appeared, 0x2000);
        ck_assert_uint_eq(mask_tracker_oldest(&t), 10);
        mask_tracker_report(&t, 12);
        ck_assert_uint_eq(mask_tracker_oldest(&t), 20);
        mask_tracker_report(&t, 13);
        ck_assert_uint_eq(mask_tracker_oldest(&t), UINT64_MAX);

        c = mask_tracker_see(&t, 0x3000, 30);
        ck_assert_uint_eq(c.appeared | c.cleared, 0);
        ck_assert_uint_eq(t.reported, 0x3000);
}

TEST(every_bit_is_alike)
{
        for (unsigned bit = 0; bit < TAINT_BITS; bit++) {
                struct mask_tracker t = { 0 };
                ck_assert_uint_eq(mask_tracker_see(&t, TAINT_MASK(bit), 5).appeared, TAINT_MASK(bit));
                ck_assert_uint_eq(mask_tracker_waited(&t, bit, 7), 2);
                mask_tracker_report(&t, bit);
                ck_assert_uint_eq(mask_tracker_waited(&t, bit, 7), 0);
                ck_assert_uint_eq(mask_tracker_see(&t, 0, 8).cleared, TAINT_MASK(bit));
                ck_assert_uint_eq(t.reported, TAINT_MASK(bit));
                mask_tracker_clear(&t, bit);
                ck_assert_uint_eq(mask_tracker_see(&t, 0, 9).cleared, 0);
                ck_assert_uint_eq(mask_tracker_see(&t, TAINT_MASK(bit), 10).appeared, TAINT_MASK(bit));
        }
}

TEST(a_waiting_bit_can_clear)
{
        struct mask_tracker t = { 0 };

        (void)mask_tracker_see(&t, 0x40, 1);
        ck_assert_uint_eq(mask_tracker_see(&t, 0, 2).cleared, 0x40);
        ck_assert_uint_eq(t.waiting, 0x40);
        mask_tracker_clear(&t, 6);
        ck_assert_uint_eq(t.waiting, 0);
}

TEST(reported_early_is_no_alarm_at_first)
{
        struct mask_tracker t = { 0 };

        mask_tracker_report_early(&t, 9, 100);
        ck_assert_uint_eq(mask_tracker_see(&t, 0, 101).cleared, 0);
        ck_assert_uint_eq(mask_tracker_see(&t, 0, 99 + MASK_EARLY_USEC).cleared, 0);
        ck_assert_uint_eq(mask_tracker_see(&t, 0, 100 + MASK_EARLY_USEC).cleared, 0x200);
}

TEST(once_seen_it_is_not_early_any_more)
{
        struct mask_tracker t = { 0 };

        mask_tracker_report_early(&t, 9, 100);
        struct mask_change c = mask_tracker_see(&t, 0x200, 101);
        ck_assert_uint_eq(c.appeared | c.cleared, 0);
        ck_assert_uint_eq(mask_tracker_see(&t, 0, 102).cleared, 0x200);
}

Suite *test_suite(void)
{
        return suite_of("tracker");
}
