/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions, several in one sync, and syncs that fail. */

#include <errno.h>

#include "suite.h"
#include "failing-disk.h"
#include "registry-world.h"

static void setup(void)
{
        world_init(&w);
        world_do(&w, "set - \\System\\Registry\\Layers\\high Precedence 5");
        world_do(&w, "set - \\App V 1\nset high \\App W 1\nset - \\App\\In X 1");
}

static void teardown(void)
{
        disk_failing_syncs = 0;
        world_done(&w);
}

static void start(const char *script)
{
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        int r = world_change(&w, script);
        ck_assert_msg(r == 0, "%s", w.d.text);
}

static void finish(void)
{
        struct registry_events events;
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        registry_events_done(&events);
}

static const char *const changes[] = {
        "set - \\App V 2",
        "set - \\New\\Key V 2",
        "del - \\App V\nset - \\App V 2\ndel - \\App V",
        "rmr - \\App",
        "rmr - \\App\nset - \\App\\In X 1",
        "rmr high \\App",
        "set - \\System\\Registry\\Layers\\high Precedence 9",
        "set - \\System\\Registry\\Layers\\high Enabled 0",
        "set - \\System\\Registry\\Layers\\low Precedence 1\nset - \\App V 7",
        "rm - \\System\\Registry\\Layers\\high",
        "rmr - \\System",
        "vset - \\Tmp\\Key V 1",
};

/* Who follows by number must not take a deletion for what is known already; over a crash, too. */
TEST(each_change_has_a_higher_number)
{
        static const char *const scripts[] = { "set - \\App V 2", "del - \\App V", "set - \\App V 2",
                "rmr - \\App", "rmr high \\App", "vset - \\Tmp\\Key V 1", "del - \\Tmp\\Key V" };
        uint64_t last = registry_sequence(w.r);

        for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
                struct registry_events events;
                start(scripts[i]);
                ck_assert_int_eq(registry_end(w.r, &events), 0);
                ck_assert_msg(events.sequence > last, "%s: %ju", scripts[i], (uintmax_t)events.sequence);
                last = events.sequence;
                registry_events_done(&events);
                ck_assert_uint_eq(registry_sequence(w.r), last);
        }
        world_do(&w, "set - \\App V 3");
        world_do(&w, "del - \\App V");
        last = registry_sequence(w.r);
        world_crash(&w);
        ck_assert_uint_ge(registry_sequence(w.r), last);
}

static const struct {
        const char *script, *value;
} ways[] = {
        { "set - \\New V 1\nset - \\New W 2", "2@base" },
        { "set - \\New V 1\nrmr - \\New\nset - \\New W 2", "2@base" },
        { "set - \\New V 1\nset high \\New W 2", "2@high" },
        { "set - \\New V 1\nset - \\Other V 1\nset - \\New W 2", "2@base" },
        { "set - \\New V 1\ndel - \\New V\nset - \\New W 2", "2@base" },
        { "set - \\New\\A V 1\nrmr - \\New\nset - \\New W 2", "2@base" },
};

/* A set behind others finds its key, whatever came between. */
TEST(one_key_again)
{
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                world_do(&w, ways[i].script);
                ck_assert_str_eq(world_get(&w, "\\New", "W"), ways[i].value);
                world_check(&w);
                world_restart(&w);
                ck_assert_str_eq(world_get(&w, "\\New", "W"), ways[i].value);
                teardown();
                setup();
        }
}

/* The key that a change made goes with it, where that fails. */
TEST(one_key_again_after_a_failure)
{
        const struct value v = { .type = REG_DWORD, .data = "2", .size = 1 };
        _cleanup_path_ struct path path = { 0 };
        uint64_t sequence;

        ck_assert_int_eq(registry_path(w.r, "\\New", &path, NULL), 0);
        struct registry_write write = {
                .path = &path, .name = "W", .value = &v, .ret_sequence = &sequence, .expected = { true, 7 }
        };
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(registry_change(w.r, CHANGE_SET, &write, NULL), REGISTRY_CONFLICT);
        write.expected.given = false;
        ck_assert_int_eq(registry_change(w.r, CHANGE_SET, &write, NULL), 0);
        finish();
        world_check(&w);
        ck_assert_uint_eq(world_sequence_of(&w, "\\New", "W"), sequence);
}

