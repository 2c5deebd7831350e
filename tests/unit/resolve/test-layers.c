/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>

#include "../../../registry-provider/resolve/layers.h"
#include "suite.h"

static void assert_layer(
        const struct layers *l, const char *name, uint32_t precedence, bool enabled, const char *file)
{
        const struct layer *found = layers_find(l, name);
        ck_assert_ptr_nonnull(found);
        ck_assert_uint_eq(found->precedence, precedence);
        ck_assert_int_eq(found->enabled, enabled);
        ck_assert_pstr_eq(found->file, file);
}

TEST(base)
{
        struct layers l;

        ck_assert_int_eq(layers_init(&l), 0);
        ck_assert_uint_eq(l.n, 1);
        assert_layer(&l, "base", 0, true, NULL);
        assert_layer(&l, "BASE", 0, true, NULL);
        ck_assert_int_eq(layers_set(&l, "base", 0, true, NULL), 0);
        ck_assert_int_eq(layers_set(&l, "Base", 1, true, NULL), -EINVAL);
        ck_assert_int_eq(layers_set(&l, "base", 0, false, NULL), -EINVAL);
        ck_assert_int_eq(layers_set(&l, "base", 0, true, "file"), -EINVAL);
        ck_assert(!layers_remove(&l, "bASE"));
        assert_layer(&l, "base", 0, true, NULL);
        layers_done(&l);
        ck_assert_uint_eq(l.n, 0);
        layers_done(&l);
}

TEST(set_and_remove)
{
        static const char *const names[] = { "m", "Zebra", "a", "ärger", "50-site", "Base2", "b" };
        struct layers l;

        ck_assert_int_eq(layers_init(&l), 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                ck_assert_ptr_null(layers_find(&l, names[i]));
                ck_assert_int_eq(layers_set(&l, names[i], (uint32_t)i, i % 2 == 0, NULL), 0);
        }
        ck_assert_uint_eq(l.n, ARRAY_SIZE(names) + 1);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                assert_layer(&l, names[i], (uint32_t)i, i % 2 == 0, NULL);
        assert_layer(&l, "ÄRGER", 3, false, NULL);

        ck_assert_int_eq(layers_set(&l, "ZEBRA", 9, true, "z.yaml"), 0);
        ck_assert_uint_eq(l.n, ARRAY_SIZE(names) + 1);
        assert_layer(&l, "zebra", 9, true, "z.yaml");
        ck_assert_str_eq(layers_find(&l, "zebra")->name, "ZEBRA");

        ck_assert(!layers_remove(&l, "zebr"));
        ck_assert(layers_remove(&l, "zebra"));
        ck_assert(!layers_remove(&l, "zebra"));
        ck_assert(layers_remove(&l, "50-SITE"));
        ck_assert_ptr_null(layers_find(&l, "50-site"));
        assert_layer(&l, "m", 0, true, NULL);
        assert_layer(&l, "b", 6, true, NULL);
        assert_layer(&l, "base", 0, true, NULL);
        layers_done(&l);
}

TEST(limit)
{
        struct layers l;

        ck_assert_int_eq(layers_init(&l), 0);
        for (unsigned i = 1; i < LAYERS_MAX; i++)
                ck_assert_int_eq(layers_set(&l, textf("layer %u", i), i, true, NULL), 0);
        ck_assert_int_eq(layers_set(&l, "one more", 1, true, NULL), -E2BIG);
        ck_assert_int_eq(layers_set(&l, "Layer 5", 55, true, NULL), 0);
        assert_layer(&l, "layer 5", 55, true, NULL);
        assert_layer(&l, "layer 1023", 1023, true, NULL);
        layers_done(&l);
}

Suite *test_suite(void)
{
        return suite_of("layers");
}
