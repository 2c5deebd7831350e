/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What takes effect with a restart of the service or with a reboot: accepted, kept and shown, but what is in
 * force stays so until then, and the control is kept at that. */
#include <check.h>
#include <string.h>

#include "setting-world.h"
#include "suite.h"

#define KEY DEFAULT_HIVE "\\T"
#define BOOT "/proc/sys/kernel/test_boot"
#define AGAIN "/proc/sys/kernel/test_again"

#define ENTRY(name, apply, control)                                                                         \
        "    " name ":\n      type: REG_DWORD\n      range: [0, 99]\n      apply: " apply                   \
        "\n      description: d\n      control: {name: kernel." control                                     \
        ", encoding: number, drift: reapply}\n"

static const char schema[] = "peios-schema: 1\nkeys:\n  \\T:\n" ENTRY("Boot", "reboot", "test_boot")
        ENTRY("Again", "restart", "test_again");

static const struct actor alice = { .pid = 1, .uid = 1000 };

static void setup(void)
{
        world_setup_with(schema);
        scratch_puts(&world.root, BOOT, "1\n");
        scratch_puts(&world.root, AGAIN, "1\n");
        world_restart();
}

static struct setting *find(const char *name)
{
        for (size_t i = 0; i < world.settings.n; i++)
                if (strcmp(world.settings.list[i]->sv->name, name) == 0)
                        return world.settings.list[i];
        ck_abort_msg("no %s", name);
        return NULL;
}

static void tell(const char *name, uint32_t number)
{
        ck_assert_int_eq(world_tell_number(KEY, name, number, &alice), 0);
}

static void forget(const char *name)
{
        ck_assert_int_eq(world_tell(KEY, name, NULL, &alice), 0);
}

/* The n-th record. */
static void recorded(
        size_t n, enum record_kind kind, const char *old_text, const char *new_text, const char *reason)
{
        ck_assert_uint_eq(world.n_records, n);
        const struct told_record *r = &world.records[n - 1];
        ck_assert_int_eq(r->kind, kind);
        ck_assert_str_eq(r->old_text, old_text);
        ck_assert_str_eq(r->new_text, new_text);
        ck_assert_str_eq(r->reason, reason);
        ck_assert(r->success);
}

/* What is in force, what waits, and what the control holds. */
static void is(const char *name, const char *accepted, const char *pending, const char *control)
{
        const struct setting *s = find(name);

        ck_assert_str_eq(setting_or_empty(s), accepted);
        ck_assert_str_eq(setting_pending(s), pending);
        ck_assert_str_eq(world_control_at(strcmp(name, "Boot") == 0 ? BOOT : AGAIN), control);
}

TEST(until_the_reboot)
{
        tell("Boot", 5);
        is("Boot", "", "5", "1");
        recorded(1, RECORD_POLICY_PENDING, "unset", "5", "");
        ck_assert(world.records[0].has_actor);
        ck_assert_uint_eq(world.n_changed, 0);
        tell("Boot", 5);
        ck_assert_uint_eq(find("Boot")->no_ops, 1);
        ck_assert_uint_eq(world.n_records, 1);
        /* A restart is none. */
        for (unsigned i = 0; i < 2; i++) {
                world_restart();
                is("Boot", "", "5", "1");
                ck_assert_int_eq(world_tell_number(KEY, "Boot", 5, NULL), 0);
                is("Boot", "", "5", "1");
                ck_assert_uint_eq(world.n_records, 1);
        }
        tell("Boot", 6);
        recorded(2, RECORD_POLICY_PENDING, "unset", "6", "");
        world_reboot();
        world_restart();
        is("Boot", "6", "", "6");
        recorded(3, RECORD_POLICY_CHANGED, "unset", "6", "reboot");
        ck_assert_int_eq(world_tell_number(KEY, "Boot", 6, NULL), 0);
        /* It was so in this boot: no other start is one. */
        tell("Boot", 7);
        world_restart();
        is("Boot", "6", "7", "6");
        ck_assert_uint_eq(world.n_records, 4);
}

TEST(until_the_restart)
{
        tell("Again", 5);
        is("Again", "", "5", "1");
        world_restart();
        is("Again", "5", "", "5");
        recorded(2, RECORD_POLICY_CHANGED, "unset", "5", "restart");
        tell("Again", 6);
        is("Again", "5", "6", "5");
        world_reboot();
        world_restart();
        is("Again", "6", "", "6");
}

/* With 6 in force. */
static void begin_with_six(void)
{
        tell("Boot", 6);
        world_reboot();
        world_restart();
        is("Boot", "6", "", "6");
        world.n_records = 0;
}

TEST(drift_meanwhile)
{
        begin_with_six();
        tell("Boot", 7);
        world_poke_at(BOOT, "9\n");
        setting_check(find("Boot"));
        is("Boot", "6", "7", "6");
        recorded(2, RECORD_CONTROL_DRIFT, "6", "9", "put-back");
        /* The pending one is a foreign one too. */
        world_poke_at(BOOT, "7\n");
        setting_check(find("Boot"));
        is("Boot", "6", "7", "6");
        recorded(3, RECORD_CONTROL_DRIFT, "6", "7", "put-back");
        setting_apply(find("Boot"));
        is("Boot", "6", "7", "6");
}

TEST(withdrawn)
{
        begin_with_six();
        tell("Boot", 7);
        tell("Boot", 6);
        is("Boot", "6", "", "6");
        recorded(2, RECORD_POLICY_PENDING, "6", "6", "");
        ck_assert_uint_eq(find("Boot")->no_ops, 0);
        world_reboot();
        world_restart();
        is("Boot", "6", "", "6");
        ck_assert_uint_eq(world.n_records, 2);
}

