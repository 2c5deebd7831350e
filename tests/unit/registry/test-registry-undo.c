/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes are taken back: what the layers have afterwards is what they had before. */
#include <stdio.h>
#include <string.h>

#include "registry-model.h"
#include "registry-util.h"
#include "suite.h"

#define LAYERS "Machine\\System\\Registry\\Layers\\"

static const struct {
        const char *before, *change;
} cases[] = {
        { "", "set - Machine\\A V one" },
        { "set - Machine\\A V one", "set - Machine\\A v two" },
        { "set - Machine\\A V one", "del - Machine\\A V" },
        { "set - Machine\\A V one\nset - Machine\\A\\B W 7", "rmr - Machine\\A" },
        { "set - Machine\\A V one", "rmr - Machine\\A\nset - Machine\\A W two" },
        { "set - Machine\\A V one", "set - Machine\\A V !" },
        { "set - Machine\\A V one\nset x Machine\\A V two", "rmr - Machine\\A\nset y Machine\\A V three" },
        { "set x Machine\\A\\B V two",
                "rmr x Machine\\A\nset y Machine\\A\\B V three\nset - Machine\\A\\B V four" },
        { "set x Machine\\A V two", "rmr - " LAYERS "x" },
        { "", "set - " LAYERS "new Precedence 9\nmk - Machine\\C" },
        { "mask - Machine\\A\nset - Machine\\A V one", "unmask - Machine\\A" },
        { "mask x Machine\\A\nset x Machine\\A V one\nset - Machine\\A W w",
                "unmask x Machine\\A\nset - Machine\\A V base\nmask x Machine\\A" },
        { "set - Machine\\A V one\nmask - Machine\\A\nset - Machine\\A W w", "set - Machine\\A V two" },
        { "set - Machine\\A V one\nmask - Machine\\A", "del - Machine\\A V" },
        { "mk x Machine\\A\nhide x Machine\\A\\B\nset y Machine\\A\\B V one",
                "set x Machine\\A\\B W two\nrmr y Machine\\A" },
        { "mk - Machine\\A", "mk x Machine\\A\\B\nrm x Machine\\A\\B\nmk - Machine\\A\\B" },
        { "", "ln - Machine\\L Machine\\A" },
        { "ln - Machine\\L Machine\\A", "lrm - Machine\\L" },
        { "ln - Machine\\L Machine\\A", "lset - Machine\\L @ >Machine\\B\nset - Machine\\B V 1" },
        { "ln - Machine\\L Machine\\A", "lrm - Machine\\L\nset - Machine\\L V 1" },
        { "set - Machine\\L V 1", "rm - Machine\\L\nln - Machine\\L Machine\\A" },
};

/* With layers of different precedences, what counts is the same, too. */
static void prepare(struct world *w)
{
        world_init(w);
        world_do(w, "set - " LAYERS "x Precedence 5\nset - " LAYERS "y Precedence 3");
}

TEST_EACH(what_was_is_there_again, ARRAY_SIZE(cases))
{
        struct world w;

        prepare(&w);
        if (cases[_i].before[0])
                world_do(&w, cases[_i].before);
        const int64_t row = last_row(registry_store(w.r));
        _cleanup_dump_ struct dump contents = world_contents(&w), effective = world_effective(&w);
        world_do(&w, cases[_i].change);
        _cleanup_dump_ struct dump changed = world_contents(&w);
        const int64_t changed_at = last_row(registry_store(w.r));
        world_undo_since(&w, row);
        _cleanup_dump_ struct dump after = world_contents(&w), effective_after = world_effective(&w);
        dump_assert_equal(&contents, &after, cases[_i].change);
        dump_assert_equal(&effective, &effective_after, cases[_i].change);
        /* And that is taken back as well. */
        world_undo_since(&w, changed_at);
        _cleanup_dump_ struct dump again = world_contents(&w);
        dump_assert_equal(&changed, &again, cases[_i].change);
        world_check(&w);
        world_done(&w);
}

