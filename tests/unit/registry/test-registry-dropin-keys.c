/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a drop-in file says of keys: hidden ones, blankets, hives, volatile ones. */

#include <errno.h>

#include "suite.h"
#include "registry-world.h"

TEST(hidden_keys)
{
        world_do(&w, "set - \\App\\In V 1");
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 1\nkeys:\n  \\App\\In: !hidden\n  \\App\\Not: !hidden\n");
        world_expect_reload(&w, "key-deleted Machine\\App\\In\n"
                                "subkey-deleted Machine\\App In\n");
        world_expect_reload(&w, "");
        ck_assert_str_eq(world_get(&w, "\\App\\In", "V"), "NOT_FOUND");
        /* In a key that cannot be seen nothing effective changes. */
        world_expect(&w, "set - \\App\\In V 2", "value-unchanged Machine\\App\\In V\n");
        world_expect(&w, "set - \\App\\In\\Deep V 2", "value-unchanged Machine\\App\\In\\Deep V\n");
        world_expect(&w, "del - \\App\\In V", "value-unchanged Machine\\App\\In V\n");
        world_expect(&w, "set - \\App\\In V 3", "value-unchanged Machine\\App\\In V\n");
        world_expect(&w, "mk - \\App\\In", "");
        world_crash(&w);
        world_expect_reload(&w, "");
        world_write(&w, ETC "50.yaml", HEAD("site") "precedence: 1\nkeys:\n  \\App\\Not: !hidden\n");
        world_expect_reload(&w, "subkey-created Machine\\App In\n");
        ck_assert_str_eq(world_get(&w, "\\App\\In", "V"), "3@base");
        world_write(&w, ETC "50.yaml", HEAD("site") "precedence: 1\nkeys:\n  \\App\\In: !hidden\n");
        world_reload_well(&w);
        /* The hidden key goes with its parent. */
        world_expect(&w, "rm - \\App",
                "value-unchanged Machine\\App\\In\\Deep V\n"
                "value-unchanged Machine\\App\\In V\n");
        world_check(&w);
        world_write(&w, ETC "50.yaml", NULL);
        world_expect_reload(&w, "key-deleted Machine\\App\n"
                                "subkey-deleted Machine App\n");
        ck_assert_uint_eq(world_keys(&w), 1);
        world_check(&w);
}

/* At the same precedence a later write brings the key back, and a reload does not hide it again. */
TEST(hidden_at_the_same_precedence)
{
        world_do(&w, "set - \\App\\In V 1\nset - \\App\\In\\Deep V 1");
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App\\In: !hidden\n");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App\\In", "V"), "NOT_FOUND");
        world_expect(&w, "set - \\App\\In V 2",
                "subkey-created Machine\\App In\n"
                "value-set Machine\\App\\In V=2@base\n");
        world_expect(&w, "set - \\App\\In V 2", "value-unchanged Machine\\App\\In V=2@base\n");
        world_expect_reload(&w, "");
        ck_assert_str_eq(world_get(&w, "\\App\\In\\Deep", "V"), "1@base");
        world_crash(&w);
        world_expect_reload(&w, "");
        ck_assert_str_eq(world_get(&w, "\\App\\In\\Deep", "V"), "1@base");
        /* Another file's key is not a later write, reload after reload. */
        world_write(&w, ETC "60.yaml", HEAD("more") "keys:\n  \\Gone: { V: !dword 1 }\n");
        world_reload_well(&w);
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\Gone: !hidden\n");
        world_reload_well(&w);
        world_expect_reload(&w, "");
        ck_assert_str_eq(world_get(&w, "\\Gone", "V"), "NOT_FOUND");
        world_check(&w);
}

