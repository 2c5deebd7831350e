/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The counter never goes back: not over a stop or a crash, whatever took its numbers. */

#include <errno.h>
#include <string.h>

#include "../base/test-util.h"
#include "failing-disk.h"
#include "registry-util.h"

#define MANY 3000u

static struct world w;

static void setup(void)
{
        world_init(&w);
        world_do(&w, "vmk - \\Run");
}

static void teardown(void)
{
        disk_fails = false;
        world_done(&w);
}

/* Takes numbers, and leaves nothing. */
static void fail_to_change(void)
{
        ck_assert_int_eq(registry_begin(w.r), 0);
        ck_assert_int_eq(world_change(&w, "set - \\New\\Key V 1\nset no \\New V 1"), -ENOENT);
        registry_abort(w.r);
}

START_TEST(volatile_changes)
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
END_TEST

START_TEST(failed_changes)
{
        fail_to_change();
        uint64_t last = registry_sequence(w.r);
        ck_assert_int_eq(registry_sync(w.r, &w.d), 0);
        world_crash(&w);
        ck_assert_uint_ge(registry_sequence(w.r), last);
        fail_to_change();
        last = registry_sequence(w.r);
        world_restart(&w);
        ck_assert_uint_eq(registry_sequence(w.r), last);
}
END_TEST

START_TEST(a_clean_stop_skips_no_number)
{
        world_do(&w, "set - \\Run V 1");
        world_do(&w, "set - \\App V 1");
        world_do(&w, "set - \\Run V 2");
        uint64_t last = registry_sequence(w.r);
        world_restart(&w);
        ck_assert_uint_eq(registry_sequence(w.r), last);
        w.read_only = true;
        world_restart(&w);
        ck_assert_uint_eq(registry_sequence(w.r), last);
}
END_TEST

START_TEST(volatile_changes_are_cheap)
{
        world_do(&w, "set - \\Run V 1");
        disk_syncs = 0;
        for (unsigned i = 0; i < MANY; i++)
                world_do(&w, i % 2 ? "set - \\Run V 1" : "set - \\Run V 2");
        ck_assert_uint_le(disk_syncs, 3);
        uint64_t last = registry_sequence(w.r);
        world_crash(&w);
        ck_assert_uint_ge(registry_sequence(w.r), last);
}
END_TEST

/* The number could not be kept, so the change was not made. */
START_TEST(the_disk_fails)
{
        world_restart(&w);
        world_do(&w, "vmk - \\Run\nset - \\App V 1");
        world_restart(&w);
        struct registry_events events;
        ck_assert_int_eq(registry_begin(w.r), 0);
        ck_assert_int_eq(world_change(&w, "vset - \\Run V 1"), 0);
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        registry_events_done(&events);
        disk_fails = true;
        ck_assert_int_eq(registry_sync(w.r, &w.d), -EIO);
        ck_assert_str_eq(world_get(&w, "\\Run", "V"), "ENOENT");
        /* Nobody's change is in it. */
        fail_to_change();
        ck_assert_int_eq(registry_sync(w.r, &w.d), 0);
        uint64_t last = registry_sequence(w.r);
        disk_fails = false;
        ck_assert_int_eq(registry_sync(w.r, &w.d), 0);
        world_crash(&w);
        ck_assert_uint_ge(registry_sequence(w.r), last);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { volatile_changes, failed_changes, a_clean_stop_skips_no_number,
                volatile_changes_are_cheap, the_disk_fails };
        return run_tests_with("registry-sequence", tests, ARRAY_SIZE(tests), setup, teardown);
}
