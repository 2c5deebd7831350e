/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/store/store-internal.h"
#include "../../../schema/values/value.h"
#include "store-util.h"

START_TEST(expected_sequence)
{
        _cleanup_(store_freep) struct store *s = fixture_new();
        struct store_op op = { OP_VALUE(2, "Limit", "base", REG_SZ, "new", 20) };

        /* 11 is the other layer's. */
        op.expected = 11;
        ck_assert_int_eq(store_apply(s, &op), -EAGAIN);
        op.layer = "third";
        ck_assert_int_eq(store_apply(s, &op), -EAGAIN);
        ck_assert_uint_eq(store_last_sequence(s), 15);
        op.layer = "base";
        op.expected = 10;
        ck_assert_int_eq(store_apply(s, &op), 0);
        ck_assert_int_eq(store_apply(s, &op), -EAGAIN);
        ck_assert_uint_eq(store_value(s, &op.guid, "limit", 5)->sequence, 20);
}
END_TEST

START_TEST(sequences)
{
        _cleanup_(store_freep) struct store *s = NULL;
        ck_assert_int_eq(store_new(FIXTURE_VALUE_MAX, &s), 0);
        ck_assert_uint_eq(store_last_sequence(s), 0);
        ck_assert_uint_eq(store_take_sequence(s), 1);
        ck_assert_uint_eq(store_take_sequence(s), 2);
        store_raise_sequence(s, 40);
        store_raise_sequence(s, 30);
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_uint_eq(store_take_sequence(s), 41);
        store_rollback(s);
        ck_assert_uint_eq(store_take_sequence(s), 42);
}
END_TEST

/* The kernel's order: the entry, then the key. */
START_TEST(entry_before_key)
{
        _cleanup_(store_freep) struct store *s = fixture_new();
        const struct guid app = guid_of(2), new = guid_of(9);

        APPLY(s, OP_ENTRY(2, "New", "base", 9, 20));
        const struct store_path_entry *e = store_lookup(s, &app, "new", 3);
        ck_assert_ptr_nonnull(e);
        ck_assert_ptr_null(store_target(e));
        ck_assert(store_key_is_referenced(s, &new));
        ck_assert_ptr_null(store_key(s, &new));

        /* A GUID is a child of one key only, be it there or not. */
        ck_assert_int_eq(store_apply(s, &(struct store_op){ OP_KEY(9, 1, "New") }), -EINVAL);
        ck_assert_int_eq(store_apply(s, &(struct store_op){ OP_KEY(9, 0, "New") }), -EINVAL);
        ck_assert_int_eq(store_apply(s, &(struct store_op){ OP_ENTRY(1, "New", "base", 9, 21) }), -EINVAL);

        APPLY(s, OP_KEY(9, 2, "New"));
        e = store_lookup(s, &app, "NEW", 3);
        ck_assert_ptr_eq(store_target(e), store_key(s, &new));
        ck_assert_int_eq(
                store_apply(s, &(struct store_op){ .code = STORE_DROP_KEY, .guid = guid_of(9) }), -EINVAL);
        APPLY(s, OP_DELETE(STORE_DELETE_ENTRY, 2, "New", "base"));
        ck_assert(!store_key_is_referenced(s, &new));
        APPLY(s, .code = STORE_DROP_KEY, .guid = guid_of(9));

        /* Nobody knows the GUID any more. */
        APPLY(s, OP_KEY(9, 1, "New"));
}
END_TEST

START_TEST(lookups)
{
        _cleanup_(store_freep) struct store *s = fixture_new();
        const struct guid machine = guid_of(1), app = guid_of(2), nobody = guid_of(99);
        const void *cursor = NULL;

        ck_assert_ptr_null(store_key(s, &nobody));
        ck_assert_ptr_null(store_lookup(s, &nobody, "App", 3));
        ck_assert_ptr_null(store_lookup(s, &machine, "Ap", 2));
        ck_assert_ptr_null(store_value(s, &nobody, "Limit", 5));
        ck_assert_ptr_null(store_value(s, &machine, "Limit", 5));
        ck_assert_ptr_null(store_value(s, &app, "App", 3));
        ck_assert_ptr_null(store_lookup(s, &app, "Limit", 5));
        ck_assert_ptr_null(store_blankets(s, &machine));
        ck_assert_ptr_null(store_blankets(s, &nobody));
        ck_assert_ptr_null(store_next_child(s, &nobody, &cursor));
        ck_assert_ptr_null(store_next_value(s, &nobody, &cursor));
        ck_assert(!store_key_is_referenced(s, &nobody));
        ck_assert(!store_key_is_referenced(s, &machine));

        const struct store_value_entry *v = store_value(s, &app, "LIMITS", 5);
        ck_assert_ptr_nonnull(v);
        ck_assert_str_eq(v->name, "limit");
        ck_assert_uint_eq(v->sequence, 11);
        ck_assert_str_eq(v->next->name, "Limit");
        ck_assert_ptr_null(v->next->next);

        /* The end stays the end. */
        while (store_next_child(s, &machine, &cursor))
                ;
        ck_assert_ptr_null(store_next_child(s, &machine, &cursor));
}
END_TEST

