/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was looked up before costs no statement, and is never older than the rows. */

#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/store/history.h"
#include "../../../registry-provider/store/store-internal.h"
#include "../../../schema/values/value.h"
#include "scratch.h"
#include "store-util.h"
#include "suite.h"

static struct store *s;
static const struct guid machine = { { 1 } }, app = { { 2 } }, later = { { 9 } };

static void setup(void)
{
        s = fixture_new();
        sync_store(s);
}

static void teardown(void)
{
        s = store_close(s);
}

static int count(_unused_ unsigned what, void *userdata, _unused_ void *p, _unused_ void *x)
{
        ++*(unsigned *)userdata;
        return 0;
}

/* One look-up of each kind, of what is there and of what is not. */
static void look_around(void)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);

        ck_assert_str_eq(store_key(s, &app)->name, "App");
        ck_assert_ptr_null(store_key(s, &later));
        ck_assert_str_eq(store_lookup(s, &machine, "APP", 3)->name, "app");
        ck_assert_ptr_null(store_lookup(s, &machine, "none", 4));
        ck_assert_ptr_nonnull(store_value(s, &app, "", 0));
        ck_assert_ptr_null(store_value(s, &app, "none", 4));
        ck_assert_ptr_nonnull(store_blankets(s, &app));
        ck_assert_ptr_null(store_blankets(s, &machine));
}

static unsigned statements_of(void (*look)(void))
{
        unsigned n = 0;

        ck_assert_int_eq(sqlite3_trace_v2(s->db->sqlite, SQLITE_TRACE_STMT, count, &n), SQLITE_OK);
        look();
        ck_assert_int_eq(sqlite3_trace_v2(s->db->sqlite, 0, NULL, NULL), SQLITE_OK);
        return n;
}

static unsigned statements(void)
{
        return statements_of(look_around);
}

TEST(no_statement_twice)
{
        ck_assert_uint_gt(statements(), 8);
        ck_assert_uint_eq(statements(), 0);
        begin(s);
        store_rollback(s);
        ck_assert_uint_gt(statements(), 8);
        store_limit_cache(s, 0);
        ck_assert_uint_gt(statements(), 8);
        ck_assert_uint_gt(statements(), 8);
}

static uint64_t number;

static void look_at_new(void)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct store_value_entry *e = store_value(s, &app, "NEW", 3);

        ck_assert_str_eq(e->name, "New");
        ck_assert_uint_eq(e->size, 1);
        ck_assert_int_eq(*(const char *)e->data, 'x');
        ck_assert_uint_eq(e->type, REG_SZ);
        ck_assert_uint_eq(e->sequence, number);
        ck_assert(!e->next == (number < 103));
}

static int apply_value(const char *layer)
{
        return store_apply(s, &(struct store_op){ OP_VALUE(2, "New", layer, REG_SZ, "x", number) });
}

/* What was put is known, as long as no other layer has it, and is gone with its transaction. */
TEST(what_was_put)
{
        begin(s);
        for (number = 100; number < 103; number++) {
                ck_assert_int_eq(apply_value("base"), 0);
                ck_assert_uint_eq(statements_of(look_at_new), 0);
        }
        ck_assert_int_eq(apply_value("high"), 0);
        ck_assert_uint_gt(statements_of(look_at_new), 0);
        store_rollback(s);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        ck_assert_ptr_null(store_value(s, &app, "New", 3));
}

static const struct guid made = { { 9 } };

/* How many layers have the value, and how many a blanket. */
static size_t values, blankets;

static void look_into_made(void)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);

        values = blankets = 0;
        for (const struct store_value_entry *e = store_value(s, &made, "New", 3); e; e = e->next)
                values++;
        for (const struct store_blanket *b = store_blankets(s, &made); b; b = b->next)
                blankets++;
}

static void assert_made(size_t n_values, size_t n_blankets, bool is_asked)
{
        unsigned n = statements_of(look_into_made);

        ck_assert_uint_eq(values, n_values);
        ck_assert_uint_eq(blankets, n_blankets);
        ck_assert_msg(is_asked == (n > 0), "%u statements", n);
        look_into_made();
        ck_assert_uint_eq(values, n_values);
        ck_assert_uint_eq(blankets, n_blankets);
}

