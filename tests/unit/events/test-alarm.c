/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An alarm runs once, for the clock that comes first. That the wall clock was set is seen in virtual
 * machines alone. */
#include "../../../schema/base/clock.h"
#include "../../../schema/events/loop.h"
#include "suite.h"

#define HOUR UINT64_C(3600000000)

static sd_event *event;
static unsigned rung;

static void on_alarm(void *userdata)
{
        ck_assert_ptr_eq(userdata, &rung);
        rung++;
        (void)sd_event_exit(event, 0);
}

/* Of an hour from now, and a moment ago or soon. */
static void expect_one(uint64_t wall, uint64_t boottime)
{
        struct loop_alarm *a = NULL;

        rung = 0;
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(loop_alarm_new(event, on_alarm, &rung, &a), 0);
        ck_assert_int_eq(loop_alarm_set(a, UINT64_MAX, UINT64_MAX), 0);
        ck_assert_int_ge(sd_event_run(event, 0), 0);
        ck_assert_uint_eq(rung, 0);
        ck_assert_int_eq(loop_alarm_set(a, wall, boottime), 0);
        ck_assert_int_ge(sd_event_loop(event), 0);
        ck_assert_uint_eq(rung, 1);
        a = loop_alarm_free(a);
        event = sd_event_unref(event);
}

TEST(first_of_both)
{
        expect_one(clock_of(CLOCK_REALTIME) + HOUR, clock_of(CLOCK_BOOTTIME) + 20000);
        expect_one(clock_of(CLOCK_REALTIME) + 20000, clock_of(CLOCK_BOOTTIME) + HOUR);
        expect_one(0, UINT64_MAX);
        expect_one(UINT64_MAX, 0);
}

Suite *test_suite(void)
{
        return suite_of("alarm");
}
