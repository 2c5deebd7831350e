/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../registry-provider/regedit/search.h"
#include "alloc-faults.h"
#include "suite.h"

static struct search search;

static void setup(void)
{
        search = (struct search){ 0 };
}

static void teardown(void)
{
        search_done(&search);
}

static void try_text(const char *key, const char *name, const char *text)
{
        const struct value v = { .type = REG_SZ, .size = strlen(text), .data = text };

        ck_assert_int_eq(search_try_value(&search, key, name, &v), 0);
}

static void is_at(const struct search_place *p, const char *key, const char *name)
{
        ck_assert_ptr_nonnull(p);
        ck_assert_str_eq(p->key, key);
        ck_assert_str_eq(p->name ? p->name : "(key)", name ? name : "(key)");
}

TEST(names_and_data_whatever_the_case)
{
        const uint32_t number = 4711;
        const struct value v = { .type = REG_DWORD, .size = sizeof(number), .data = &number };

        search_begin(&search, "Bl\u00dcE");
        try_text("Machine", "dark bl\u00fce", "x");
        try_text("Machine", "x", "DARK BL\u00dcE");
        try_text("Machine", "green", "x");
        ck_assert_int_eq(search_try_key(&search, "Machine\\bl\u00fces"), 0);
        /* Of a key its own name alone. */
        ck_assert_int_eq(search_try_key(&search, "Machine\\bl\u00fces\\x"), 0);
        ck_assert_uint_eq(search.n, 3);
        search_begin(&search, "71");
        ck_assert_uint_eq(search.n, 0);
        ck_assert_int_eq(search_try_value(&search, "Machine", "n", &v), 0);
        ck_assert_int_eq(search_try_value(&search, "Machine", "71", NULL), 0);
        ck_assert_uint_eq(search.n, 2);
}

/* In the order of the tree, whatever that is in which they come. */
TEST(nearest_places)
{
        search_begin(&search, "x");
        try_text("Machine\\b", "x1", "");
        try_text("Machine\\a", "x2", "");
        try_text("Machine\\a", "X1", "");
        ck_assert_int_eq(search_try_key(&search, "Machine\\a\\x"), 0);
        is_at(search_end(&search, false), "Machine\\a", "X1");
        is_at(search_end(&search, true), "Machine\\b", "x1");
        is_at(search_behind(&search, "Machine", NULL, false), "Machine\\a", "X1");
        is_at(search_behind(&search, "machine\\A", "x1", false), "Machine\\a", "x2");
        is_at(search_behind(&search, "Machine\\a", "x1", true), "Machine\\a", "X1");
        is_at(search_behind(&search, "Machine\\a", "x2", false), "Machine\\a\\x", NULL);
        is_at(search_behind(&search, "Machine\\a\\x", NULL, false), "Machine\\b", "x1");
        ck_assert_ptr_null(search_behind(&search, "Machine\\b", "x1", false));
        is_at(search_before(&search, "Machine\\b", "x1"), "Machine\\a\\x", NULL);
        is_at(search_before(&search, "Machine\\a\\x", NULL), "Machine\\a", "x2");
        ck_assert_ptr_null(search_before(&search, "Machine\\a", NULL));
}

TEST(there_is_a_limit)
{
        search_begin(&search, "x");
        for (size_t i = 0; i < SEARCH_PLACES_MAX + 10; i++)
                ck_assert_int_eq(search_try_key(&search, "x"), 0);
        ck_assert_uint_eq(search.n, SEARCH_PLACES_MAX);
}

TEST(survives_failing_allocations)
{
        const struct value v = { .type = REG_SZ, .size = 1, .data = "x" };
        bool failed = true;

        for (unsigned i = 1; failed; i++) {
                search_done(&search);
                search = (struct search){ 0 };
                search_begin(&search, "x");
                alloc_fail_at(i);
                failed = alloc_fails(search_try_value(&search, "key", "name", &v), i, 1);
                ck_assert_uint_eq(search.n, failed ? 0 : 1);
        }
}

Suite *test_suite(void)
{
        return suite_with("regedit-search", setup, teardown);
}
