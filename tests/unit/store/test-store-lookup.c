/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../schema/values/value.h"
#include "store-util.h"
#include "suite.h"

TEST(expected_sequence)
{
        _cleanup_store_ struct store *s = fixture_new();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        struct store_op op = { OP_VALUE(2, "Limit", "base", REG_SZ, "new", 20) };

        /* 11 is the other layer's. */
        op.expected = 11;
        ck_assert_int_eq(try_apply(s, &op), -EAGAIN);
        op.layer = "third";
        ck_assert_int_eq(try_apply(s, &op), -EAGAIN);
        ck_assert_uint_eq(store_last_sequence(s), 15);
        op.layer = "base";
        op.expected = 10;
        ck_assert_int_eq(try_apply(s, &op), 0);
        ck_assert_int_eq(try_apply(s, &op), -EAGAIN);
        ck_assert_uint_eq(store_value(s, &op.guid, "limit", 5)->sequence, 20);
}

/* A rollback gives back what was taken since its begin, and nothing else. */
TEST(sequences)
{
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);

        ck_assert_uint_eq(store_last_sequence(s), 0);
        ck_assert_uint_eq(store_take_sequence(s), 1);
        ck_assert_uint_eq(store_take_sequence(s), 2);
        APPLY(s, OP_KEY(1, 0, "Machine"));
        APPLY(s, OP_HIDE(1, "Gone", "base", 40));
        APPLY(s, OP_HIDE(1, "Gone too", "base", 30));
        begin(s);
        ck_assert_uint_eq(store_take_sequence(s), 41);
        begin(s);
        ck_assert_uint_eq(store_take_sequence(s), 42);
        APPLY(s, OP_HIDE(1, "Later", "base", 50));
        ck_assert_uint_eq(store_last_sequence(s), 50);
        store_rollback(s);
        ck_assert_uint_eq(store_take_sequence(s), 42);
        store_rollback(s);
        ck_assert_uint_eq(store_take_sequence(s), 41);
        store_abandon(s);
        ck_assert_uint_eq(store_last_sequence(s), 2);
}

/* The kernel's order: the entry, then the key. */
TEST(entry_before_key)
{
        _cleanup_store_ struct store *s = fixture_new();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct guid app = guid_of(2), new = guid_of(9);

        APPLY(s, OP_ENTRY(2, "New", "base", 9, 20));
        const struct store_path_entry *e = store_lookup(s, &app, "new", 3);
        ck_assert_ptr_nonnull(e);
        ck_assert(e->dangling);
        ck_assert(store_key_is_referenced(s, &new));
        ck_assert_ptr_null(store_key(s, &new));

        /* A GUID is a child of one key only, be it there or not. */
        ck_assert_int_eq(try_apply(s, &(struct store_op){ OP_KEY(9, 1, "New") }), -EINVAL);
        ck_assert_int_eq(try_apply(s, &(struct store_op){ OP_KEY(9, 0, "New") }), -EINVAL);
        ck_assert_int_eq(try_apply(s, &(struct store_op){ OP_ENTRY(1, "New", "base", 9, 21) }), -EINVAL);

        APPLY(s, OP_KEY(9, 2, "New"));
        e = store_lookup(s, &app, "NEW", 3);
        ck_assert(!e->dangling);
        ck_assert(guid_equal(&e->target, &new));
        ck_assert_int_eq(
                try_apply(s, &(struct store_op){ .code = STORE_DROP_KEY, .guid = guid_of(9) }), -EINVAL);
        APPLY(s, OP_DELETE(STORE_DELETE_ENTRY, 2, "New", "base"));
        ck_assert(!store_key_is_referenced(s, &new));
        APPLY(s, .code = STORE_DROP_KEY, .guid = guid_of(9));

        /* Nobody knows the GUID any more. */
        APPLY(s, OP_KEY(9, 1, "New"));
}

TEST(lookups)
{
        _cleanup_store_ struct store *s = fixture_new();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct guid machine = guid_of(1), app = guid_of(2), nobody = guid_of(99);
        size_t n;

        ck_assert_ptr_null(store_key(s, &nobody));
        ck_assert_ptr_null(store_lookup(s, &nobody, "App", 3));
        ck_assert_ptr_null(store_lookup(s, &machine, "Ap", 2));
        ck_assert_ptr_null(store_value(s, &nobody, "Limit", 5));
        ck_assert_ptr_null(store_value(s, &machine, "Limit", 5));
        ck_assert_ptr_null(store_value(s, &app, "App", 3));
        ck_assert_ptr_null(store_lookup(s, &app, "Limit", 5));
        ck_assert_ptr_null(store_blankets(s, &machine));
        ck_assert_ptr_null(store_blankets(s, &nobody));
        ck_assert_ptr_nonnull(store_children(s, &nobody, &n));
        ck_assert_uint_eq(n, 0);
        ck_assert_ptr_nonnull(store_values(s, &nobody, SIZE_MAX, &n));
        ck_assert_uint_eq(n, 0);
        (void)store_layer(s, "nobody", &n);
        ck_assert_uint_eq(n, 0);
        ck_assert(!store_key_is_referenced(s, &nobody));
        ck_assert(!store_key_is_referenced(s, &machine));

        const struct store_value_entry *v = store_value(s, &app, "LIMITS", 5);
        ck_assert_ptr_nonnull(v);
        ck_assert_str_eq(v->name, "limit");
        ck_assert_uint_eq(v->sequence, 11);
        ck_assert_str_eq(v->next->name, "Limit");
        ck_assert_ptr_null(v->next->next);
}