/* Names compare by Unicode simple case folding, not by bytes or ASCII. */
START_TEST(folding)
{
        _cleanup_(store_freep) struct store *s = fixture_new();
        const struct guid app = guid_of(2);

        APPLY(s, OP_VALUE(2, "GRÖSSE", "Ärger", REG_SZ, "1", 20));
        APPLY(s, OP_VALUE(2, "größe", "base", REG_SZ, "2", 21));
        APPLY(s, OP_VALUE(2, "grösse", "äRGER", REG_SZ, "3", 22));
        const struct store_value_entry *v = store_value(s, &app, "Grösse", strlen("Grösse"));
        ck_assert_uint_eq(v->sequence, 22);
        ck_assert_ptr_null(v->next);
        ck_assert_str_eq(v->layer, "Ärger");
        ck_assert_uint_eq(store_value(s, &app, "GRÖẞE", strlen("GRÖẞE"))->sequence, 21);
}
END_TEST

/* An operation may be made of what the store lent and will free. */
START_TEST(borrowed)
{
        _cleanup_(store_freep) struct store *s = fixture_new();
        const struct guid app = guid_of(2), tmp = guid_of(3), machine = guid_of(1);

        const struct store_value_entry *v = store_value(s, &app, "", 0);
        APPLY(s, .code = STORE_SET_VALUE, .guid = app, .name = v->name, .layer = v->layer, .type = v->type,
                .data = v->data, .size = v->size, .sequence = 20);
        v = store_value(s, &app, "", 0);
        ck_assert_uint_eq(v->sequence, 20);
        ck_assert_uint_eq(v->size, 7);
        ck_assert_mem_eq(v->data, "default", 7);
        APPLY(s, .code = STORE_DELETE_VALUE, .guid = app, .name = v->name, .layer = v->layer);

        const struct store_key *k = store_key(s, &tmp);
        APPLY(s, .code = STORE_WRITE_KEY, .guid = k->guid, .mask = STORE_MASK_SD, .data = k->sd, .size = 1);
        k = store_key(s, &tmp);
        ck_assert_uint_eq(k->sd_size, 1);
        ck_assert_mem_eq(k->sd, "s", 1);

        const struct store_path_entry *e = store_lookup(s, &machine, "Gone", 4);
        APPLY(s, .code = STORE_DELETE_ENTRY, .guid = machine, .name = e->name, .layer = e->layer);
        const struct store_blanket *b = store_blankets(s, &app);
        APPLY(s, .code = STORE_SET_BLANKET, .guid = app, .layer = b->layer, .set = true, .sequence = 30);
        b = store_blankets(s, &app);
        APPLY(s, .code = STORE_DELETE_LAYER, .layer = b->layer);
        APPLY(s, .code = STORE_DELETE_LAYER, .layer = store_lookup(s, &machine, "app", 3)->layer);
        ck_assert_uint_eq(store_counts(s).path_entries + store_counts(s).blankets, 0);
        ck_assert_uint_eq(store_counts(s).values, 0);
        ck_assert_uint_eq(store_counts(s).keys, 5);
}
END_TEST

/* What nobody points to any more is gone, names of layers and GUIDs included. */
START_TEST(nothing_left)
{
        _cleanup_(store_freep) struct store *s = fixture_new();

        APPLY(s, OP_ENTRY(2, "Early", "third", 9, 20));
        ck_assert_uint_eq(s->identities.used, 6);
        ck_assert_uint_eq(s->layers.used, 3);
        for (int i = 0; i < _i; i++)
                ck_assert_int_eq(store_begin(s), 0);
        APPLY(s, .code = STORE_DELETE_LAYER, .layer = "base");
        APPLY(s, .code = STORE_DELETE_LAYER, .layer = "site");
        APPLY(s, .code = STORE_DELETE_LAYER, .layer = "third");
        for (uint8_t i = 1; i <= 5; i++)
                APPLY(s, .code = STORE_DROP_KEY, .guid = { { i } });
        if (_i > 0)
                ck_assert_uint_eq(s->layers.used, 3);
        for (int i = 0; i < _i; i++)
                store_commit(s);
        ck_assert_uint_eq(s->identities.used, 0);
        ck_assert_uint_eq(s->layers.used, 0);
        ck_assert_uint_eq(s->children.used, 0);
        ck_assert_uint_eq(s->values.used, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store-lookup");
        TCase *tc = tcase_create("store-lookup");

        tcase_add_test(tc, expected_sequence);
        tcase_add_test(tc, sequences);
        tcase_add_test(tc, entry_before_key);
        tcase_add_test(tc, lookups);
        tcase_add_test(tc, folding);
        tcase_add_test(tc, borrowed);
        tcase_add_loop_test(tc, nothing_left, 0, 3);
        suite_add_tcase(suite, tc);

        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
