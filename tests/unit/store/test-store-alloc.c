/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every allocation of every step fails once: the store stays as it was. */

#include <errno.h>
#include <string.h>

#include "../../../registry-provider/resolve/resolve.h"
#include "../../../schema/values/value.h"
#include "store-util.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);

static unsigned countdown;

static bool fails_now(void)
{
        return countdown > 0 && --countdown == 0;
}

void *__wrap_malloc(size_t n)
{
        return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return fails_now() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
        return fails_now() ? NULL : __real_strdup(s);
}

static const struct store_op script[] = {
        { OP_KEY(1, 0, "Machine") },
        { OP_ENTRY(1, "Early", "new layer", 2, 1) },
        { OP_KEY(2, 1, "Early") },
        { .code = STORE_CREATE_KEY,
                .guid = { { 3 } },
                .target = { { 1 } },
                .name = "B",
                .data = "s",
                .size = 1 },
        { OP_ENTRY(1, "B", "base", 3, 2) },
        { OP_HIDE(1, "Hidden", "base", 3) },
        { OP_HIDE(1, "Early", "base", 4) },
        { OP_VALUE(3, "v", "base", REG_SZ, "one", 5), .time = 1 },
        { OP_VALUE(3, "v", "site", REG_SZ, "two", 6), .time = 2 },
        { OP_VALUE(3, "V", "base", REG_SZ, "three", 7), .time = 3 },
        { OP_VALUE(3, "2", "base", REG_SZ, "", 8) },
        { OP_VALUE(3, "3", "base", REG_SZ, "", 9) },
        { OP_VALUE(3, "4", "base", REG_SZ, "", 10) },
        { OP_VALUE(3, "5", "base", REG_SZ, "", 11) },
        { OP_VALUE(3, "6", "base", REG_SZ, "", 12) },
        { OP_VALUE(3, "7", "other", REG_SZ, "", 13) },
        { OP_BLANKET(3, "site", true, 14) },
        { OP_BLANKET(3, "site", true, 15) },
        { OP_BLANKET(3, "third", true, 16) },
        { .code = STORE_WRITE_KEY, .guid = { { 3 } }, .mask = 3, .data = "sd", .size = 2, .time = 4 },
        { OP_DELETE(STORE_DELETE_VALUE, 3, "2", "base"), .time = 5 },
        { OP_DELETE(STORE_DELETE_ENTRY, 1, "Hidden", "base") },
        { OP_BLANKET(3, "third", false, 17) },
        { .code = STORE_DELETE_LAYER, .layer = "base" },
        { .code = STORE_DROP_KEY, .guid = { { 3 } } },
        { .code = STORE_DELETE_LAYER, .layer = "new layer" },
        { .code = STORE_DROP_KEY, .guid = { { 2 } } },
};

/* Returns how many allocations failed. */
static unsigned step(struct store *s, const struct store_op *op)
{
        _cleanup_dump_ struct dump before = dump_store(s);
        uint64_t sequence = store_last_sequence(s);

        for (unsigned n = 1;; n++) {
                countdown = n;
                int r = store_apply(s, op);
                bool failed = countdown == 0;
                countdown = 0;
                if (!failed) {
                        ck_assert_int_eq(r, 0);
                        return n - 1;
                }
                ck_assert_int_eq(r, -ENOMEM);
                ck_assert_uint_eq(store_last_sequence(s), sequence);
                _cleanup_dump_ struct dump after = dump_store(s);
                dump_assert_equal(&before, &after, "after a failed allocation");
        }
}

static unsigned begin(struct store *s)
{
        for (unsigned n = 1;; n++) {
                countdown = n;
                int r = store_begin(s);
                bool failed = countdown == 0;
                countdown = 0;
                ck_assert_int_eq(r, failed ? -ENOMEM : 0);
                if (!failed)
                        return n - 1;
        }
}

START_TEST(operations)
{
        unsigned failures = 0, begin_failures = 0;
        _cleanup_(store_freep) struct store *s = NULL;
        const bool marks = _i == 1;
        size_t n_marks = 0;

        countdown = 1;
        ck_assert_int_eq(store_new(64, &s), -ENOMEM);
        ck_assert_int_eq(store_new(64, &s), 0);
        _cleanup_dump_ struct dump empty = dump_store(s);
        for (size_t i = 0; i < ARRAY_SIZE(script); i++) {
                if (marks) {
                        begin_failures += begin(s);
                        n_marks++;
                }
                failures += step(s, &script[i]);
        }
        ck_assert_uint_gt(failures, ARRAY_SIZE(script));
        if (marks) {
                ck_assert_uint_gt(begin_failures, 0);
                while (n_marks-- > 0)
                        store_rollback(s);
                _cleanup_dump_ struct dump after = dump_store(s);
                dump_assert_equal(&empty, &after, "after rolling back everything");
        }
}
END_TEST

START_TEST(resolver)
{
        struct layers l = { 0 };
        _cleanup_(store_freep) struct store *s = NULL;
        const struct guid machine = guid_of(1), b = guid_of(3);
        const struct store_path_entry **children;
        const struct store_value_entry **values;
        struct why_entry *why;
        size_t n;

        ck_assert_int_eq(store_new(64, &s), 0);
        for (size_t i = 0; i < 20; i++)
                apply(s, script[i]);

        for (unsigned i = 1; i <= 2; i++) {
                countdown = i;
                ck_assert_int_eq(layers_init(&l), -ENOMEM);
        }
        countdown = 0;
        ck_assert_int_eq(layers_init(&l), 0);
        for (unsigned i = 1; i <= 3; i++) {
                countdown = i;
                ck_assert_int_eq(layers_set(&l, "site", 1, true, "file"), -ENOMEM);
                ck_assert_uint_eq(l.n, 1);
        }
        countdown = 0;
        ck_assert_int_eq(layers_set(&l, "site", 1, true, "file"), 0);
        for (unsigned i = 1; i <= 2; i++) {
                countdown = i;
                ck_assert_int_eq(layers_set(&l, "Site", 2, false, "other"), -ENOMEM);
                const struct layer *site = layers_find(&l, "site");
                ck_assert_str_eq(site->name, "site");
                ck_assert_str_eq(site->file, "file");
                ck_assert_uint_eq(site->precedence, 1);
        }

        countdown = 1;
        ck_assert_int_eq(resolve_why(s, &l, &b, "v", 1, &why, &n), -ENOMEM);
        countdown = 1;
        ck_assert_int_eq(resolve_children(s, &l, &machine, &children, &n), -ENOMEM);
        countdown = 1;
        ck_assert_int_eq(resolve_values(s, &l, &b, &values, &n), -ENOMEM);

        /* A look-up allocates nothing. */
        const struct store_value_entry *v;
        const struct store_path_entry *e;
        countdown = 1;
        int r_value = resolve_value(s, &l, &b, "3", 1, &v),
            r_child = resolve_child(s, &l, &machine, "b", 1, &e);
        unsigned left = countdown;
        countdown = 0;
        ck_assert_uint_eq(left, 1);
        ck_assert_int_eq(r_value, -ENOENT);
        ck_assert_int_eq(r_child, 0);
        layers_done(&l);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store-alloc");
        TCase *tc = tcase_create("store-alloc");

        tcase_add_loop_test(tc, operations, 0, 2);
        tcase_add_test(tc, resolver);
        suite_add_tcase(suite, tc);

        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