TEST(hides_what_it_had)
{
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App\\In\\Deep: { V: !dword 1 }\n");
        world_reload_well(&w);
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App\\In: !hidden\n");
        world_expect_reload_sorted(&w, "key-deleted Machine\\App\\In\n"
                                       "subkey-deleted Machine\\App In\n"
                                       "value-deleted Machine\\App\\In\\Deep V\n"
                                       "key-deleted Machine\\App\\In\\Deep\n"
                                       "subkey-deleted Machine\\App\\In Deep\n");
        world_check(&w);
        ck_assert_uint_eq(world_keys(&w), 2);
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App\\In\\Deep: { V: !dword 1 }\n");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App\\In\\Deep", "V"), "1@site");
        world_check(&w);
        struct dump before = world_dump(&w, false);
        world_write(&w, ETC "50.yaml",
                HEAD("site") "keys:\n  \\app\\In\\Deep: { V: !dword 2 }\n  \\App\\in: !hidden\n");
        world_expect_reload(&w,
                "error /etc/peios/registry.d/50.yaml:4:3: key `Machine\\app\\In\\Deep` is in `Machine\\App\\in`, which line 5 "
                "hides, expected one of the two\n");
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "with a refused file");
        dump_done(&before);
        dump_done(&after);
}

TEST(blankets)
{
        world_do(&w, "set - \\App A 1\nset - \\App B 1");
        world_write(&w, ETC "50.yaml", HEAD("site") "precedence: 1\nkeys:\n  \\App: { B: !dword 2 }\n");
        world_reload_well(&w);
        /* The layer's own values stand above its new blanket. */
        world_write(
                &w, ETC "50.yaml", HEAD("site") "precedence: 1\nkeys:\n  \\App: !blanket { B: !dword 2 }\n");
        world_expect_reload_sorted(&w, "value-deleted Machine\\App A (uncovered)\n"
                                       "value-unchanged Machine\\App B=2@site\n");
        world_expect_reload(&w, "");
        world_expect(&w, "set - \\App A 3", "value-unchanged Machine\\App A\n");
        world_crash(&w);
        world_expect_reload(&w, "");
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "NOT_FOUND");
        uint64_t sequence = world_sequence_of(&w, "\\App", "B");
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 1\nkeys:\n  \\App: !blanket { C: !dword 4, B: !dword 2 }\n");
        world_expect_reload(&w, "value-set Machine\\App C=4@site\n");
        ck_assert_uint_eq(world_sequence_of(&w, "\\App", "B"), sequence);
        world_write(&w, ETC "50.yaml", HEAD("site") "precedence: 1\nkeys:\n  \\App: { B: !dword 2 }\n");
        world_expect_reload_sorted(&w, "value-set Machine\\App A=3@base (uncovered)\n"
                                       "value-deleted Machine\\App C\n");
        world_check(&w);
}

/* The layer's own value stands above its new blanket, also where another layer hides both. */
TEST(blanket_below_another_layer)
{
        static const char *const heads[] = { HEAD("site") "precedence: 1\n",
                HEAD("site") "precedence: 1\nenabled: false\n" };

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                world_do(&w, "set - \\System\\Registry\\Layers\\high Precedence 5\nset - \\App A 1");
                world_do(&w, "set high \\App B 3");
                buf_printf(&text, "%skeys:\n  \\App: { B: !dword 2 }\n", heads[i]);
                world_write(&w, ETC "50.yaml", buf_str(&text));
                world_reload_well(&w);
                buf_clear(&text);
                buf_printf(&text, "%skeys:\n  \\App: !blanket { B: !dword 2 }\n", heads[i]);
                world_write(&w, ETC "50.yaml", buf_str(&text));
                world_reload_well(&w);
                world_write(&w, ETC "50.yaml",
                        HEAD("site") "precedence: 1\nkeys:\n  \\App: !blanket { B: !dword 2 }\n");
                world_reload_well(&w);
                world_do(&w, "del high \\App B");
                ck_assert_str_eq(world_get(&w, "\\App", "A"), "NOT_FOUND");
                ck_assert_str_eq(world_get(&w, "\\App", "B"), "2@site");
                world_teardown();
                world_setup();
        }
}

