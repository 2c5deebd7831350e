/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions, several in one sync, and syncs that fail. */

#include <errno.h>
#include <string.h>

#include "../base/test-util.h"
#include "failing-disk.h"
#include "registry-util.h"

static struct world w;

static void setup(void)
{
        world_init(&w);
        world_do(&w, "set - \\System\\Registry\\Layers\\high Precedence 5");
        world_do(&w, "set - \\App V 1\nset high \\App W 1\nset - \\App\\In X 1");
}

static void teardown(void)
{
        disk_fails = false;
        world_done(&w);
}

static void begin(const char *script)
{
        ck_assert_int_eq(registry_begin(w.r), 0);
        int r = world_change(&w, script);
        ck_assert_msg(r == 0, "%s", w.d.text);
}

static void end(void)
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
START_TEST(each_change_has_a_higher_number)
{
        static const char *const scripts[] = { "set - \\App V 2", "del - \\App V", "set - \\App V 2",
                "rmr - \\App", "rmr high \\App", "vset - \\Tmp\\Key V 1", "del - \\Tmp\\Key V" };
        uint64_t last = registry_sequence(w.r);

        for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
                struct registry_events events;
                begin(scripts[i]);
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
END_TEST

START_TEST(abort_undoes)
{
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                struct dump before = world_dump(&w, false);
                begin(changes[i]);
                registry_abort(w.r);
                struct dump after = world_dump(&w, false);
                dump_assert_equal(&before, &after, changes[i]);
                ck_assert(!registry_pending(w.r));
                dump_done(&before);
                dump_done(&after);
        }
}
END_TEST

START_TEST(preview_tells_and_undoes)
{
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                struct dump before = world_dump(&w, false);
                uint64_t sequence = registry_sequence(w.r);
                _cleanup_free_ char *preview = world_preview(&w, changes[i]);
                struct dump after = world_dump(&w, false);
                dump_assert_equal(&before, &after, changes[i]);
                /* A number is never given twice. */
                ck_assert_uint_ge(registry_sequence(w.r), sequence);
                sequence = registry_sequence(w.r);
                _cleanup_free_ char *events = world_run(&w, changes[i]);
                ck_assert_str_eq(events, preview);
                ck_assert_uint_ge(registry_sequence(w.r), sequence);
                dump_done(&before);
                dump_done(&after);
                teardown();
                setup();
        }
}
END_TEST

START_TEST(an_error_undoes_the_transaction)
{
        struct dump before = world_dump(&w, false);
        world_expect(&w, "set - \\App V 5\nset - \\New V 1\nset no \\App V 1",
                "ENOENT there is no layer 'no'; make it by setting \\System\\Registry\\Layers\\no, value Precedence");
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after an error");
        dump_done(&before);
        dump_done(&after);
}
END_TEST

START_TEST(sequences_are_not_reused)
{
        begin("set - \\App V 2");
        uint64_t lost = registry_sequence(w.r);
        registry_abort(w.r);
        world_do(&w, "set - \\App V 2");
        ck_assert_uint_gt(world_sequence_of(&w, "\\App", "V"), lost);
        disk_fails = true;
        begin("set - \\App V 3");
        end();
        lost = registry_sequence(w.r);
        ck_assert_int_eq(registry_sync(w.r, NULL), -EIO);
        disk_fails = false;
        world_do(&w, "set - \\App V 3");
        ck_assert_uint_gt(world_sequence_of(&w, "\\App", "V"), lost);
        world_crash(&w);
        ck_assert_uint_gt(registry_sequence(w.r), lost);
}
END_TEST

START_TEST(not_nested)
{
        begin("set - \\App V 2");
        ck_assert_int_eq(registry_begin(w.r), -EBUSY);
        ck_assert_int_eq(registry_sync(w.r, NULL), -EBUSY);
        ck_assert_int_eq(registry_fold(w.r, 0, NULL), 0);
        registry_abort(w.r);
        registry_abort(w.r);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
}
END_TEST

