/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a setting makes of the values that come: auditing off, refused ones, what their records say. */
#include <check.h>
#include <string.h>

#include "../../../schema/layout.h"
#include "setting-world.h"
#include "suite.h"

static const struct actor alice = { .pid = 1, .uid = 1000, .loginuid = 1000, .session = 1, .comm = "a" };
static const struct actor bob = { .pid = 2, .uid = 1001, .loginuid = 1001, .session = 2, .comm = "b" };

static void check_change(
        size_t i, const char *old_text, const char *new_text, const struct actor *actor, const char *control)
{
        ck_assert_uint_lt(i, world.n_records);
        const struct told_record *r = &world.records[i];
        ck_assert_int_eq(r->kind, RECORD_POLICY_CHANGED);
        ck_assert_str_eq(r->old_text, old_text);
        ck_assert_str_eq(r->new_text, new_text);
        ck_assert_str_eq(r->control, control);
        ck_assert_str_eq(r->layer, "base");
        ck_assert(r->has_actor);
        ck_assert_mem_eq(&r->actor, actor, sizeof(*actor));
}

TEST(the_record_goes_first)
{
        world_input("disabled", &alice);
        check_change(0, "enabled", "disabled", &alice, "3");
        ck_assert_str_eq(world_control(), "3");
        ck_assert_uint_eq(world.n_changed, 0);
        ck_assert_uint_eq(world.n_settled, 0);
        world_record_is_out();
        ck_assert_str_eq(world_control(), "0");
        ck_assert_str_eq(world.setting->accepted, "disabled");
        ck_assert_uint_eq(world.n_changed, 1);
        ck_assert_uint_eq(world.n_settled, 1);
        ck_assert_uint_eq(world.n_records, 1);
}

/* Serial and signer are what the record says, and of what is in force now: also where a newer policy says
 * the same, which is no change. */
TEST(a_policy_of_the_fleet_is_named)
{
        const struct value value = { .type = REG_SZ, .size = strlen("disabled"), .data = "disabled" };
        _cleanup_buf_ struct buf why = BUF_INIT;
        struct setting_input in = { .value = &value,
                .layer = "fleet-web",
                .reason = "hive-edited",
                .seal = seal_of(7, "187d88b7353d4092") };

        ck_assert_int_eq(setting_input(world.setting, &in), 0);
        world_record_is_out();
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert(seal_equal(&world.records[0].seal, &in.seal));
        ck_assert(seal_equal(&world.setting->seal, &in.seal));
        in.seal = seal_of(8, "00000000000000ff");
        ck_assert_int_eq(setting_input(world.setting, &in), 0);
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert_int_eq(setting_explain(world.setting, &why), 0);
        ck_assert_ptr_nonnull(strstr(buf_str(&why),
                "disabled is in force, from layer fleet-web (serial 8, signed by 00000000000000ff)"));
        world_input("enabled", &alice);
        ck_assert(seal_equal(&world.setting->seal, &(struct seal){ 0 }));
        ck_assert(seal_equal(&world.records[1].seal, &(struct seal){ 0 }));
}

TEST(input_meanwhile_waits)
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

TEST(of_several_the_newest_counts)
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

TEST(a_refused_one_meanwhile_is_refused_then)
{
        world_input("disabled", &alice);
        world_input("nonsense", &bob);
        ck_assert_uint_eq(world.n_refused, 0);
        world_record_is_out();
        ck_assert_uint_eq(world.n_refused, 1);
        ck_assert_str_eq(world_control(), "0");
        ck_assert_str_eq(world.setting->written, "nonsense");
        ck_assert_str_eq(world.records[1].old_text, "disabled");
        ck_assert_str_eq(world.records[1].new_text, "nonsense");
}

/* Its own record goes first as well. */
TEST(off_on_off)
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
        ck_assert_uint_eq(world.setting->no_ops, 1);
}

TEST(an_end_in_between_leaves_nothing_behind)
{
        world_input("disabled", &alice);
        world_input("success-only", &bob);
        world_restart();
        ck_assert_str_eq(world.setting->accepted, "enabled");
        ck_assert_str_eq(world_control(), "3");
}

