/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions in each other and one after the other, previews, restarts, and what stands in their way. */

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/store/store-internal.h"
#include "../../../registry-provider/store/wal.h"
#include "../../../schema/values/value.h"
#include "scratch.h"
#include "store-util.h"
#include "suite.h"

#define LEVELS 8u
#define LARGE 4096u

static struct store *with_a_key(const char *file, size_t value_max)
{
        struct store *s = NULL;

        ck_assert_int_eq(store_open(file, STORE_WRITE, value_max, &s, NULL), 0);
        APPLY(s, OP_KEY(1, 0, "Machine"));
        sync_store(s);
        return s;
}

static void put(struct store *s, unsigned name)
{
        const char text[] = { (char)('a' + name), '\0' };

        begin(s);
        const struct store_op op = { OP_VALUE(1, text, "base", REG_SZ, "x", store_take_sequence(s)) };
        ck_assert_int_eq(store_apply(s, &op), 0);
        commit(s);
}

static bool has(const struct store *s, unsigned name)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const char text[] = { (char)('a' + name), '\0' };
        const struct guid key = guid_of(1);

        bool found = store_value(s, &key, text, 1);
        ck_assert_int_eq(store_error(s, NULL), 0);
        return found;
}

/* Nothing holds a lock. */
static void assert_idle(const struct store *s)
{
        ck_assert(!store_is_pending(s));
        ck_assert_int_eq(sqlite3_txn_state(s->db->sqlite, NULL), SQLITE_TXN_NONE);
        ck_assert(sqlite3_get_autocommit(s->db->sqlite));
}

/* Each bit: whether the transaction of that depth is rolled back. */
TEST_EACH(nested, 1 << (LEVELS - 1))
{
        _cleanup_store_ struct store *s = with_a_key(NULL, LARGE);
        unsigned kept = 0;

        for (unsigned i = 0; i < LEVELS - 1; i++) {
                begin(s);
                put(s, i);
        }
        while (kept < LEVELS - 1 && !(_i >> kept & 1))
                kept++;
        for (unsigned i = LEVELS - 1; i-- > 0;)
                if (_i >> i & 1)
                        store_rollback(s);
                else
                        commit(s);
        for (unsigned i = 0; i < LEVELS - 1; i++)
                ck_assert_int_eq(has(s, i), i < kept);
        ck_assert_uint_eq(store_last_sequence(s), kept);
        ck_assert_int_eq(store_is_pending(s), kept > 0);
        sync_store(s);
        assert_idle(s);
        for (unsigned i = 0; i < LEVELS - 1; i++)
                ck_assert_int_eq(has(s, i), i < kept);
}

TEST(one_of_three)
{
        const char *file = scratch_path(&scratch_root, "/registry.db");
        _cleanup_store_ struct store *s = with_a_key(file, LARGE);
        for (unsigned i = 0; i < 3; i++) {
                begin(s);
                put(s, i);
                if (i == 1)
                        store_rollback(s);
                else
                        commit(s);
                ck_assert(store_is_pending(s));
        }
        sync_store(s);
        assert_idle(s);
        store_close(s);
        s = open_store(file, STORE_WRITE);
        ck_assert(has(s, 0) && !has(s, 1) && has(s, 2));
        ck_assert_uint_eq(store_last_sequence(s), 2);
}

TEST(reopened)
{
        const char *file = scratch_path(&scratch_root, "/registry.db");
        _cleanup_store_ struct store *s = open_store(file, STORE_WRITE);
        fixture_fill(s);
        APPLY(s, OP_FILE("Site", "10-site.yaml", 10, false));
        sync_store(s);
        _cleanup_dump_ struct dump before = dump_store(s);
        /* Not synced: gone. */
        APPLY(s, OP_HIDE(1, "Later", "base", 99));
        store_close(s);

        s = open_store(file, STORE_WRITE);
        ck_assert_uint_eq(store_last_sequence(s), 15);
        _cleanup_dump_ struct dump after = dump_store(s);
        _cleanup_free_ char *diff = dump_diff(&before, &after);
        ck_assert_str_eq(diff, "-key 03 in 01 Tmp sd=sd volatile time=9 named\n"
                               "-path 01 Tmp base seq=2 -> 03\n");
        assert_idle(s);
}

