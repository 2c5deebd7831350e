/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers that have something in keys that they do not name. */

#include <string.h>

#include "suite.h"
#include "registry-world.h"

static void setup(void)
{
        world_init(&w);
        world_do(&w, "set - \\System\\Registry\\Layers\\trial Precedence 5");
        world_do(&w, "set - \\A V 1\nset trial \\A V 2\nset trial \\A Own 3");
        world_unname(&w, "trial", "\\A");
        ck_assert_str_eq(world_get(&w, "\\A", "V"), "2@trial");
}

static void teardown(void)
{
        world_check(&w);
        world_done(&w);
}

static size_t keys(void)
{
        return world_keys(&w);
}

TEST(values_can_be_deleted)
{
        world_expect(&w, "del trial \\A V", "value-set Machine\\A V=1@base\n");
        world_expect(&w, "del trial \\a own", "value-deleted Machine\\A Own\n");
        world_expect(&w, "del trial \\A V",
                "NOT_FOUND Machine\\A: layer trial has no value 'V'; it comes from layer base");
        world_expect(&w, "rm trial \\A",
                "NOT_FOUND Machine\\A: layer trial has no such key; it comes from another layer");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\A", "V"), "1@base");
}

TEST(and_written)
{
        world_expect(&w, "set trial \\A V 7", "value-set Machine\\A V=7@trial\n");
        /* Now it names the key. */
        world_expect(&w, "rm - \\A", "value-unchanged Machine\\A V=7@trial\n");
        ck_assert_str_eq(world_get(&w, "\\A", "Own"), "3@trial");
}

TEST(the_last_naming_entry)
{
        size_t before = keys();
        world_expect(&w, "rm - \\A",
                "value-deleted Machine\\A V\n"
                "key-deleted Machine\\A\n"
                "subkey-deleted Machine A\n");
        ck_assert_str_eq(world_get(&w, "\\A", "Own"), "NOT_FOUND");
        ck_assert_uint_eq(keys(), before - 1);
        world_expect(&w, "set - \\A W 1", "subkey-created Machine A\nvalue-set Machine\\A W=1@base\n");
        ck_assert_str_eq(world_get(&w, "\\A", "Own"), "NOT_FOUND");
        world_crash(&w);
        ck_assert_str_eq(world_get(&w, "\\A", "Own"), "NOT_FOUND");
        ck_assert_str_eq(world_get(&w, "\\A", "W"), "1@base");
}

TEST(keys_below)
{
        size_t before = keys();
        world_do(&w, "set trial \\A\\B\\C V 1\nset - \\A\\D V 1");
        world_unname(&w, "trial", "\\A");
        _cleanup_free_ char *refused = world_run(&w, "rm - \\A");
        ck_assert_ptr_nonnull(strstr(refused, "NOT_EMPTY Machine\\A: the key has 2 subkeys"));
        _cleanup_free_ char *text = world_run(&w, "rmr - \\A");
        ck_assert_ptr_nonnull(strstr(text, "key-deleted Machine\\A\n"));
        ck_assert_ptr_nonnull(strstr(text, "key-deleted Machine\\A\\B\n"));
        ck_assert_ptr_nonnull(strstr(text, "key-deleted Machine\\A\\B\\C\n"));
        ck_assert_ptr_nonnull(strstr(text, "key-deleted Machine\\A\\D\n"));
        ck_assert_uint_eq(keys(), before - 1);
        world_crash(&w);
        ck_assert_uint_eq(keys(), before - 1);
        ck_assert_str_eq(world_get(&w, "\\A\\B\\C", "V"), "NOT_FOUND");
}

/* What a layer has below goes with the key, named or not. */
TEST(what_it_has_below)
{
        world_do(&w, "set - \\A\\B V 1\nset trial \\A\\B V 2");
        world_unname(&w, "trial", "\\A\\B");
        world_expect(&w, "rmr trial \\A",
                "value-set Machine\\A\\B V=1@base\n"
                "value-deleted Machine\\A Own\n"
                "value-set Machine\\A V=1@base\n");
        ck_assert_str_eq(world_get(&w, "\\A\\B", "V"), "1@base");
}

TEST(a_layer_goes)
{
        world_do(&w, "rm - \\System\\Registry\\Layers\\trial");
        ck_assert_str_eq(world_get(&w, "\\A", "V"), "1@base");
        ck_assert_str_eq(world_get(&w, "\\A", "Own"), "NOT_FOUND");
        world_do(&w, "set - \\System\\Registry\\Layers\\trial Precedence 5");
        ck_assert_str_eq(world_get(&w, "\\A", "V"), "1@base");
}

Suite *test_suite(void)
{
        return suite_with("registry-foreign", setup, teardown);
}
