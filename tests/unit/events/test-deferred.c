/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work that waits for an idle loop, and does not wait for ever. */
#include "../../../schema/events/loop.h"
#include "suite.h"

#define MOST_USEC UINT64_C(2000)
#define NEVER_USEC UINT64_C(3600000000)
#define BUSY_TURNS 1000u

static sd_event *event;
static sd_event_source *busy;
static unsigned turns, busy_turns;
static char order[8];

static int on_busy(_unused_ sd_event_source *source, _unused_ void *userdata)
{
        busy_turns++;
        return 0;
}

static void on_turn(void *userdata)
{
        order[turns++] = *(const char *)userdata;
}

static void setup(void)
{
        turns = busy_turns = 0;
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_ge(sd_event_add_defer(event, &busy, on_busy, NULL), 0);
        ck_assert_int_ge(sd_event_source_set_enabled(busy, SD_EVENT_OFF), 0);
}

static void teardown(void)
{
        sd_event_source_disable_unref(busy);
        sd_event_unref(event);
}

static struct loop_deferred *new_deferred(int64_t priority, uint64_t most_usec, const char *name)
{
        struct loop_deferred *d = NULL;
        ck_assert_int_eq(loop_deferred_new(event, priority, most_usec, on_turn, (void *)name, &d), 0);
        return d;
}

static void run(void)
{
        ck_assert_int_ge(sd_event_run(event, 0), 0);
}

TEST(one_after_the_other)
{
        struct loop_deferred *later = new_deferred(SD_EVENT_PRIORITY_IDLE + 1, NEVER_USEC, "b"),
                             *first = new_deferred(SD_EVENT_PRIORITY_IDLE, NEVER_USEC, "a");

        run();
        ck_assert_uint_eq(turns, 0);
        ck_assert_int_eq(loop_deferred_start(later), 0);
        ck_assert_int_eq(loop_deferred_start(first), 0);
        ck_assert_int_eq(loop_deferred_start(first), 0);
        for (unsigned i = 0; i < 5; i++)
                run();
        ck_assert_uint_eq(turns, 2);
        ck_assert(order[0] == 'a' && order[1] == 'b');
        ck_assert_int_eq(loop_deferred_start(first), 0);
        run();
        ck_assert_uint_eq(turns, 3);
        (void)loop_deferred_free(later);
        (void)loop_deferred_free(first);
}

TEST(beside_a_busy_source)
{
        struct loop_deferred *waits = new_deferred(SD_EVENT_PRIORITY_IDLE, NEVER_USEC, "w"),
                             *d = new_deferred(SD_EVENT_PRIORITY_IDLE, MOST_USEC, "d");

        ck_assert_int_ge(sd_event_source_set_enabled(busy, SD_EVENT_ON), 0);
        ck_assert_int_eq(loop_deferred_start(waits), 0);
        for (unsigned i = 0; i < BUSY_TURNS; i++)
                run();
        ck_assert_uint_eq(turns, 0);
        for (unsigned n = 1; n < 4; n++) {
                ck_assert_int_eq(loop_deferred_start(d), 0);
                while (turns < n)
                        run();
                ck_assert_int_eq(order[n - 1], 'd');
        }
        (void)loop_deferred_free(waits);
        (void)loop_deferred_free(d);
}

Suite *test_suite(void)
{
        return suite_with("deferred", setup, teardown);
}