TEST(refused_once_is_remembered_over_a_restart)
{
        world_input("nonsense", &alice);
        ck_assert_uint_eq(world.n_refused, 1);
        for (unsigned i = 0; i < 2; i++) {
                world_restart();
                world_resync("nonsense");
                ck_assert_uint_eq(world.n_refused, 1);
                ck_assert_uint_eq(world.n_records, 1);
                ck_assert_str_ne(world.setting->refusal.text, "");
        }
        /* Another one is news, as is the same one when somebody writes it. */
        world_resync("rubbish");
        ck_assert_uint_eq(world.n_refused, 2);
        world_input("rubbish", &alice);
        ck_assert_uint_eq(world.n_refused, 3);
}

TEST(what_is_accepted_ends_the_memory)
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

TEST(changes_tell_the_mask)
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

static void check_kinds(size_t n, const enum record_kind *kinds)
{
        ck_assert_uint_eq(world.n_records, n);
        for (size_t i = 0; i < n; i++)
                ck_assert_int_eq(world.records[i].kind, kinds[i]);
}

/* Who sees first that the control came or went: a look, Apply, or a set. */
static void see(const char *how)
{
        static const char *const texts[] = { "success-only", "failure-only" };
        static unsigned n;

        if (strcmp(how, "set") == 0)
                world_input(texts[n++ % 2], &alice);
        else if (strcmp(how, "apply") == 0)
                setting_apply(world.setting);
        setting_check(world.setting);
        setting_check(world.setting);
}

static const struct {
        const char *went, *came;
        size_t n;
        enum record_kind kinds[4];
} comings[] = {
        { "look", "look", 2, { RECORD_CONTROL_VANISHED, RECORD_CONTROL_APPEARED } },
        { "look", "apply", 2, { RECORD_CONTROL_VANISHED, RECORD_CONTROL_APPEARED } },
        { "apply", "look", 2, { RECORD_CONTROL_VANISHED, RECORD_CONTROL_APPEARED } },
        { "apply", "apply", 2, { RECORD_CONTROL_VANISHED, RECORD_CONTROL_APPEARED } },
        { "set", "look", 3, { RECORD_CONTROL_VANISHED, RECORD_POLICY_CHANGED, RECORD_CONTROL_APPEARED } },
        { "look", "set", 3, { RECORD_CONTROL_VANISHED, RECORD_CONTROL_APPEARED, RECORD_POLICY_CHANGED } },
        { "set", "set", 4,
                { RECORD_CONTROL_VANISHED, RECORD_POLICY_CHANGED, RECORD_CONTROL_APPEARED,
                        RECORD_POLICY_CHANGED } },
};

TEST_EACH(coming_and_going_is_told_once, ARRAY_SIZE(comings))
{
        scratch_remove(&world.root, CONTROL);
        see(comings[_i].went);
        ck_assert_str_eq(world.records[0].detail, "");
        ck_assert_str_eq(world.setting->last_error, "the control kernel.audit_taint_events went away");
        ck_assert(!world.setting->live);
        scratch_puts(&world.root, CONTROL, "0\n");
        see(comings[_i].came);
        check_kinds(comings[_i].n, comings[_i].kinds);
        ck_assert(world.records[comings[_i].n - 1].success);
        ck_assert(world.setting->live);
        ck_assert_str_eq(world.setting->last_error, "");
}

/* Of another entry something was accepted, of this one nothing ever. */
static void with_a_new_entry(void)
{
        const char key[] = DEFAULT_HIVE "\\System\\Process";
        _cleanup_path_ struct path path = { 0 };
        struct diag d = { 0 };

        ck_assert_int_eq(path_parse(key, strlen(key), NULL, NULL, &path, &d), 0);
        ck_assert_int_eq(accepted_set(&world.settings.accepted, world.setting->sv, NULL), 0);
        ck_assert_int_eq(
                accepted_set(&world.settings.accepted, schema_find(world.schema, &path, "PidMax"), "500000"),
                0);
        ck_assert_int_eq(
                accepted_store(world.root.root, LAYOUT_ACCEPTED_NAME, &world.settings.accepted, &d), 0);
        world_restart();
}