/* Without its layer a blanket counts for nothing. */
TEST(blanket_of_a_disabled_layer)
{
        world_do(&w, "set - \\App A 1\nset - \\App B 1");
        world_write(
                &w, ETC "50.yaml", HEAD("site") "precedence: 1\nkeys:\n  \\App: !blanket { B: !dword 2 }\n");
        world_reload_well(&w);
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 1\nenabled: false\nkeys:\n  \\App: !blanket { B: !dword 2 }\n");
        world_expect_reload_sorted(&w, "value-set Machine\\App A=1@base (uncovered)\n"
                                       "value-set Machine\\App B=1@base (uncovered)\n");
        world_write(
                &w, ETC "50.yaml", HEAD("site") "precedence: 1\nkeys:\n  \\App: !blanket { B: !dword 2 }\n");
        world_expect_reload_sorted(&w, "value-deleted Machine\\App A (uncovered)\n"
                                       "value-set Machine\\App B=2@site (uncovered)\n");
}

TEST(tombstones_and_other_types)
{
        world_do(&w, "set - \\App A 1");
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 1\nkeys:\n  \\App: { A: !tombstone \"\", \"@\": !sz hi, M: !multi [a, b], L: !0x8 \"00\" }\n");
        world_expect_reload(&w, "value-deleted Machine\\App A\n"
                                "value-set Machine\\App @='hi'@site\n"
                                "value-set Machine\\App M=multi'a'@site\n"
                                "value-set Machine\\App L=0x8''@site\n");
        world_expect_reload(&w, "");
}

TEST(new_hives)
{
        world_write(&w, ETC "50.yaml",
                HEAD("site") "hives: [Users]\nkeys:\n  Users\\Ada: { A: !dword 1 }\n  users: { R: !dword 1 }\n");
        world_expect_reload(&w, "subkey-created Users Ada\n"
                                "value-set Users\\Ada A=1@site\n"
                                "value-set Users R=1@site\n");
        world_expect(&w, "set - \\users\\Bob V 1",
                "subkey-created Users Bob\n"
                "value-set Users\\Bob V=1@base\n");
        struct dump before = world_dump(&w, false);
        world_crash(&w);
        world_expect_reload(&w, "");
        world_restart(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a restart");
        dump_done(&before);
        dump_done(&after);
        world_write(&w, ETC "50.yaml", NULL);
        world_reload_well(&w);
        ck_assert_uint_eq(registry_hives(w.r)->n, 2);
        ck_assert_str_eq(world_get(&w, "Users\\Bob", "V"), "1@base");
        ck_assert_str_eq(world_get(&w, "Users\\Ada", "A"), "NOT_FOUND");
}

/* One more, whatever the number of those that were there at the start. */
TEST(one_hive_more)
{
        _cleanup_buf_ struct buf names = BUF_INIT;

        for (unsigned n = 2; n < 10; n++) {
                buf_printf(&names, "%sUsers%u", n > 2 ? ", " : "", n);
                world_write(&w, ETC "50.yaml",
                        textf(HEAD("site") "hives: [%s]\nkeys: { Users%u: { V: !dword %u } }\n",
                                buf_str(&names), n, n));
                world_reload_well(&w);
                ck_assert_uint_eq(registry_hives(w.r)->n, n);
                world_restart(&w);
                ck_assert_str_eq(world_get(&w, textf("Users%u", n), "V"), textf("%u@site", n));
        }
}

/* A file may speak of keys that somebody made volatile: what it says there lives as long as they. */
TEST(below_a_volatile_key)
{
        static const char file[] =
                HEAD("site") "keys:\n  \\Tmp\\Own: !blanket { A: !dword 1 }\n  \\Tmp\\Not: !hidden\n";
        world_do(&w, "vset - \\Tmp V 1");
        world_write(&w, ETC "50.yaml", file);
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Own", "A"), "1@site");
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\Tmp\\Own: { A: !dword 2 }\n");
        world_reload_well(&w);
        world_do(&w, "set - \\After V 1");
        world_crash(&w);
        ck_assert_str_eq(world_get(&w, "\\After", "V"), "1@base");
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Own", "A"), "NOT_FOUND");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Own", "A"), "2@site");
        world_crash(&w);
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Own", "A"), "2@site");
        world_check(&w);
}

Suite *test_suite(void)
{
        return suite_with("registry-dropin-keys", world_setup, world_teardown);
}
