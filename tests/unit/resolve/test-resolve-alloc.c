/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every allocation of the resolver and of the table of layers fails once: what is there stays as it was. */

#include <errno.h>

#include "../../../schema/values/value.h"
#include "resolve-util.h"
#include "../store/store-faults.h"
#include "suite.h"

TEST(layers)
{
        struct layers table = { 0 };

        for (unsigned i = 1; i <= 2; i++) {
                faults_arm(i);
                ck_assert_int_eq(layers_init(&table), -ENOMEM);
        }
        faults_disarm();
        ck_assert_int_eq(layers_init(&table), 0);
        for (unsigned i = 1; i <= 3; i++) {
                faults_arm(i);
                ck_assert_int_eq(layers_set(&table, "site", 1, true, "file"), -ENOMEM);
                ck_assert_uint_eq(table.n, 1);
        }
        faults_disarm();
        ck_assert_int_eq(layers_set(&table, "site", 1, true, "file"), 0);
        for (unsigned i = 1; i <= 2; i++) {
                faults_arm(i);
                ck_assert_int_eq(layers_set(&table, "Site", 2, false, "other"), -ENOMEM);
                const struct layer *site = layers_find(&table, "site");
                ck_assert_str_eq(site->name, "site");
                ck_assert_str_eq(site->file, "file");
                ck_assert_uint_eq(site->precedence, 1);
        }
        faults_disarm();
        layers_done(&table);
}

/* One of the resolver's functions; what it hands out goes again. */
static int resolve(unsigned which)
{
        const struct store_path_entry **children = NULL, *child;
        const struct store_value_entry **list = NULL, *value;
        struct why_entry *reasons = NULL;
        size_t n;
        int r;

        switch (which) {
        case 0:
                r = resolve_why(s, &l, &machine, "v", 1, &reasons, &n);
                break;
        case 1:
                r = resolve_children(s, &l, &machine, &children, &n);
                break;
        case 2:
                r = resolve_values(s, &l, &machine, SIZE_MAX, &list, &n);
                break;
        case 3:
                r = resolve_value(s, &l, &machine, "v", 1, &value);
                break;
        default:
                r = resolve_child(s, &l, &machine, "App", 3, &child);
        }
        if (r == 0) {
                free(reasons);
                free(children);
                free(list);
        }
        return r;
}

/* What could not be read is no answer. */
TEST_EACH(resolver, 5 * INTERRUPTED)
{
        bool failed = true;

        fault = (enum fault)(_i / 5);
        APPLY(s, OP_KEY(2, 1, "App"));
        APPLY(s, OP_ENTRY(1, "App", "base", 2, 1));
        put_value(1, "v", "base", REG_SZ, 2);
        put_value(1, "v", "high", REG_SZ, 3);
        /* SQLite rolls back a turn in which memory runs out. */
        sync_store(s);
        for (unsigned i = 1; failed; i++) {
                faults_arm(i);
                int r = resolve((unsigned)_i % 5);
                failed = faults_disarm();
                ck_assert_msg(r == 0 || (failed && r == -ENOMEM), "%d at %u", r, i);
                /* An error is forgotten with its scope. */
                renew_scope();
        }
}

static void setup_with_faults(void)
{
        faults_take_over_memory();
        setup();
}

Suite *test_suite(void)
{
        return suite_with("resolve-alloc", setup_with_faults, teardown);
}
