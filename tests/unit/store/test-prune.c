/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "../../../schema/values/value.h"
#include "store-file.h"
#include "suite.h"

#define UNBOUNDED                                                                                           \
        {                                                                                                   \
                .age = UINT64_MAX / 2, .rows = UINT64_MAX, .bytes = UINT64_MAX, .policy_bytes = UINT64_MAX  \
        }

static const struct guid machine = { { 1 } };

static void apply(struct store *s, struct store_op op, const struct store_author *author)
{
        ck_assert_int_eq(store_begin(s, author), 0);
        op.sequence = store_take_sequence(s);
        ck_assert_int_eq(store_apply(s, &op), 0);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_sync(s, NULL), 0);
}

static void set(struct store *s, const char *data, bool is_policy, const char *reason)
{
        const struct store_author author = { .reason = reason, .actor = ACTOR_UNKNOWN };

        apply(s,
                (struct store_op){ .code = STORE_SET_VALUE,
                        .guid = machine,
                        .name = "Value",
                        .layer = LAYER_BASE,
                        .type = REG_SZ,
                        .data = data,
                        .size = strlen(data),
                        .is_policy = is_policy },
                &author);
}

/* With row 1 of the history: the key, which is not policy. */
static struct store *new_store(const struct scratch *s)
{
        struct store *store = open_store(s);

        apply(store, (struct store_op){ .code = STORE_CREATE_KEY, .guid = machine, .name = "Machine" },
                NULL);
        return store;
}

/* To the end; how often it was called. */
static unsigned prune(struct store *s, struct store_prune_limits limits)
{
        unsigned n = 0;
        bool more = true;

        for (; more; n++) {
                ck_assert_uint_lt(n, 1000);
                ck_assert_int_eq(store_prune(s, &limits, &more), 0);
                ck_assert_int_eq(store_sync(s, NULL), 0);
        }
        return n;
}

static int64_t number(const struct scratch *s, const char *sql)
{
        return get_number(s->file, sql);
}

static int64_t rows(const struct scratch *s)
{
        return number(s, "SELECT count(*) FROM history");
}

TEST(by_number)
{
        _cleanup_store_ struct store *store = new_store(&here);
        struct store_prune_limits limits = UNBOUNDED;

        for (unsigned i = 0; i < 50; i++)
                set(store, "data", false, "set");
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 51);
        limits.rows = 10;
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 10);
        ck_assert_int_eq(number(&here, "SELECT min(sequence) FROM history"), 42);
        /* What comes later is counted, after a restart too. */
        for (unsigned i = 0; i < 5; i++)
                set(store, "data", false, "set");
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 10);
        store = store_close(store);
        store = open_store(&here);
        ck_assert_uint_eq(store_last_sequence(store), 56);
        set(store, "data", false, "set");
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 10);
        ck_assert_int_eq(number(&here, "SELECT min(sequence) FROM history"), 48);
        /* The newest one has the counter. */
        limits.rows = limits.bytes = limits.policy_bytes = 0;
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 1);
        ck_assert_int_eq(number(&here, "SELECT sequence FROM history"), 57);
}

/* 100 and the data before and after. */
TEST(by_bytes)
{
        _cleanup_store_ struct store *store = new_store(&here);
        struct store_prune_limits limits = UNBOUNDED;
        char text[1001];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        for (unsigned i = 0; i < 20; i++)
                set(store, text, false, "set");
        limits.bytes = 5 * 2100;
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 5);
        limits.bytes--;
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 4);
}

/* A load of other values does not push it out. */
TEST(policy)
{
        _cleanup_store_ struct store *store = new_store(&here);
        struct store_prune_limits limits = UNBOUNDED;

        for (unsigned i = 0; i < 300; i++)
                set(store, "data", i % 10 == 0, "set");
        apply(store,
                (struct store_op){ .code = STORE_SET_FILE, .layer = "file", .name = "f.yaml", .set = true },
                NULL);
        apply(store, (struct store_op){ .code = STORE_FORGET_FILE, .layer = "file" }, NULL);
        apply(store, (struct store_op){ .code = STORE_NOTE, .name = "something happened" }, NULL);
        set(store, "data", false, "set");
        limits.rows = 7;
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 7 + 30 + 3);
        ck_assert_int_eq(
                number(&here, "SELECT count(*) FROM history WHERE op = 33 AND sequence % 10 = 2"), 30);
        /* It has a bound of its own. */
        limits.policy_bytes = 1000;
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 7 + 9);
        ck_assert_int_eq(number(&here, "SELECT count(*) FROM history WHERE op >= 0x1000"), 3);
}

