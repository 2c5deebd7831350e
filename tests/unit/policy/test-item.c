/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an item makes of the values that come: auditing off, refused ones, what their records say. */
#include <check.h>
#include <string.h>

#include "item-world.h"

static const struct actor alice = { .pid = 1, .uid = 1000, .loginuid = 1000, .session = 1, .comm = "a" };
static const struct actor bob = { .pid = 2, .uid = 1001, .loginuid = 1001, .session = 2, .comm = "b" };

static void check_change(
        size_t i, const char *old_text, const char *new_text, const struct actor *actor, const char *control)
{
        ck_assert_uint_lt(i, world.n_records);
        const struct item_record *r = &world.records[i];
        ck_assert_int_eq(r->kind, RECORD_POLICY_CHANGED);
        ck_assert_str_eq(r->old_text, old_text);
        ck_assert_str_eq(r->new_text, new_text);
        ck_assert_str_eq(r->control, control);
        ck_assert_str_eq(r->layer, "base");
        ck_assert(r->has_actor);
        ck_assert_mem_eq(&r->actor, actor, sizeof(*actor));
}

START_TEST(the_record_goes_first)
{
        world_input("disabled", &alice);
        check_change(0, "enabled", "disabled", &alice, "3");
        ck_assert_str_eq(world_control(), "3");
        ck_assert_uint_eq(world.n_changed, 0);
        ck_assert_uint_eq(world.n_settled, 0);
        world_record_is_out();
        ck_assert_str_eq(world_control(), "0");
        ck_assert_str_eq(world.item->accepted, "disabled");
        ck_assert_uint_eq(world.n_changed, 1);
        ck_assert_uint_eq(world.n_settled, 1);
        ck_assert_uint_eq(world.n_records, 1);
}
END_TEST

START_TEST(input_meanwhile_waits)
{
        world_input("disabled", &alice);
        world_input("success-only", &bob);
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert_str_eq(world_control(), "3");
        world_record_is_out();
        ck_assert_str_eq(world_control(), "1");
        ck_assert_uint_eq(world.n_records, 2);
        check_change(1, "disabled", "success-only", &bob, "1");
        ck_assert_uint_eq(world.n_settled, 2);
}
END_TEST

START_TEST(of_several_the_newest_counts)
{
        world_input("disabled", &alice);
        world_input("success-only", &alice);
        world_input("nonsense", &alice);
        world_input("failure-only", &bob);
        world_record_is_out();
        ck_assert_str_eq(world_control(), "2");
        ck_assert_uint_eq(world.n_records, 2);
        ck_assert_uint_eq(world.n_refused, 0);
        check_change(1, "disabled", "failure-only", &bob, "2");
}
END_TEST

START_TEST(a_refused_one_meanwhile_is_refused_then)
{
        world_input("disabled", &alice);
        world_input("nonsense", &bob);
        ck_assert_uint_eq(world.n_refused, 0);
        world_record_is_out();
        ck_assert_uint_eq(world.n_refused, 1);
        ck_assert_str_eq(world_control(), "0");
        ck_assert_str_eq(world.item->written, "nonsense");
        ck_assert_str_eq(world.records[1].old_text, "disabled");
        ck_assert_str_eq(world.records[1].new_text, "nonsense");
}
END_TEST

/* Its own record goes first as well. */
START_TEST(off_on_off)
{
        world_input("disabled", &alice);
        world_input("enabled", &alice);
        world_record_is_out();
        ck_assert_str_eq(world_control(), "3");
        world_input("disabled", &bob);
        world_input("disabled", &alice);
        ck_assert_str_eq(world_control(), "3");
        world_record_is_out();
        ck_assert_str_eq(world_control(), "0");
        ck_assert_uint_eq(world.n_records, 3);
        ck_assert_uint_eq(world.item->no_ops, 1);
}
END_TEST

START_TEST(an_end_in_between_leaves_nothing_behind)
{
        world_input("disabled", &alice);
        world_input("success-only", &bob);
        world_restart();
        ck_assert_str_eq(world.item->accepted, "enabled");
        ck_assert_str_eq(world_control(), "3");
}
END_TEST

START_TEST(refused_once_is_remembered_over_a_restart)
{
        world_input("nonsense", &alice);
        ck_assert_uint_eq(world.n_refused, 1);
        for (unsigned i = 0; i < 2; i++) {
                world_restart();
                world_resync("nonsense");
                ck_assert_uint_eq(world.n_refused, 1);
                ck_assert_uint_eq(world.n_records, 1);
                ck_assert_str_ne(world.item->refusal.text, "");
        }
        /* Another one is news, as is the same one when somebody writes it. */
        world_resync("rubbish");
        ck_assert_uint_eq(world.n_refused, 2);
        world_input("rubbish", &alice);
        ck_assert_uint_eq(world.n_refused, 3);
}
END_TEST

START_TEST(what_is_accepted_ends_the_memory)
{
        world_input("nonsense", &alice);
        world_input("success-only", &alice);
        world_restart();
        world_resync("nonsense");
        ck_assert_uint_eq(world.n_refused, 2);
        world_input("success-only", &alice); /* the same as in force */
        world_restart();
        world_resync("nonsense");
        ck_assert_uint_eq(world.n_refused, 3);
}
END_TEST

START_TEST(changes_tell_the_mask)
{
        world.tainted_known = true;
        world.tainted = 0x1200;
        world_input("disabled", &alice);
        world_record_is_out();
        world.tainted = UINT64_MAX;
        world_input("enabled", &alice);
        world.tainted = 0;
        world_input("success-only", &alice);
        world.tainted_known = false;
        world_input("failure-only", &alice);
        ck_assert_uint_eq(world.n_records, 4);
        ck_assert_str_eq(world.records[0].tainted, "0x1200");
        ck_assert_str_eq(world.records[1].tainted, "0xffffffffffffffff");
        ck_assert_str_eq(world.records[2].tainted, "0x0");
        ck_assert_str_eq(world.records[3].tainted, "");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("item");
        TCase *c = tcase_create("item");

        tcase_set_timeout(c, 30);
        tcase_add_checked_fixture(c, world_setup, world_teardown);
        tcase_add_test(c, the_record_goes_first);
        tcase_add_test(c, input_meanwhile_waits);
        tcase_add_test(c, of_several_the_newest_counts);
        tcase_add_test(c, a_refused_one_meanwhile_is_refused_then);
        tcase_add_test(c, off_on_off);
        tcase_add_test(c, an_end_in_between_leaves_nothing_behind);
        tcase_add_test(c, refused_once_is_remembered_over_a_restart);
        tcase_add_test(c, what_is_accepted_ends_the_memory);
        tcase_add_test(c, changes_tell_the_mask);
        suite_add_tcase(s, c);

        SRunner *sr = srunner_create(s);
        srunner_run_all(sr, CK_ENV);
        int failed = srunner_ntests_failed(sr);
        srunner_free(sr);
        return failed > 0;
}