/* All of the script's transactions in one sync. */
START_TEST(failing_sync_undoes_all)
{
        struct dump before = world_dump(&w, false);

        for (size_t i = 0; i < 4; i++) {
                begin(changes[i]);
                end();
                ck_assert(registry_pending(w.r));
                begin("set - \\Other V 1");
                registry_abort(w.r);
        }
        begin("set - \\System\\Registry\\Layers\\high Enabled 0");
        end();
        begin("set - \\System\\Registry\\Layers\\more Precedence 4");
        end();
        disk_fails = true;
        ck_assert_int_eq(registry_sync(w.r, &w.d), -EIO);
        ck_assert_str_ne(w.d.text, "");
        ck_assert(!registry_pending(w.r));
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a failing sync");
        dump_done(&after);

        disk_fails = false;
        world_crash(&w);
        after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash then");
        dump_done(&after);
        dump_done(&before);
        world_do(&w, "set - \\App V 2");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@base");
}
END_TEST

START_TEST(each_failing_sync)
{
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                struct dump before = world_dump(&w, true);
                begin(changes[i]);
                end();
                disk_fails = true;
                int r = registry_sync(w.r, &w.d);
                disk_fails = false;
                /* Of what is volatile the number alone reaches the disk. */
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
END_TEST

START_TEST(several_in_one_sync)
{
        struct registry_events events;

        begin("set - \\App V 2");
        end();
        begin("set - \\App V 3\nset - \\Lost V 1");
        registry_abort(w.r);
        begin("set - \\App V 2");
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        ck_assert_uint_eq(events.n, 1);
        ck_assert_int_eq(events.list[0].kind, EVENT_VALUE_UNCHANGED);
        registry_events_done(&events);
        begin("set - \\App X 4");
        ck_assert_int_eq(registry_end_preview(w.r, &events), 0);
        registry_events_done(&events);
        begin("set - \\App W 5");
        end();
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
        struct dump before = world_dump(&w, false);
        world_crash(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash");
        dump_done(&before);
        dump_done(&after);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@base");
        ck_assert_str_eq(world_get(&w, "\\App", "X"), "ENOENT");
        ck_assert_str_eq(world_get(&w, "\\Lost", "V"), "ENOENT");
}
END_TEST

START_TEST(unsynced_is_lost_in_a_crash)
{
        struct dump before = world_dump(&w, false);
        begin("set - \\App V 2");
        end();
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@base");
        world_crash(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash");
        dump_done(&before);
        dump_done(&after);
}
END_TEST

#define DROPIN "etc/peios/registry.d/50-site.yaml"

/* A transaction after unsynced drop-ins is undone alone. */
START_TEST(abort_after_dropins)
{
        struct registry_events events;

        world_write(&w, DROPIN,
                "peios-registry: 1\nlayer: site\nprecedence: 7\nhives: [Users]\n"
                "keys: { \\App: { V: !dword 9 }, \\Users\\U: { } }\n");
        struct dump before = world_dump(&w, false);
        ck_assert_int_eq(dropins_load(w.root, WORLD_VALUE_MAX, &w.files), 0);
        ck_assert_int_eq(registry_apply_dropins(w.r, &w.files, &events, NULL), 0);
        registry_events_done(&events);
        begin("set - \\App V 2");
        registry_abort(w.r);
        begin("set - \\System\\Registry\\Layers\\high Enabled 0");
        ck_assert_int_eq(registry_end_preview(w.r, &events), 0);
        registry_events_done(&events);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "9@site");
        begin("set - \\System\\Registry\\Layers\\high Enabled 0");
        end();
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "9@site");
        disk_fails = true;
        ck_assert_int_eq(registry_sync(w.r, NULL), -EIO);
        disk_fails = false;
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
END_TEST

int main(void)
{
        const TTest *const tests[] = { each_change_has_a_higher_number, abort_undoes,
                preview_tells_and_undoes, an_error_undoes_the_transaction, sequences_are_not_reused,
                not_nested, failing_sync_undoes_all, each_failing_sync, several_in_one_sync,
                unsynced_is_lost_in_a_crash, abort_after_dropins };
        return run_tests_with("registry-transaction", tests, ARRAY_SIZE(tests), setup, teardown);
}