TEST(deleted)
{
        begin_with_six();
        forget("Boot");
        is("Boot", "6", "unset", "6");
        recorded(1, RECORD_POLICY_PENDING, "6", "unset", "");
        world_restart();
        is("Boot", "6", "unset", "6");
        world_reboot();
        world_poke_at(BOOT, "1\n");
        world_restart();
        is("Boot", "", "", "1");
        recorded(2, RECORD_POLICY_CHANGED, "6", "unset", "reboot");
}

TEST(refused)
{
        begin_with_six();
        tell("Boot", 7);
        tell("Boot", 100);
        is("Boot", "6", "7", "6");
        ck_assert_uint_eq(world.n_refused, 1);
        world_reboot();
        world_restart();
        is("Boot", "7", "", "7");
}

/* Written while the service was away: that was before it started, and so in force with the start. */
TEST(changed_while_away)
{
        static const char *const names[] = { "Again", "Boot" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                tell(names[i], 6);
                world_reboot();
                world_restart();
                is(names[i], "6", "", "6");
                settings_end_start(&world.settings);
                world_reboot();
                world_restart();
                world.n_records = 0;
                ck_assert_int_eq(world_tell_number(KEY, names[i], 7, NULL), 0);
                is(names[i], "7", "", "7");
                recorded(1, RECORD_POLICY_CHANGED, "6", "7", "changed-while-away");
                ck_assert_int_eq(world_tell_number(KEY, names[i], 8, NULL), 0);
                is(names[i], "7", "8", "7");
                world_reboot();
                world_restart();
                is(names[i], "8", "", "8");
        }
}

/* What comes later than the start, or in the same boot, waits. */
TEST(changed_too_late)
{
        begin_with_six();
        world_restart();
        ck_assert_int_eq(world_tell_number(KEY, "Boot", 7, NULL), 0);
        is("Boot", "6", "7", "6");
        world_reboot();
        world_restart();
        is("Boot", "7", "", "7");
        settings_end_start(&world.settings);
        ck_assert_int_eq(world_tell_number(KEY, "Boot", 8, NULL), 0);
        is("Boot", "7", "8", "7");
        world_reboot();
        world_restart();
        tell("Boot", 9);
        is("Boot", "8", "9", "8");
}

/* The first start in a boot whose apply has written it already. */
TEST(what_came_with_the_boot)
{
        tell("Boot", 1);
        is("Boot", "1", "", "1");
        recorded(1, RECORD_POLICY_CHANGED, "unset", "1", "");
}

TEST(explained)
{
        static const struct {
                uint32_t number;
                const char *text;
        } rows[] = {
                { 6, "6 is in force, from layer base; kernel.test_boot holds 6." },
                { 7, "7 is accepted, from layer base; 6 stays in force until the next reboot, then 7 is; "
                     "kernel.test_boot holds 6." },
                { 100, "What is written (100, layer base) is refused: 100 is not allowed, expected a number from 0 to "
                       "99; 6 stays in force until the next reboot, then 7 is; kernel.test_boot holds 6." },
        };
        _cleanup_buf_ struct buf gone = BUF_INIT, preview = BUF_INIT;
        const uint32_t eight = 8;
        const struct value value = { .type = REG_DWORD, .size = 4, .data = &eight };

        begin_with_six();
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                tell("Boot", rows[i].number);
                ck_assert_int_eq(setting_explain(find("Boot"), &text), 0);
                ck_assert_str_eq(buf_str(&text), rows[i].text);
        }
        ck_assert_int_eq(setting_preview(find("Boot"), &value, "base", &alice, &preview), 0);
        ck_assert_ptr_nonnull(
                strstr(buf_str(&preview), "8 would be accepted; 6 stays in force until the next reboot\n"));
        ck_assert_ptr_nonnull(strstr(buf_str(&preview), "op=pending-policy "));
        forget("Boot");
        ck_assert_int_eq(setting_explain(find("Boot"), &gone), 0);
        ck_assert_str_eq(buf_str(&gone),
                "Nothing is written; 6 stays in force until the next reboot, then nothing is; "
                "kernel.test_boot holds 6.");
}

/* What is said of a write beforehand is what it does then. */
TEST(previews)
{
        static const struct {
                uint32_t number;
                const char *text;
                bool recorded;
        } rows[] = {
                { 7, "7 would be accepted; 6 stays in force until the next reboot\naudit record: ", true },
                { 7, "7 waits for the next reboot already: no write, no record\n", false },
                { 6, "6 would stay in force, and 7 would no longer wait for the next reboot\naudit record: ",
                        true },
                { 6, "6 is in force already: no write, no record\n", false },
        };

        begin_with_six();
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct value value = { .type = REG_DWORD, .size = 4, .data = &rows[i].number };
                _cleanup_buf_ struct buf text = BUF_INIT;
                size_t before = world.n_records;
                ck_assert_int_eq(setting_preview(find("Boot"), &value, "base", &alice, &text), 0);
                ck_assert_msg(strncmp(buf_str(&text), rows[i].text, strlen(rows[i].text)) == 0, "%s",
                        buf_str(&text));
                ck_assert((strstr(buf_str(&text), "op=pending-policy ") != NULL) == rows[i].recorded);
                tell("Boot", rows[i].number);
                ck_assert_uint_eq(world.n_records, before + rows[i].recorded);
        }
}

Suite *test_suite(void)
{
        return suite_with("pending-setting", setup, world_teardown);
}
