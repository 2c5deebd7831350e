/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/regedit/key-tree.h"
#include "../../../schema/base/clock.h"
#include "alloc-faults.h"
#include "suite.h"

static struct key_tree tree;

static void setup(void)
{
        ck_assert_int_eq(key_tree_init(&tree), 0);
}

static void teardown(void)
{
        key_tree_done(&tree);
}

static struct key_node *at(const char *path)
{
        struct key_node *node = key_tree_find(&tree, path, NULL);

        ck_assert_msg(node, "there is no %s", path);
        return node;
}

/* Names with blanks between them. */
static int take_as(const char *path, const char *names, enum key_witness witness)
{
        char *words = strdup(names);
        const char *list[64];
        size_t n = 0;

        for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
                list[n++] = word;
        int r = key_tree_take(&tree, at(path), list, n, witness);
        free(words);
        return r;
}

static void take(const char *path, const char *names)
{
        ck_assert_int_eq(take_as(path, names, KEY_IS_SET), 0);
}

/* The rows, a blank behind each; in brackets the selected one. */
static void shows(const char *expected)
{
        _cleanup_buf_ struct buf rows = BUF_INIT;

        ck_assert_int_eq(key_tree_count(&tree), 0);
        for (size_t i = 0; i < tree.n_rows; i++) {
                const struct key_node *node = tree.rows[i];
                ck_assert_uint_eq(node->row, i);
                buf_printf(&rows, node == tree.selected ? "%zu[%s] " : "%zu%s ", node->depth, node->name);
        }
        ck_assert_str_eq(buf_str(&rows), expected);
}

TEST(rows_are_those_whose_parents_are_open)
{
        shows("");
        take("", "Users Machine");
        shows("0[Machine] 0Users ");
        take("Machine", "b A c");
        shows("0[Machine] 0Users ");
        key_tree_open(&tree, at("Machine"), true);
        take("Machine\\A", "x");
        shows("0[Machine] 1A 1b 1c 0Users ");
        key_tree_select(&tree, at("machine\\a\\X"));
        shows("0Machine 1A 2[x] 1b 1c 0Users ");
        key_tree_open(&tree, at("Machine"), false);
        shows("0[Machine] 0Users ");
}

/* Read again, what is open and selected stays so, whatever comes and goes beside it. */
TEST(what_was_there_stays_as_it_was)
{
        take("", "Machine");
        take("Machine", "b c d");
        take("Machine\\c", "x y");
        key_tree_select(&tree, at("Machine\\c\\y"));
        take("Machine", "a C e");
        shows("0Machine 1a 1c 2x 2[y] 1e ");
}

TEST(the_selection_goes_to_a_neighbour)
{
        take("", "Machine");
        take("Machine", "a b c");
        take("Machine\\b", "x");
        key_tree_select(&tree, at("Machine\\b\\x"));
        key_tree_withdraw(&tree, at("Machine\\b"), KEY_IS_SET);
        shows("0Machine 1a 1[c] ");
        key_tree_withdraw(&tree, at("Machine\\c"), KEY_IS_SET);
        shows("0Machine 1[a] ");
        take("Machine", "");
        shows("0[Machine] ");
}

/* A key that is gone stays as one in which something is known. */
TEST(two_witnesses)
{
        struct key_node *node;

        take("", "Machine");
        take("Machine", "App System");
        ck_assert_int_eq(take_as("Machine", "System Other", KEY_IS_KNOWN), 0);
        key_tree_open(&tree, at("Machine"), true);
        shows("0[Machine] 1App 1Other 1System ");
        key_tree_withdraw(&tree, at("Machine\\System"), KEY_IS_SET);
        shows("0[Machine] 1App 1Other 1System ");
        ck_assert_uint_eq(at("Machine\\System")->witnesses, KEY_IS_KNOWN);
        ck_assert_int_eq(take_as("Machine", "", KEY_IS_KNOWN), 0);
        shows("0[Machine] 1App ");
        ck_assert_int_eq(key_tree_add(&tree, at("Machine"), "app", KEY_IS_KNOWN, &node), 0);
        ck_assert_ptr_eq(node, at("Machine\\App"));
}

TEST(paths)
{
        _cleanup_buf_ struct buf path = BUF_INIT;
        struct key_node *last;

        take("", "Machine");
        take("Machine", "A");
        take("Machine\\A", "B");
        key_tree_put_path(at("Machine\\a\\b"), &path);
        ck_assert_str_eq(buf_str(&path), "Machine\\A\\B");
        ck_assert_ptr_null(key_tree_find(&tree, "Machine\\A\\C\\D", &last));
        ck_assert_ptr_eq(last, at("Machine\\A"));
        ck_assert_ptr_eq(key_tree_find(&tree, "", NULL), tree.root);
}

/* 100,000 keys are taken, taken again, counted and found in the blink of an eye. */
TEST(many_keys)
{
        enum {
                MANY = 100000
        };
        const char **names = calloc(MANY, sizeof(*names));
        struct key_node *node;

        take("", "Machine");
        for (size_t i = 0; i < MANY; i++)
                ck_assert(asprintf((char **)&names[i], "Key%06zu", i) > 0);
        uint64_t start = clock_of(CLOCK_PROCESS_CPUTIME_ID);
        ck_assert_int_eq(key_tree_take(&tree, at("Machine"), names, MANY, KEY_IS_SET), 0);
        key_tree_open(&tree, at("Machine"), true);
        ck_assert_int_eq(key_tree_take(&tree, at("Machine"), names, MANY, KEY_IS_SET), 0);
        ck_assert_int_eq(key_tree_count(&tree), 0);
        for (size_t i = 0; i < 100; i++)
                ck_assert_int_eq(key_tree_add(&tree, at("Machine"), "Key0", KEY_IS_SET, &node), 0);
        ck_assert_int_eq(key_tree_count(&tree), 0);
        ck_assert_uint_lt(clock_of(CLOCK_PROCESS_CPUTIME_ID) - start, 2000000);
        ck_assert_uint_eq(tree.n_rows, MANY + 2);
        ck_assert_uint_eq(at("Machine\\Key099999")->row, MANY + 1);
        for (size_t i = 0; i < MANY; i++)
                free((char *)names[i]);
        free(names);
}

TEST(survives_failing_allocations)
{
        const char *names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
        bool failed = true;

        take("", "Machine");
        struct key_node *node = at("Machine");
        for (unsigned i = 1; failed; i++) {
                alloc_fail_at(i);
                int r = key_tree_take(&tree, node, names, ARRAY_SIZE(names), KEY_IS_SET);
                if (r == 0)
                        r = key_tree_count(&tree);
                failed = alloc_fails(r, i, 1);
        }
        key_tree_open(&tree, node, true);
        shows("0[Machine] 1a 1b 1c 1d 1e 1f 1g 1h 1i ");
}

Suite *test_suite(void)
{
        return suite_with("regedit-key-tree", setup, teardown);
}