static const struct {
        const char *what;
        struct store_op ops[2];
        size_t values, blankets;
        bool is_asked;
} into_made[] = {
        { "nothing", { { 0 } }, 0, 0, false },
        { "a value", { { OP_VALUE(9, "new", "base", REG_SZ, "x", 100) } }, 1, 0, false },
        { "another value", { { OP_VALUE(9, "other", "base", REG_SZ, "x", 100) } }, 0, 0, false },
        { "two layers' value",
                { { OP_VALUE(9, "new", "base", REG_SZ, "x", 100) },
                        { OP_VALUE(9, "new", "high", REG_SZ, "x", 101) } },
                2, 0, true },
        { "a value that went",
                { { OP_VALUE(9, "new", "base", REG_SZ, "x", 100) },
                        { OP_DELETE(STORE_DELETE_VALUE, 9, "new", "base") } },
                0, 0, true },
        { "a blanket", { { OP_BLANKET(9, "base", true, 100) } }, 0, 1, true },
        { "another key after it",
                { { OP_VALUE(9, "new", "base", REG_SZ, "x", 100) }, { OP_KEY(10, 1, "Next") } }, 1, 0,
                true },
};

/* What is put into a key that was just made is known; what is not known of it is asked for. */
TEST_EACH(new_key, ARRAY_SIZE(into_made))
{
        begin(s);
        APPLY(s, OP_KEY(9, 1, "Made"));
        for (size_t i = 0; i < ARRAY_SIZE(into_made[_i].ops) && into_made[_i].ops[i].code; i++)
                ck_assert_int_eq(store_apply(s, &into_made[_i].ops[i]), 0);
        assert_made(into_made[_i].values, into_made[_i].blankets, into_made[_i].is_asked);
        store_rollback(s);
        assert_made(0, 0, true);
}

/* Of a cache that begins anew, or keeps nothing, nothing follows. */
TEST_EACH(new_key_in_a_small_cache, 2)
{
        store_limit_cache(s, _i ? 0 : 4096);
        begin(s);
        APPLY(s, OP_KEY(9, 1, "Made"));
        APPLY(s, OP_VALUE(9, "new", "base", REG_SZ, "x", 100));
        for (uint64_t i = 1; i < 100; i++)
                APPLY(s, OP_VALUE(9, textf("v%u", (unsigned)i), "base", REG_SZ, "x", 100 + i));
        assert_made(1, 0, true);
        store_rollback(s);
}

/* What is handed out is good until the scope ends, whatever changes. */
TEST(handed_out)
{
        look_around();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct store_key *key = store_key(s, &app);
        const struct store_path_entry *entry = store_lookup(s, &machine, "App", 3);
        const uint64_t was = key->last_write;

        APPLY(s, OP_VALUE(2, "v", "base", REG_SZ, "x", 100), .time = was + 5);
        APPLY(s, OP_HIDE(1, "App", "base", 101));
        store_limit_cache(s, 0);
        ck_assert_uint_eq(key->last_write, was);
        ck_assert_str_eq(key->name, "App");
        ck_assert_str_eq(entry->name, "app");
        ck_assert_uint_eq(store_key(s, &app)->last_write, was + 5);
        ck_assert(store_lookup(s, &machine, "App", 3)->hidden);
}

static bool dangles(const char *name)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        return store_lookup(s, &machine, name, strlen(name))->dangling;
}

TEST_EACH(key_comes_behind_its_entry, 2)
{
        APPLY(s, OP_ENTRY(1, "Other", "base", 9, 100));
        ck_assert(dangles("Other"));
        APPLY(s, OP_KEY(9, 1, "Later"), .is_volatile = _i);
        ck_assert(!dangles("Other"));
        sync_store(s);
        begin(s);
        store_rollback(s);
        ck_assert(!dangles("Other"));
}

/* Undone row by row, a key goes while an entry names it. */
TEST(key_is_undone)
{
        APPLY(s, OP_ENTRY(1, "Other", "base", 9, 100));
        APPLY(s, OP_KEY(9, 1, "Later"));
        ck_assert(!dangles("Other"));
        begin(s);
        {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                ck_assert_int_eq(history_undo(s, history_before(s, INT64_MAX)), 0);
        }
        ck_assert(dangles("Other"));
        store_rollback(s);
        ck_assert(!dangles("Other"));
}

static bool has(const struct store *of, const char *name)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(of);
        return store_value(of, &app, name, strlen(name)) != NULL;
}