TEST(deleted_layer)
{
        _cleanup_store_ struct store *store = new_store(&here);
        struct store_prune_limits limits = UNBOUNDED;

        apply(store,
                (struct store_op){ .code = STORE_SET_VALUE,
                        .guid = machine,
                        .name = "Value",
                        .layer = "site",
                        .type = REG_SZ },
                NULL);
        apply(store, (struct store_op){ .code = STORE_DELETE_LAYER, .layer = "site" }, NULL);
        set(store, "data", false, "set");
        limits.rows = 1;
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 2);
        ck_assert_int_eq(number(&here, "SELECT op FROM history ORDER BY id LIMIT 1"), STORE_DELETE_VALUE);
}

TEST(by_age)
{
        _cleanup_store_ struct store *store = new_store(&here);
        struct store_prune_limits limits = UNBOUNDED;

        for (unsigned i = 0; i < 10; i++)
                set(store, "data", i % 2 == 0, "set");
        limits.age = UINT64_C(3600000000);
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 11);
        run_sql(here.file, "UPDATE history SET time = time - 3601000000 WHERE id <= 5");
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 6);
        run_sql(here.file, "UPDATE history SET time = time - 3601000000");
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 1);
}

TEST(authors)
{
        _cleanup_store_ struct store *store = new_store(&here);
        struct store_prune_limits limits = UNBOUNDED;

        for (unsigned i = 0; i < 30; i++)
                set(store, "data", i == 12, i / 5 % 2 ? "one" : "other");
        ck_assert_int_eq(number(&here, "SELECT count(*) FROM author"), 7);
        limits.rows = 7;
        prune(store, limits);
        /* That of the policy, and those of the last seven: five and two. */
        ck_assert_int_eq(rows(&here), 8);
        ck_assert_int_eq(number(&here, "SELECT count(*) FROM author"), 3);
        ck_assert_int_eq(
                number(&here, "SELECT count(*) FROM history WHERE author NOT IN (SELECT id FROM author)"),
                0);
        set(store, "data", false, "one");
        limits.rows = 1;
        limits.policy_bytes = 0;
        prune(store, limits);
        ck_assert_int_eq(number(&here, "SELECT count(*) FROM author"), 1);
        ck_assert_int_eq(
                number(&here, "SELECT count(*) FROM history WHERE author NOT IN (SELECT id FROM author)"),
                0);
}

static uint64_t a_look; /* takes so many µs; 0: as long as it does */

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
        static uint64_t now = 1;

        if (a_look == 0 || clock != CLOCK_MONOTONIC)
                return __real_clock_gettime(clock, ret);
        now += a_look;
        *ret = (struct timespec){ (time_t)(now / 1000000), (long)(now % 1000000) * 1000 };
        return 0;
}

/* A part at a time, and nobody waits long for one: 200 rows, or as many as time allows. */
TEST_EACH(parts, 2)
{
        _cleanup_store_ struct store *store = new_store(&here);
        struct store_prune_limits limits = UNBOUNDED;
        int64_t before;
        bool more;

        put_large(store, 1, 1000, 8);
        a_look = _i ? 10 : 20000;
        ck_assert_int_eq(store_prune(store, &limits, &more), 0);
        ck_assert_int_eq(more, !_i);
        ck_assert(!store_is_pending(store));
        ck_assert_uint_eq(prune(store, limits), _i ? 1 : 5);
        limits.rows = 100;
        do {
                before = rows(&here);
                ck_assert_int_eq(store_prune(store, &limits, &more), 0);
                const bool any = store_is_pending(store);
                ck_assert_int_eq(store_sync(store, NULL), 0);
                ck_assert_int_eq(before - rows(&here) > 200, _i && before == 1001);
                ck_assert_int_eq(any, before > rows(&here));
        } while (more);
        ck_assert_int_eq(rows(&here), 100);
        /* There is nothing to do, and nothing is written. */
        ck_assert_int_eq(store_prune(store, &limits, &more), 0);
        ck_assert(!more && !store_is_pending(store));
        a_look = 0;
}

/* It is undone, and counted anew. */
TEST(fails)
{
        _cleanup_store_ struct store *store = new_store(&here);
        struct store_prune_limits limits = UNBOUNDED;
        bool more;

        for (unsigned i = 0; i < 20; i++)
                set(store, "data", false, "set");
        limits.rows = 10;
        run_sql(here.file, "CREATE TRIGGER no BEFORE DELETE ON history WHEN old.id = 5"
                           " BEGIN SELECT RAISE(ABORT, 'no'); END");
        ck_assert_int_lt(store_prune(store, &limits, &more), 0);
        ck_assert(!more && !store_is_pending(store));
        ck_assert_int_eq(rows(&here), 21);
        run_sql(here.file, "DROP TRIGGER no");
        /* And a turn that cannot be committed. */
        ck_assert_int_eq(store_prune(store, &limits, &more), 0);
        ck_assert(store_is_pending(store));
        store_abandon(store);
        ck_assert_int_eq(rows(&here), 21);
        prune(store, limits);
        ck_assert_int_eq(rows(&here), 10);
}

Suite *test_suite(void)
{
        return suite_with("prune", here_make, here_remove);
}