/* ---- Previews ---- */

static void look(const struct scratch *scratch, struct buf *ret)
{
        static const char *const names[] = { "/registry.db", "/registry.db-wal" };

        buf_clear(ret);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_buf_ struct buf contents = BUF_INIT;
                ck_assert(scratch_read(scratch, names[i], &contents));
                buf_printf(ret, "%zu\n", contents.len);
                buf_add(ret, contents.data, contents.len);
        }
}

/* More than the cache has room for. */
static void put_much(struct store *s)
{
        static char data[LARGE];
        char name[16];

        for (unsigned i = 0; i < 1500; i++) {
                (void)snprintf(name, sizeof(name), "%u", i);
                const struct store_op op = { .code = STORE_SET_VALUE,
                        .guid = guid_of(1),
                        .name = name,
                        .layer = "seen",
                        .type = REG_BINARY,
                        .data = data,
                        .size = sizeof(data),
                        .sequence = store_take_sequence(s) };
                ck_assert_int_eq(store_apply(s, &op), 0);
        }
}

/* They leave nothing, and have no history even for themselves. */
TEST(previews)
{
        _cleanup_buf_ struct buf before = BUF_INIT, now = BUF_INIT;

        _cleanup_store_ struct store *s = with_a_key(scratch_path(&scratch_root, "/registry.db"), LARGE);
        put(s, 0);
        sync_store(s);
        look(&scratch_root, &before);
        const int64_t rows = last_row(s);
        _cleanup_dump_ struct dump dump_before = dump_store(s);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(store_begin_preview(s), 0);
                put_much(s);
                ck_assert_uint_eq(store_last_sequence(s), 1501);
                begin(s);
                put(s, 1);
                if (i == 0)
                        commit(s);
                if (i == 1)
                        commit(s), commit(s);
                ck_assert(has(s, 1));
                ck_assert_int_eq(last_row(s), rows);
                store_abandon(s);
                assert_idle(s);
                look(&scratch_root, &now);
                ck_assert_uint_eq(now.len, before.len);
                ck_assert_int_eq(memcmp(now.data, before.data, now.len), 0);
                ck_assert_uint_eq(store_last_sequence(s), 1);
                _cleanup_dump_ struct dump dump_now = dump_store(s);
                dump_assert_equal(&dump_before, &dump_now, "after a preview");
        }
        /* Nor does what is no preview, before it is committed. */
        begin(s);
        put_much(s);
        look(&scratch_root, &now);
        ck_assert_uint_eq(now.len, before.len);
        store_rollback(s);
        assert_idle(s);
        put(s, 2);
        sync_store(s);
        ck_assert(has(s, 0) && !has(s, 1) && has(s, 2));
}

TEST(abandoned)
{
        _cleanup_store_ struct store *s = with_a_key(NULL, LARGE);

        store_abandon(s);
        put(s, 0);
        begin(s);
        put(s, 1);
        begin(s);
        put(s, 2);
        store_abandon(s);
        assert_idle(s);
        ck_assert_uint_eq(store_last_sequence(s), 0);
        ck_assert(!has(s, 0) && !has(s, 1) && !has(s, 2));
        put(s, 0);
        ck_assert_uint_eq(store_last_sequence(s), 1);
}

/* ---- What stands in the way ---- */

/* Another program holds the file for a while; `_i`: within a scope. */
TEST_EACH(busy, 2)
{
        struct store_scope scope = { 0 };
        sqlite3 *other;

        const char *file = scratch_path(&scratch_root, "/registry.db");
        _cleanup_store_ struct store *s = with_a_key(file, LARGE);
        put(s, 0);
        sync_store(s);
        ck_assert_int_eq(sqlite3_open(file, &other), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        if (_i)
                scope = store_scope_begin(s);
        ck_assert_int_eq(store_begin(s, NULL), -EBUSY);
        ck_assert_ptr_nonnull(strstr(store_failure(s), "database is locked"));
        ck_assert_int_eq(store_begin_preview(s), -EBUSY);
        if (_i)
                store_scope_end(&scope);
        assert_idle(s);
        ck_assert(has(s, 0));
        ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
        put(s, 1);
        ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY);
        sync_store(s);
        ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
}