TEST(undone)
{
        ck_assert(!has(s, "v"));
        begin(s);
        begin(s);
        APPLY(s, OP_VALUE(2, "v", "base", REG_SZ, "x", 100));
        ck_assert(has(s, "v"));
        store_rollback(s);
        ck_assert(!has(s, "v"));
        store_rollback(s);

        ck_assert_int_eq(store_begin_preview(s), 0);
        APPLY(s, OP_VALUE(2, "v", "base", REG_SZ, "x", 100));
        ck_assert(has(s, "v"));
        commit(s);
        store_abandon(s);
        ck_assert(!has(s, "v"));
}

/* A large value is not kept, and pushes nothing out. */
TEST(large)
{
        _cleanup_store_ struct store *big = NULL;
        static char data[8192];

        ck_assert_int_eq(store_open(NULL, STORE_WRITE, sizeof(data), &big, NULL), 0);
        fixture_fill(big);
        APPLY(big, OP_VALUE(2, "v", "base", REG_BINARY, data, 100));
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(big);
        const size_t before = big->cache.arena.total;
        ck_assert_ptr_nonnull(store_value(big, &app, "v", 1));
        ck_assert_uint_eq(big->cache.arena.total, before);
        APPLY(big, OP_KEY(9, 1, "Made"));
        APPLY(big, OP_VALUE(9, "v", "base", REG_BINARY, data, 101));
        ck_assert_ptr_nonnull(store_value(big, &made, "v", 1));
}

TEST(bounded)
{
        store_limit_cache(s, 64 * 1024);
        for (unsigned i = 0; i < 10000; i++) {
                ck_assert(!has(s, textf("v%u", i)));
                ck_assert_uint_lt(s->cache.arena.total, 66 * 1024);
        }
}

#define MANY 60000u

static const char *name_of_many(unsigned i, char ret[static 64])
{
        (void)snprintf(ret, 64, "a value of a large transaction %u", i);
        return ret;
}

static void look_at_many(void)
{
        char name[64];

        for (unsigned i = 0; i < MANY; i++)
                ck_assert(has(s, name_of_many(i, name)));
}

static void put_many(void)
{
        char name[64];

        for (unsigned i = 0; i < MANY; i++) {
                const struct store_op put = { OP_VALUE(
                        2, name_of_many(i, name), "base", REG_SZ, "x", 100 + i) };
                ck_assert_int_eq(store_apply(s, &put), 0);
        }
}

/* Of a table that the turn does not change. */
static int pages_read_again(void)
{
        int n = 0, unused;

        for (unsigned i = 0; i < 100; i++)
                ck_assert_int_eq(sql_number(s, "SELECT count(*) FROM main.blanket"), 1);
        ck_assert_int_eq(
                sqlite3_db_status(s->db->sqlite, SQLITE_DBSTATUS_CACHE_MISS, &n, &unused, 1), SQLITE_OK);
        return n;
}

/* It changes more pages than are kept else, and needs those that it does not change, too. */
TEST(large_turn)
{
        _cleanup_scratch_ struct scratch scratch;

        scratch_new(&scratch);
        s = store_close(s);
        s = open_store(scratch_path(&scratch, "/registry.db"), STORE_WRITE);
        fixture_fill(s);
        sync_store(s);
        begin(s);
        put_many();
        ck_assert_uint_eq(statements_of(look_at_many), 0);
        ck_assert_int_lt(pages_read_again(), 100);
        commit(s);
        sync_store(s);
        ck_assert_uint_le(s->cache.arena.total, CACHE_BYTES_DEFAULT);
        ck_assert_uint_eq(s->cache.max, CACHE_BYTES_DEFAULT);
        ck_assert_int_eq(sql_number(s, "PRAGMA cache_size"), -8192);
}

/* What another process has changed is seen from the next scope on. */
TEST(beside_a_writer)
{
        _cleanup_scratch_ struct scratch scratch;

        scratch_new(&scratch);
        const char *file = scratch_path(&scratch, "/registry.db");
        _cleanup_store_ struct store *writer = open_store(file, STORE_WRITE);
        fixture_fill(writer);
        sync_store(writer);
        _cleanup_store_ struct store *reader = open_store(file, STORE_READ_ONLY);
        ck_assert(!has(reader, "v"));
        APPLY(writer, OP_VALUE(2, "v", "base", REG_SZ, "x", 100));
        sync_store(writer);
        ck_assert(has(reader, "v"));
}

Suite *test_suite(void)
{
        return suite_with("cache", setup, teardown);
}