TEST(abort_undoes)
{
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                struct dump before = world_dump(&w, false);
                start(changes[i]);
                registry_abort(w.r);
                struct dump after = world_dump(&w, false);
                dump_assert_equal(&before, &after, changes[i]);
                ck_assert(!registry_pending(w.r));
                dump_done(&before);
                dump_done(&after);
        }
}

TEST(preview_tells_and_undoes)
{
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                struct dump before = world_dump(&w, false);
                uint64_t sequence = registry_sequence(w.r);
                _cleanup_free_ char *preview = world_preview(&w, changes[i]);
                struct dump after = world_dump(&w, false);
                dump_assert_equal(&before, &after, changes[i]);
                ck_assert_uint_eq(registry_sequence(w.r), sequence);
                _cleanup_free_ char *events = world_run(&w, changes[i]);
                ck_assert_str_eq(events, preview);
                ck_assert_uint_ge(registry_sequence(w.r), sequence);
                dump_done(&before);
                dump_done(&after);
                teardown();
                setup();
        }
}

TEST(an_error_undoes_the_transaction)
{
        struct dump before = world_dump(&w, false);
        world_expect(&w, "set - \\App V 5\nset - \\New V 1\nset no \\App V 1",
                "NOT_FOUND there is no layer 'no'; make it by setting \\System\\Registry\\Layers\\no, value Precedence");
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after an error");
        dump_done(&before);
        dump_done(&after);
}

/* What failed has left something of itself there: nothing of the transaction may stay. */
TEST(none_goes_on_after_a_failure_that_ends_it)
{
        struct registry_events events;
        struct dump before = world_dump(&w, false);

        start("set - \\App V 5");
        registry_end_with_failure(w.r);
        ck_assert_int_eq(world_change(&w, "rm - \\App"), REGISTRY_NOT_EMPTY);
        ck_assert_int_eq(world_change(&w, "set - \\App V 6"), -ECANCELED);
        ck_assert_int_eq(registry_end(w.r, &events), -ECANCELED);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a failure");
        dump_done(&before);
        dump_done(&after);
        world_do(&w, "set - \\App V 7");
}

/* Numbers that nobody was told are given again; others never are. */
TEST(what_is_undone_gives_numbers_back)
{
        uint64_t told = registry_sequence(w.r);

        start("set - \\App V 2");
        registry_abort(w.r);
        ck_assert_uint_eq(registry_sequence(w.r), told);
        disk_failing_syncs = 1;
        start("set - \\App V 3\ndel - \\App V");
        finish();
        ck_assert_int_eq(registry_sync(w.r, NULL), -EIO);
        ck_assert_uint_eq(registry_sequence(w.r), told);
        world_do(&w, "set - \\App V 3");
        ck_assert_uint_eq(world_sequence_of(&w, "\\App", "V"), told + 1);
        world_crash(&w);
        ck_assert_uint_eq(registry_sequence(w.r), told + 1);
}

TEST(not_nested)
{
        start("set - \\App V 2");
        ck_assert_int_eq(registry_begin(w.r, NULL), -EBUSY);
        ck_assert_int_eq(registry_sync(w.r, NULL), -EBUSY);
        registry_abort(w.r);
        registry_abort(w.r);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
}