/* A scope ends what it has begun, and only that. */
TEST(scopes)
{
        _cleanup_store_ struct store *s = with_a_key(NULL, LARGE);
        const struct guid key = guid_of(1);

        {
                _cleanup_store_scope_ struct store_scope outer = store_scope_begin(s);
                const struct store_key *found = store_key(s, &key);
                {
                        _cleanup_store_scope_ struct store_scope inner = store_scope_begin(s);
                        (void)store_key(s, &key);
                }
                ck_assert_int_ne(sqlite3_txn_state(s->db->sqlite, "main"), SQLITE_TXN_NONE);
                put(s, 0);
                sync_store(s);
                ck_assert_str_eq(found->name, "Machine");
                ck_assert_int_eq(sqlite3_txn_state(s->db->sqlite, "main"), SQLITE_TXN_NONE);
                ck_assert_ptr_nonnull(store_value(s, &key, "a", 1));
        }
        assert_idle(s);
        begin(s);
        {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                (void)store_key(s, &key);
        }
        put(s, 1);
        commit(s);
        sync_store(s);
        assert_idle(s);
}

static int stop(void *unused)
{
        (void)unused;
        return 1;
}

/* SQLite rolls back all when a change is interrupted; those who have a transaction open get to know. `_i`:
 * an earlier transaction of the turn is lost with it. */
TEST_EACH(lost, 2)
{
        const struct store_op op = { OP_VALUE(1, "x", "base", REG_SZ, "x", 50) };
        _cleanup_store_ struct store *s = with_a_key(NULL, LARGE);
        struct diag d = { 0 };

        if (_i)
                put(s, 0);
        begin(s);
        put(s, 1);
        begin(s);
        put(s, 2);
        sqlite3_progress_handler(s->db->sqlite, 1, stop, NULL);
        ck_assert_int_ne(sqlite3_exec(s->db->sqlite, "DELETE FROM value", NULL, NULL, NULL), SQLITE_OK);
        ck_assert(sqlite3_get_autocommit(s->db->sqlite));
        ck_assert_int_lt(store_apply(s, &op), 0);
        sqlite3_progress_handler(s->db->sqlite, 0, NULL, NULL);

        ck_assert_int_lt(store_apply(s, &op), 0);
        ck_assert_int_lt(store_begin(s, NULL), 0);
        ck_assert_int_lt(store_commit(s), 0);
        ck_assert_int_lt(store_apply(s, &op), 0);
        ck_assert_int_lt(store_begin(s, NULL), 0);
        ck_assert_int_lt(store_commit(s), 0);
        ck_assert_int_eq(store_is_pending(s), _i);
        if (_i) {
                ck_assert_int_lt(store_begin(s, NULL), 0);
                ck_assert_int_lt(store_sync(s, &d), 0);
                ck_assert_ptr_nonnull(strstr(d.text, "the changes could not be stored: "));
        }
        assert_idle(s);
        ck_assert_uint_eq(store_last_sequence(s), 0);
        ck_assert(!has(s, 0) && !has(s, 1) && !has(s, 2));
        put(s, 0);
        sync_store(s);
        ck_assert(has(s, 0));
}

/* What failed half way is not committed, whoever asks for it, and whatever scopes have ended meanwhile. */
TEST(failed)
{
        _cleanup_store_ struct store *s = with_a_key(NULL, LARGE);

        begin(s);
        put(s, 0);
        begin(s);
        {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                s->db->error = -ENOMEM;
        }
        ck_assert_int_eq(store_begin(s, NULL), -ENOMEM);
        ck_assert_int_eq(store_commit(s), -ENOMEM);
        /* It was the inner one's. */
        ck_assert_int_eq(store_error(s, NULL), 0);
        put(s, 1);
        commit(s);
        sync_store(s);
        ck_assert(has(s, 0) && has(s, 1));
}

static sqlite3_io_methods faulty;
static const sqlite3_io_methods *sound;
static unsigned failures; /* left */
static unsigned writes;   /* to the log */
static bool of_syncs;