static void refuses(struct world *w, int64_t after, int64_t until, int error, const char *text)
{
        const struct registry_undo what = { .after = after, .until = until };
        _cleanup_dump_ struct dump before = world_contents(w);

        ck_assert_int_eq(world_undo(w, &what, NULL), error);
        ck_assert_msg(strstr(w->d.text, text), "no '%s' in: %s", text, w->d.text);
        _cleanup_dump_ struct dump after_all = world_contents(w);
        dump_assert_equal(&before, &after_all, text);
}

TEST(what_was_written_since_stays)
{
        struct world w;

        prepare(&w);
        world_do(&w, "set - Machine\\A V one");
        const int64_t row = last_row(registry_store(w.r));
        world_do(&w, "set - Machine\\A V two\nset - Machine\\A W w\nmk - Machine\\A\\New");
        const int64_t until = last_row(registry_store(w.r));
        world_do(&w, "set x Machine\\A V above");
        world_do(&w, "set - Machine\\A V three");
        refuses(&w, row, until, REGISTRY_CONFLICT,
                "Machine\\A: value 'V' of layer base was written since, by change number ");
        ck_assert_int_eq(world_undo(&w, &(struct registry_undo){ row, until, .force = true }, NULL), 0);
        ck_assert_str_eq(world_get(&w, "Machine\\A", "V"), "'above'@x");
        world_do(&w, "del x Machine\\A V");
        ck_assert_str_eq(world_get(&w, "Machine\\A", "V"), "'one'@base");
        ck_assert_str_eq(world_get(&w, "Machine\\A", "W"), "NOT_FOUND");
        world_done(&w);
}

static const struct {
        const char *before, *change, *since, *conflict;
} conflicts[] = {
        /* What a link has is nothing for a key, nor the other way round. */
        { "ln - Machine\\L Machine\\A", "lrm - Machine\\L", "set x Machine\\L V 1",
                "the key 'L' is no link since, in layer x" },
        { "set - Machine\\K V 1", "rm - Machine\\K", "ln x Machine\\K Machine\\A",
                "the key 'K' is a link since, in layer x" },
        /* Whoever makes a layer of that name again would have it at once. */
        { "set - Machine\\A V one\nset x Machine\\A V two", "del x Machine\\A V", "rmr - " LAYERS "x",
                "layer x has, which is not there any more" },
        /* Two layers had the key, and the other one's end is not taken back. */
        { "mk x Machine\\A\\B\nmk y Machine\\A\\B", "rm x Machine\\A\\B", "rm y Machine\\A\\B",
                "Machine\\A: a key that it was done to is gone since" },
};

TEST_EACH(what_is_in_the_way_stays, ARRAY_SIZE(conflicts))
{
        struct world w;

        prepare(&w);
        world_do(&w, conflicts[_i].before);
        const int64_t row = last_row(registry_store(w.r));
        world_do(&w, conflicts[_i].change);
        const int64_t until = last_row(registry_store(w.r));
        world_do(&w, conflicts[_i].since);
        refuses(&w, row, until, REGISTRY_CONFLICT, conflicts[_i].conflict);
        world_done(&w);
}

TEST(what_somebody_put_into_a_new_key_stays)
{
        struct world w;
        uint32_t left_out = 0;

        prepare(&w);
        const int64_t row = last_row(registry_store(w.r));
        world_do(&w, "set - Machine\\A V one");
        const int64_t until = last_row(registry_store(w.r));
        world_do(&w, "set - Machine\\A\\B W w");
        refuses(&w, row, until, REGISTRY_CONFLICT, "Machine: the subkey 'A' has been written to since");
        ck_assert_int_eq(world_undo(&w, &(struct registry_undo){ row, until, .force = true }, &left_out), 0);
        ck_assert_uint_eq(left_out, 1);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "W"), "'w'@base");
        ck_assert_str_eq(world_get(&w, "Machine\\A", "V"), "NOT_FOUND");
        world_done(&w);
}