/* All of the script's transactions in one sync. */
TEST(failing_sync_undoes_all)
{
        struct dump before = world_dump(&w, false);

        for (size_t i = 0; i < 4; i++) {
                start(changes[i]);
                finish();
                ck_assert(registry_pending(w.r));
                start("set - \\Other V 1");
                registry_abort(w.r);
        }
        start("set - \\System\\Registry\\Layers\\high Enabled 0");
        finish();
        start("set - \\System\\Registry\\Layers\\more Precedence 4");
        finish();
        disk_failing_syncs = 1;
        ck_assert_int_eq(registry_sync(w.r, &w.d), -EIO);
        ck_assert_str_ne(w.d.text, "");
        ck_assert(!registry_pending(w.r));
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a failing sync");
        dump_done(&after);

        disk_failing_syncs = 0;
        world_crash(&w);
        after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash then");
        dump_done(&after);
        dump_done(&before);
        world_do(&w, "set - \\App V 2");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@base");
}

TEST(each_failing_sync)
{
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                struct dump before = world_dump(&w, true);
                start(changes[i]);
                finish();
                disk_failing_syncs = 1;
                int r = registry_sync(w.r, &w.d);
                disk_failing_syncs = 0;
                /* What is volatile needs the disk for its number. */
                ck_assert_int_eq(r, -EIO);
                struct dump after = world_dump(&w, true);
                dump_assert_equal(&before, &after, changes[i]);
                dump_done(&after);
                world_crash(&w);
                after = world_dump(&w, true);
                dump_assert_equal(&before, &after, changes[i]);
                dump_done(&after);
                dump_done(&before);
        }
}

TEST(several_in_one_sync)
{
        struct registry_events events;

        start("set - \\App V 2");
        finish();
        start("set - \\App V 3\nset - \\Lost V 1");
        registry_abort(w.r);
        start("set - \\App V 2");
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        ck_assert_uint_eq(events.n, 1);
        ck_assert_int_eq(events.list[0].kind, EVENT_VALUE_UNCHANGED);
        registry_events_done(&events);
        ck_assert_int_eq(registry_begin_preview(w.r, SIZE_MAX), -EBUSY);
        start("set - \\App W 5");
        finish();
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
        struct dump before = world_dump(&w, false);
        world_crash(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash");
        dump_done(&before);
        dump_done(&after);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@base");
        ck_assert_str_eq(world_get(&w, "\\Lost", "V"), "NOT_FOUND");
}

TEST(unsynced_is_lost_in_a_crash)
{
        struct dump before = world_dump(&w, false);
        start("set - \\App V 2");
        finish();
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@base");
        world_crash(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash");
        dump_done(&before);
        dump_done(&after);
}

#define DROPIN "etc/peios/registry.d/50-site.yaml"

/* A transaction after unsynced drop-ins is undone alone. */
TEST(abort_after_dropins)
{
        struct registry_events events;

        world_write(&w, DROPIN,
                "peios-registry: 1\nlayer: site\nprecedence: 7\nhives: [Users]\n"
                "keys: { \\App: { V: !dword 9 }, \\Users\\U: { } }\n");
        struct dump before = world_dump(&w, false);
        ck_assert_int_eq(dropins_load(w.root.root, WORLD_VALUE_MAX, &w.files), 0);
        ck_assert_int_eq(registry_apply_dropins(w.r, &w.files, &events, NULL), 0);
        registry_events_done(&events);
        start("set - \\App V 2");
        registry_abort(w.r);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "9@site");
        start("set - \\System\\Registry\\Layers\\high Enabled 0");
        finish();
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "9@site");
        disk_failing_syncs = 1;
        ck_assert_int_eq(registry_sync(w.r, NULL), -EIO);
        disk_failing_syncs = 0;
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a failing sync");
        dump_done(&before);
        dump_done(&after);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");

        world_expect_reload(&w, "value-set Machine\\App V=9@site\n"
                                "subkey-created Users U\n");
        before = world_dump(&w, false);
        world_crash(&w);
        after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash");
        dump_done(&before);
        dump_done(&after);
}

Suite *test_suite(void)
{
        return suite_with("registry-transaction", setup, teardown);
}