TEST(a_new_entry_of_which_no_word_comes)
{
        world_poke("0");
        with_a_new_entry();
        ck_assert_str_eq(world_control(), "0");
        settings_end_start(&world.settings);
        ck_assert_str_eq(world_control(), "3");
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert_str_eq(world.records[0].old_text, "unset");
        ck_assert_str_eq(world.records[0].new_text, "enabled");
}

TEST(a_new_entry_falls_back_to_its_default)
{
        with_a_new_entry();
        ck_assert_ptr_null(world.setting->accepted);
        world_resync("nonsense");
        ck_assert_uint_eq(world.n_refused, 1);
        ck_assert_str_eq(world.setting->accepted, "enabled");
        ck_assert(world.setting->live);
        const enum record_kind kinds[] = { RECORD_POLICY_REFUSED, RECORD_POLICY_CHANGED };
        check_kinds(ARRAY_SIZE(kinds), kinds);
        ck_assert_str_eq(world.records[1].old_text, "unset");
        ck_assert_str_eq(world.records[1].new_text, "enabled");
        ck_assert(!world.records[1].has_actor);
        /* It is kept. */
        world_restart();
        ck_assert_str_eq(world.setting->accepted, "enabled");
        world_input("rubbish", &alice);
        ck_assert_uint_eq(world.n_records, 3);
}

static void forget_all(const char *control)
{
        scratch_remove(&world.root, LAYOUT_ACCEPTED_DIR "/" LAYOUT_ACCEPTED_NAME);
        world_poke(control);
        world_restart();
        ck_assert_ptr_null(world.setting->accepted);
        ck_assert_str_eq(world_control(), control);
}

static void is_in_force(const char *text, const char *control)
{
        ck_assert_str_eq(setting_or_empty(world.setting), text);
        ck_assert_str_eq(world_control(), control);
}

/* Where nothing was accepted the control is left alone until the registry is heard; that is no change. */
TEST(the_first_word_counts)
{
        forget_all("0");
        setting_check(world.setting);
        setting_apply(world.setting);
        is_in_force("", "0");
        world_resync("success-only");
        is_in_force("success-only", "1");
        ck_assert_uint_eq(world.n_records, 0);
        ck_assert_uint_eq(world.n_changed, 0);
        world_resync("failure-only");
        is_in_force("failure-only", "2");
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert_str_eq(world.records[0].old_text, "success-only");
}

TEST(no_word_is_the_default)
{
        forget_all("0");
        settings_end_start(&world.settings);
        is_in_force("enabled", "3");
        ck_assert_uint_eq(world.n_records, 0);
        /* Later it is a change. */
        world_resync("success-only");
        ck_assert_uint_eq(world.n_records, 1);
        world_restart();
        settings_end_start(&world.settings);
        is_in_force("success-only", "1");
        ck_assert_uint_eq(world.n_records, 1);
}

/* Somebody who writes in between makes a change. */
TEST(the_first_word_is_a_write)
{
        forget_all("0");
        world_input("success-only", &alice);
        is_in_force("success-only", "1");
        check_change(0, "unset", "success-only", &alice, "1");
}

TEST(off_from_the_beginning)
{
        forget_all("0");
        world_resync("disabled");
        is_in_force("disabled", "0");
        ck_assert_uint_eq(world.n_records, 0);
        forget_all("1");
        world_resync("disabled");
        is_in_force("", "1");
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert_str_eq(world.records[0].old_text, "unset");
        ck_assert_str_eq(world.records[0].new_text, "disabled");
        world_record_is_out();
        is_in_force("disabled", "0");
}

TEST(refused_from_the_beginning)
{
        forget_all("0");
        world_resync("nonsense");
        is_in_force("enabled", "3");
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert_int_eq(world.records[0].kind, RECORD_POLICY_REFUSED);
        ck_assert_str_eq(world.records[0].old_text, "enabled");
}

Suite *test_suite(void)
{
        return suite_with("setting", world_setup, world_teardown);
}