/* A key that was deleted and made anew gives way to the old one only with what is taken back. */
TEST_EACH(what_somebody_put_into_a_key_made_anew_stays, 3)
{
        static const char *const keys[] = { "Machine\\A", "Machine\\A\\New", "Machine\\A\\Sub" };
        struct world w;
        char line[64];
        uint32_t left_out = 0;

        prepare(&w);
        world_do(&w, "set - Machine\\A V one\nset - Machine\\A\\Old V old");
        const int64_t row = last_row(registry_store(w.r));
        world_do(&w, "rmr - Machine\\A\nset - Machine\\A V two\nset - Machine\\A\\Sub V sub");
        const int64_t until = last_row(registry_store(w.r));
        (void)snprintf(line, sizeof(line), "set - %s W w", keys[_i]);
        world_do(&w, line);
        refuses(&w, row, until, REGISTRY_CONFLICT, "Machine: the subkey 'A' has been written to since");
        ck_assert_int_eq(world_undo(&w, &(struct registry_undo){ row, until, .force = true }, &left_out), 0);
        ck_assert_uint_ge(left_out, 1);
        ck_assert_str_eq(world_get(&w, "Machine\\A", "V"), "'one'@base");
        ck_assert_str_eq(world_get(&w, "Machine\\A\\Old", "V"), "'old'@base");
        ck_assert_str_eq(world_get(&w, keys[_i], "W"), "'w'@base");
        world_check(&w);
        world_done(&w);
}

/* The last layer that named it was a file's. */
TEST(a_key_that_went_with_a_file)
{
        struct world w;
        uint32_t left_out;

        prepare(&w);
        world_write(&w, ETC "50-a.yaml", HEAD("a") "precedence: 9\nkeys:\n  \\A\\B: { W: !sz file }\n");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "W"), "'file'@a");
        world_do(&w, "set x Machine\\A\\B V one");
        const int64_t row = last_row(registry_store(w.r));
        world_do(&w, "rmr x Machine\\A\\B");
        world_write(&w, ETC "50-a.yaml", NULL);
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "V"), "NOT_FOUND");
        const struct registry_undo what = { .after = row, .until = last_row(registry_store(w.r)) };
        ck_assert_msg(world_undo(&w, &what, &left_out) == 0, "%s", w.d.text);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "V"), "'one'@x");
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "W"), "NOT_FOUND");
        ck_assert_uint_gt(left_out, 0);
        world_check(&w);
        world_done(&w);
}

TEST(layers_are_roots)
{
        struct world w;

        prepare(&w);
        const int64_t row = last_row(registry_store(w.r));
        world_do(&w, "set - " LAYERS "x Precedence 9");
        refuses(&w, row, last_row(registry_store(w.r)), REGISTRY_READ_ONLY, "which only root may take back");
        world_done(&w);
}

/* ---- Random runs ---- */

#define RUNS 30
#define ROUNDS 8

/* Layers of one precedence each: what is put back is newer. */
static void random_change(struct world *w)
{
        static const char *const layers[] = { "-", "x", "y" };

        world_change_somehow(w, layers, ARRAY_SIZE(layers));
}

TEST_EACH(random_runs, ROUNDS)
{
        for (int run = 0; run < RUNS; run++) {
                struct world w;
                srandom((unsigned)(_i * RUNS + run));
                prepare(&w);
                for (unsigned n = pick(15); n > 0; n--)
                        random_change(&w);
                const int64_t row = last_row(registry_store(w.r));
                _cleanup_dump_ struct dump contents = world_contents(&w), effective = world_effective(&w);
                for (unsigned n = pick(25) + 1; n > 0; n--)
                        random_change(&w);
                world_undo_since(&w, row);
                _cleanup_dump_ struct dump after = world_contents(&w), effective_after = world_effective(&w);
                char what[32];
                (void)snprintf(what, sizeof(what), "run %d", _i * RUNS + run);
                dump_assert_equal(&contents, &after, what);
                dump_assert_equal(&effective, &effective_after, what);
                world_check(&w);
                world_done(&w);
        }
}

Suite *test_suite(void)
{
        return suite_of("registry-undo");
}
