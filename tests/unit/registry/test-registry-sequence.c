/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The counter never goes back: not over a stop or a crash, whatever took its numbers. */

#include <errno.h>

#include "suite.h"
#include "failing-disk.h"
#include "registry-world.h"

static void setup(void)
{
        world_init(&w);
        world_do(&w, "vmk - \\Run");
}

static void teardown(void)
{
        disk_failing_syncs = 0;
        world_done(&w);
}

/* Takes numbers, gives them back, and leaves nothing. */
static void fail_to_change(void)
{
        uint64_t last = registry_sequence(w.r);

        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(world_change(&w, "set - \\New\\Key V 1\nset no \\New V 1"), REGISTRY_NOT_FOUND);
        registry_abort(w.r);
        ck_assert_uint_eq(registry_sequence(w.r), last);
}

TEST(volatile_changes)
{
        static void (*const ends[])(struct world *) = { world_restart, world_crash };
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                world_do(&w, "vmk - \\Run\\Again\nset - \\Run V 1\nset - \\Run V 2");
                uint64_t last = world_sequence_of(&w, "\\Run", "V");
                ends[i](&w);
                ck_assert_uint_ge(registry_sequence(w.r), last);
                world_do(&w, "vmk - \\Run\nset - \\Run V 3");
                ck_assert_uint_gt(world_sequence_of(&w, "\\Run", "V"), last);
        }
}

TEST(failed_changes)
{
        fail_to_change();
        uint64_t last = registry_sequence(w.r);
        ck_assert_int_eq(registry_sync(w.r, &w.d), 0);
        world_crash(&w);
        ck_assert_uint_ge(registry_sequence(w.r), last);
        fail_to_change();
        world_restart(&w);
        ck_assert_uint_eq(registry_sequence(w.r), last);
}

TEST(a_clean_stop_skips_no_number)
{
        world_do(&w, "set - \\Run V 1");
        world_do(&w, "set - \\App V 1");
        world_do(&w, "set - \\Run V 2");
        uint64_t last = registry_sequence(w.r);
        world_restart(&w);
        ck_assert_uint_eq(registry_sequence(w.r), last);
        world_crash(&w);
        ck_assert_uint_eq(registry_sequence(w.r), last);
}

/* The number could not be kept, so the change was not made. */
TEST(the_disk_fails)
{
        struct registry_events events;
        uint64_t last = registry_sequence(w.r);

        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(world_change(&w, "vset - \\Run V 1"), 0);
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        registry_events_done(&events);
        disk_failing_syncs = 2;
        ck_assert_int_eq(registry_sync(w.r, &w.d), -EIO);
        ck_assert_uint_eq(disk_failing_syncs, 0);
        ck_assert_str_eq(world_get(&w, "\\Run", "V"), "NOT_FOUND");
        ck_assert_uint_eq(registry_sequence(w.r), last);
        fail_to_change();
        ck_assert_int_eq(registry_sync(w.r, &w.d), 0);
        world_crash(&w);
        ck_assert_uint_eq(registry_sequence(w.r), last);
}

Suite *test_suite(void)
{
        return suite_with("registry-sequence", setup, teardown);
}