static int faulty_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
        writes++;
        if (!of_syncs && failures > 0) {
                failures--;
                errno = EIO;
                return SQLITE_IOERR_WRITE;
        }
        return sound->xWrite(file, data, n, at);
}

/* What was written may be there or not. */
static int faulty_sync(sqlite3_file *file, int flags)
{
        if (of_syncs && failures > 0) {
                failures--;
                errno = EIO;
                return SQLITE_IOERR_FSYNC;
        }
        return sound->xSync(file, flags);
}

static void make_log_faulty(struct store *s)
{
        sound = s->db->wal->usual;
        faulty = *sound;
        faulty.xWrite = faulty_write;
        faulty.xSync = faulty_sync;
        s->db->wal->usual = &faulty;
}

/* As it is when the process is killed now. */
static struct store *open_as_killed(const struct scratch *scratch)
{
        static const char *const names[][2] = { { "/registry.db", "/copy.db" },
                { "/registry.db-wal", "/copy.db-wal" } };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_buf_ struct buf contents = BUF_INIT;
                ck_assert(scratch_read(scratch, names[i][0], &contents));
                scratch_write(scratch, names[i][1], contents.data, contents.len);
        }
        return open_store(scratch_path(scratch, "/copy.db"), STORE_WRITE);
}

static const char notes[] = "SELECT count(*) FROM history WHERE op = 0x1002 AND name = 'a commit failed'";

/* A commit fails at a write or a sync of the log (bit 0), once or for a while (bit 1): what was refused does
 * not come back. */
TEST_EACH(refused, 4)
{
        const bool lasting = _i & 2;
        struct diag d = { 0 };

        _cleanup_store_ struct store *s = with_a_key(scratch_path(&scratch_root, "/registry.db"), LARGE);
        put(s, 0);
        sync_store(s);
        make_log_faulty(s);
        of_syncs = _i & 1;
        failures = lasting ? UINT_MAX : 1;
        put(s, 1);
        ck_assert_int_eq(store_sync(s, &d), -EIO);
        ck_assert_ptr_nonnull(strstr(d.text, "the changes could not be stored: "));
        ck_assert_msg(strstr(d.text, "disk I/O error") != NULL, "%s", d.text);
        ck_assert_uint_eq(store_last_sequence(s), 1);
        assert_idle(s);
        ck_assert(has(s, 0) && !has(s, 1));
        ck_assert_int_eq(sql_number(s, notes), !lasting);
        if (lasting) {
                ck_assert_int_eq(store_begin(s, NULL), -EIO);
                ck_assert_int_eq(store_begin_preview(s), -EIO);
                ck_assert(has(s, 0) && !has(s, 1));
                assert_idle(s);
                failures = 0;
                ck_assert_int_eq(store_begin_preview(s), 0);
                ck_assert_int_eq(sql_number(s, notes), 1);
                store_abandon(s);
        }
        {
                _cleanup_store_ struct store *copy = open_as_killed(&scratch_root);
                ck_assert(has(copy, 0) && !has(copy, 1));
                ck_assert_uint_eq(store_last_sequence(copy), 1);
        }
        put(s, 2);
        sync_store(s);
        ck_assert_uint_eq(store_last_sequence(s), 2);
        _cleanup_store_ struct store *copy = open_as_killed(&scratch_root);
        ck_assert(has(copy, 0) && !has(copy, 1) && has(copy, 2));
        ck_assert_int_eq(sql_number(copy, notes), 1);
}

/* However many pages a turn has changed, and what is put into them. */
TEST(gathered)
{
        _cleanup_store_ struct store *s = with_a_key(scratch_path(&scratch_root, "/registry.db"), LARGE);

        make_log_faulty(s);
        failures = writes = 0;
        for (unsigned i = 0; i < 3; i++) {
                put(s, i);
                sync_store(s);
                ck_assert_uint_eq(writes, i + 1);
                ck_assert(has(s, i));
        }
        _cleanup_store_ struct store *copy = open_as_killed(&scratch_root);
        ck_assert(has(copy, 0) && has(copy, 1) && has(copy, 2));
}

Suite *test_suite(void)
{
        return suite_with("store-turns", scratch_setup, scratch_teardown);
}