/* Names compare by Unicode simple case folding, not by bytes or ASCII. */
TEST(folding)
{
        _cleanup_store_ struct store *s = fixture_new();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
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

/* An operation may be made of what the store lent and will free. */
TEST(borrowed)
{
        _cleanup_store_ struct store *s = fixture_new();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
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
        APPLY(s, .code = STORE_SET_BLANKET, .guid = app, .layer = b->layer);
        APPLY(s, .code = STORE_DELETE_LAYER, .layer = store_lookup(s, &machine, "app", 3)->layer);
        ck_assert_ptr_null(store_lookup(s, &machine, "app", 3)->next);
        ck_assert_ptr_null(store_blankets(s, &app));
}

/* Names are in the order of their folded bytes, whichever of the two databases they are in. */
TEST(order)
{
        static const char *const names[] = { "b", "D", "Ä", "a", "c" }, *const sorted = "a b c D Ä ";
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct guid machine = guid_of(1);
        char found[64] = "";
        size_t n;

        APPLY(s, OP_KEY(1, 0, "Machine"));
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
                APPLY(s, .code = STORE_CREATE_KEY, .guid = guid_of(10 + i), .target = machine,
                        .name = names[i], .is_volatile = i % 2);
                APPLY(s, OP_ENTRY(1, names[i], "base", (uint8_t)(10 + i), i + 1));
        }
        const struct store_path_entry *const *children = store_children(s, &machine, &n);
        for (size_t i = 0; i < n; i++)
                (void)strcat(strcat(found, children[i]->name), " ");
        ck_assert_str_eq(found, sorted);
}

/* One name can have an entry in the file and one in memory. */
TEST(both_databases)
{
        _cleanup_store_ struct store *s = fixture_new();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct guid machine = guid_of(1);
        size_t n;

        APPLY(s, OP_ENTRY(1, "TMP", "Site", 4, 20));
        APPLY(s, OP_HIDE(1, "tmp", "third", 19));
        const struct store_path_entry *e = store_lookup(s, &machine, "tmp", 3);
        ck_assert_uint_eq(e->sequence, 20);
        ck_assert_uint_eq(e->next->sequence, 19);
        ck_assert_uint_eq(e->next->next->sequence, 2);
        ck_assert_ptr_null(e->next->next->next);
        (void)store_children(s, &machine, &n);
        ck_assert_uint_eq(n, 3);
        ck_assert_str_eq(store_children(s, &machine, &n)[0]->name, "app");
}

/* Roots of both databases, by name. */
TEST(roots)
{
        _cleanup_store_ struct store *s = fixture_new();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        size_t n;

        APPLY(s, OP_KEY(20, 0, "Zoo"));
        APPLY(s, OP_KEY(21, 0, "Now"), .is_volatile = true);
        const struct store_key *const *keys = store_roots(s, &n);
        ck_assert_uint_eq(n, 3);
        ck_assert_str_eq(keys[0]->name, "Machine");
        ck_assert_str_eq(keys[1]->name, "Now");
        ck_assert_str_eq(keys[2]->name, "Zoo");
}

/* Nothing is empty, and empty is not missing. */
TEST(empty)
{
        _cleanup_store_ struct store *s = fixture_new();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct guid app = guid_of(2);

        APPLY(s, OP_VALUE(2, "", "base", REG_BINARY, "", 20));
        APPLY(s, .code = STORE_SET_VALUE, .guid = app, .name = "null", .layer = "base", .type = REG_NONE,
                .sequence = 21);
        const struct store_value_entry *v = store_value(s, &app, "", 0);
        ck_assert_uint_eq(v->size, 0);
        ck_assert_ptr_nonnull(v->data);
        ck_assert_str_eq(v->name, "");
        ck_assert_ptr_nonnull(store_value(s, &app, "null", 4)->data);
        ck_assert_ptr_null(store_key(s, &app)->sd);
        const struct guid zero = { 0 };
        ck_assert_ptr_null(store_value(s, &zero, "", 0));
        ck_assert_ptr_null(store_key(s, &zero));
}

Suite *test_suite(void)
{
        return suite_of("store-lookup");
}
