/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The columns of ReadTree() are read together, and refused where they do not fit each other. */
#include <errno.h>

#include "../../../registry-provider/reg/tree-key.h"
#include "../../../schema/bus/cleanup.h"
#include "../../../schema/dbus/names.h"
#include "message.h"
#include "suite.h"

/* As many of each column, of a key with two values "ab" of layer "high" and "c" of "base". */
struct counts {
        unsigned layers, types, sequences, from, sizes, bytes, names; /* bytes of the last two */
};
static const struct counts fitting = { 2, 2, 2, 2, 2, 3, 7 };

static sd_bus_message *page_of(struct counts n)
{
        const uint32_t types[] = { REG_SZ, REG_TOMBSTONE, 1 }, from[] = { 1, 0, 0 }, sizes[] = { 2, 1, 0 };
        const uint64_t sequences[] = { 7, 1, 1 };
        sd_bus_message *m = message_new("C");

        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(" REGISTRY_TREE_KEY ")"), 0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'r', REGISTRY_TREE_KEY), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "suas", "Machine\\A", 5, n.layers, "base", "high"), 0);
        ck_assert_int_ge(sd_bus_message_append_array(m, 'u', types, n.types * sizeof(*types)), 0);
        ck_assert_int_ge(
                sd_bus_message_append_array(m, 't', sequences, n.sequences * sizeof(*sequences)), 0);
        ck_assert_int_ge(sd_bus_message_append_array(m, 'u', from, n.from * sizeof(*from)), 0);
        ck_assert_int_ge(sd_bus_message_append_array(m, 'u', sizes, n.sizes * sizeof(*sizes)), 0);
        ck_assert_int_ge(sd_bus_message_append_array(m, 'y', "abcd", n.bytes), 0);
        ck_assert_int_ge(sd_bus_message_append_array(m, 'y', "First\0\0Third", n.names), 0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "s", "behind"), 0);
        message_seal(m);
        return m;
}

static void expect(struct tree_key *k, struct tree_value expected)
{
        struct tree_value v;

        ck_assert(tree_value_next(k, &v));
        ck_assert_str_eq(v.name, expected.name);
        ck_assert_str_eq(v.layer, expected.layer);
        ck_assert_uint_eq(v.sequence, expected.sequence);
        ck_assert(value_equal(&v.value, &expected.value));
}

TEST(fits)
{
        _cleanup_tree_key_ struct tree_key k = { 0 };
        _cleanup_message_ sd_bus_message *m = page_of(fitting);
        struct tree_value v;
        const char *behind;

        ck_assert_int_ge(tree_page_enter(m), 0);
        ck_assert_int_eq(tree_key_next(m, &k), 1);
        ck_assert_str_eq(k.path, "Machine\\A");
        ck_assert_uint_eq(k.flags, TREE_KEY_IS_NAMED | TREE_KEY_IS_MASKED);
        expect(&k, (struct tree_value){ "First", "high", 7, { REG_SZ, 2, "ab" } });
        expect(&k, (struct tree_value){ "", "base", 1, { REG_TOMBSTONE, 1, "c" } });
        ck_assert(!tree_value_next(&k, &v));
        ck_assert_int_eq(tree_key_next(m, &k), 0);
        ck_assert_int_gt(sd_bus_message_read(m, "s", &behind), 0);
}

static int read_all(sd_bus_message *m)
{
        _cleanup_tree_key_ struct tree_key k = { 0 };
        struct tree_value v;
        int r = tree_page_enter(m);

        while (r >= 0 && (r = tree_key_next(m, &k)) > 0)
                while (tree_value_next(&k, &v))
                        ;
        return r;
}

TEST(does_not_fit)
{
        const struct counts wrong[] = { { 1, 2, 2, 2, 2, 3, 7 }, { 2, 1, 2, 2, 2, 3, 7 },
                { 2, 3, 2, 2, 2, 3, 7 }, { 2, 2, 1, 2, 2, 3, 7 }, { 2, 2, 2, 3, 2, 3, 7 },
                { 2, 2, 2, 2, 1, 3, 7 }, { 2, 2, 2, 2, 2, 2, 7 }, { 2, 2, 2, 2, 2, 4, 7 },
                { 2, 2, 2, 2, 2, 3, 6 }, { 2, 2, 2, 2, 2, 3, 8 }, { 2, 2, 2, 2, 2, 3, 0 },
                { 2, 2, 2, 2, 2, 3, 13 }, { 0, 0, 0, 0, 0, 1, 0 }, { 0, 0, 0, 0, 0, 0, 6 } };

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                _cleanup_message_ sd_bus_message *m = page_of(wrong[i]);
                ck_assert_msg(read_all(m) == -EBADMSG, "%zu", i);
        }
        _cleanup_message_ sd_bus_message *m = page_of((struct counts){ 0 });
        ck_assert_int_eq(read_all(m), 0);
}

Suite *test_suite(void)
{
        return suite_with("tree-key", message_setup, message_teardown);
}
