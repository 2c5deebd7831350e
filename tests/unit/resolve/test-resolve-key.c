/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../schema/values/value.h"
#include "resolve-util.h"
#include "suite.h"

static void assert_path(const char *text, int result, unsigned target, size_t depth)
{
        _cleanup_path_ struct path p = { 0 };
        struct guid found = guid_of(0xEE);
        size_t found_depth = 99;

        ck_assert_int_eq(path_parse(text, strlen(text), NULL, NULL, &p, NULL), 0);
        ck_assert_int_eq(resolve_path(s, &l, &machine, &p, &found, &found_depth), result);
        ck_assert_uint_eq(found.bytes[0], result == 0 ? target : 0xEE);
        ck_assert_uint_eq(found_depth, depth);
        ck_assert_int_eq(resolve_path(s, &l, &machine, &p, &found, NULL), result);
}

TEST(path)
{
        APPLY(s, OP_KEY(2, 1, "System"));
        APPLY(s, OP_ENTRY(1, "System", "base", 2, 1));
        APPLY(s, OP_KEY(3, 2, "Äudit"));
        APPLY(s, OP_ENTRY(2, "Äudit", "base", 3, 2));
        assert_path("Machine", 0, 1, 1);
        assert_path("\\SYSTEM", 0, 2, 2);
        assert_path("system/äUDIT", 0, 3, 3);
        assert_path("system\\äudit\\x\\y", -ENOENT, 0, 3);
        assert_path("x\\audit", -ENOENT, 0, 1);
        APPLY(s, OP_HIDE(1, "system", "high", 3));
        assert_path("system\\äudit", -ENOENT, 0, 1);

        APPLY(s, OP_DELETE(STORE_DELETE_ENTRY, 2, "Äudit", "base"));
        APPLY(s, OP_DELETE(STORE_DELETE_ENTRY, 1, "System", "base"));
        APPLY(s, .code = STORE_DROP_KEY, .guid = guid_of(1));
        assert_path("Machine", -ENOENT, 0, 0);
}

static void assert_why(const struct why_entry *w, const char *layer, uint64_t sequence, uint32_t precedence,
        bool blanket, enum why_state state)
{
        ck_assert_str_eq(w->layer, layer);
        ck_assert_uint_eq(w->sequence, sequence);
        ck_assert_uint_eq(w->precedence, precedence);
        ck_assert_int_eq(w->blanket, blanket);
        ck_assert_int_eq(w->state, state);
        ck_assert_int_eq(!w->entry, blanket);
        ck_assert(blanket || w->entry->sequence == sequence);
}

TEST(why)
{
        struct why_entry *w;
        size_t n;

        ck_assert_int_eq(resolve_why(s, &l, &machine, "v", 1, &w, &n), 0);
        ck_assert_uint_eq(n, 0);
        free(w);

        put_value(1, "v", "off", REG_SZ, 1);
        put_value(1, "v", "ghost", REG_SZ, 2);
        put_value(1, "v", "high", REG_TOMBSTONE, 3);
        put_value(1, "v", "low", REG_SZ, 4);
        put_value(1, "v", "base", REG_SZ, 8);
        put_value(1, "v", "file", REG_SZ, 5);
        put_value(1, "other", "twin", REG_SZ, 9);
        APPLY(s, OP_BLANKET(1, "high", true, 6));
        APPLY(s, OP_BLANKET(1, "ghost", true, 7));
        ck_assert_int_eq(resolve_why(s, &l, &machine, "V", 1, &w, &n), 0);
        ck_assert_uint_eq(n, 8);
        assert_why(&w[0], "high", 6, 10, true, WHY_WINS);
        assert_why(&w[1], "high", 3, 10, false, WHY_SHADOWED);
        assert_why(&w[2], "file", 5, 5, false, WHY_SHADOWED);
        ck_assert_str_eq(w[2].file, "50-file.yaml");
        ck_assert_ptr_null(w[1].file);
        assert_why(&w[3], "base", 8, 0, false, WHY_SHADOWED);
        assert_why(&w[4], "low", 4, 0, false, WHY_SHADOWED);
        assert_why(&w[5], "ghost", 7, 0, true, WHY_LAYER_UNKNOWN);
        assert_why(&w[6], "ghost", 2, 0, false, WHY_LAYER_UNKNOWN);
        assert_why(&w[7], "off", 1, 20, false, WHY_LAYER_DISABLED);
        free(w);

        /* Nobody wins among layers that do not count. */
        APPLY(s, OP_DELETE(STORE_DELETE_VALUE, 1, "v", "base"));
        put_value(1, "w", "off", REG_SZ, 20);
        APPLY(s, OP_BLANKET(1, "high", false, 0));
        APPLY(s, OP_BLANKET(1, "ghost", false, 0));
        ck_assert_int_eq(resolve_why(s, &l, &machine, "w", 1, &w, &n), 0);
        ck_assert_uint_eq(n, 1);
        assert_why(&w[0], "off", 20, 20, false, WHY_LAYER_DISABLED);
        free(w);
}

TEST(lists)
{
        static const char *const names[] = { "b", "Ö", "a", "", "C", "ö2", "gone", "ghost" };
        static const char *const sorted[] = { "", "a", "b", "C", "Ö", "ö2" };
        const struct store_value_entry **list;
        const struct store_path_entry **children;
        size_t n;

        ck_assert_int_eq(resolve_values(s, &l, &machine, SIZE_MAX, &list, &n), 0);
        ck_assert_uint_eq(n, 0);
        free(list);
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
                put_value(1, names[i], i == 7 ? "ghost" : "base", REG_SZ, 10 + i);
                if (names[i][0] == '\0')
                        continue;
                apply(s, (struct store_op){ OP_KEY((uint8_t)(2 + i), 1, names[i]) });
                apply(s, (struct store_op){ OP_ENTRY(
                                 1, names[i], i == 7 ? "ghost" : "base", (uint8_t)(2 + i), 100 + i) });
        }
        put_value(1, "GONE", "high", REG_TOMBSTONE, 30);
        APPLY(s, OP_HIDE(1, "GONE", "high", 31));

        ck_assert_int_eq(resolve_values(s, &l, &machine, SIZE_MAX, &list, &n), 0);
        ck_assert_uint_eq(n, ARRAY_SIZE(sorted));
        for (size_t i = 0; i < n; i++)
                ck_assert_str_eq(list[i]->name, sorted[i]);
        ck_assert_ptr_nonnull(list[0]->data);
        free(list);
        ck_assert_int_eq(resolve_values(s, &l, &machine, 0, &list, &n), 0);
        ck_assert_uint_eq(n, ARRAY_SIZE(sorted));
        ck_assert_ptr_null(list[0]->data);
        free(list);
        ck_assert_int_eq(resolve_children(s, &l, &machine, &children, &n), 0);
        ck_assert_uint_eq(n, ARRAY_SIZE(sorted) - 1);
        for (size_t i = 0; i < n; i++)
                ck_assert_str_eq(children[i]->name, sorted[i + 1]);
        free(children);

        APPLY(s, OP_BLANKET(1, "file", true, 40));
        put_value(1, "b", "high", REG_SZ, 41);
        ck_assert_int_eq(resolve_values(s, &l, &machine, SIZE_MAX, &list, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_uint_eq(list[0]->sequence, 41);
        free(list);
}

Suite *test_suite(void)
{
        return suite_with("resolve-key", setup, teardown);
}
