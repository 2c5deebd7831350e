/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the history tells, of which keys, and in which pages. */

#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/store/history.h"
#include "../../../registry-provider/store/store-internal.h"
#include "../../../schema/base/buf.h"
#include "../../../schema/values/value.h"
#include "scratch.h"
#include "store-util.h"
#include "suite.h"

static const struct store_author alice = { .reason = "set",
        .actor = { .pid = 7, .uid = 1000, .loginuid = 1000, .session = 3, .comm = "reg" } };
static const struct store_author drop_in = { .reason = "dropin-changed",
        .file = "/etc/peios/x.yaml",
        .seal = { 7, "187d88b7353d4092" },
        .actor = { .pid = AUDIT_ID_UNSET, .loginuid = AUDIT_ID_UNSET, .session = AUDIT_ID_UNSET } };

/* Committed at once, each by its author. */
static void change(struct store *s, const struct store_author *author, struct store_op op)
{
        ck_assert_int_eq(store_begin(s, author), 0);
        int r = store_apply(s, &op);
        ck_assert_msg(r == 0, "operation 0x%02x, %s: %s", op.code, op.name ? op.name : "", strerror(-r));
        commit(s);
        sync_store(s);
}
#define CHANGE(s, author, ...) change((s), (author), (struct store_op){ __VA_ARGS__ })

static void describe(struct buf *out, const struct history_row *row)
{
        static const char *const names[] = { [STORE_CREATE_ENTRY] = "entry",
                [STORE_HIDE_ENTRY] = "hide",
                [STORE_DELETE_ENTRY] = "withdraw",
                [STORE_CREATE_KEY] = "create",
                [STORE_DROP_KEY] = "drop",
                [STORE_SET_VALUE] = "set",
                [STORE_DELETE_VALUE] = "delete" };

        buf_printf(out, "%s %s", row->op < ARRAY_SIZE(names) ? names[row->op] : "other",
                row->path ? row->path : "-");
        if (row->name)
                buf_printf(out, " %s", row->name);
        if (row->was.is && row->was.data && row->was.size > 0)
                buf_printf(out, " %.*s", (int)row->was.size, (const char *)row->was.data);
        if (row->size > 0)
                buf_printf(out, " > %.*s", (int)row->size, (const char *)row->data);
        buf_printf(out, "%s\n", row->is_volatile ? " volatile" : "");
}

/* All pages, one behind the other. */
static char *tell(struct store *s, const char *path, struct history_query q)
{
        _cleanup_path_ struct path parsed = { 0 };
        struct buf out = BUF_INIT;
        struct history_page page;
        char *text;

        ck_assert_int_eq(path_parse(path, strlen(path), path_any_hive, NULL, &parsed, NULL), 0);
        q.path = &parsed;
        q.limit = q.limit ? q.limit : 1000;
        q.bytes = q.bytes ? q.bytes : 1u << 20;
        do {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                ck_assert_int_eq(history_page(s, &q, &page), 0);
                ck_assert_uint_le(page.n, q.limit);
                for (size_t i = 0; i < page.n; i++)
                        describe(&out, page.rows[i]);
                q.cursor = page.cursor;
        } while (q.cursor != 0);
        ck_assert_int_eq(buf_finish(&out, &text, NULL), 0);
        return text;
}

#define TELLS(s, path, expected, ...)                                                                       \
        do {                                                                                                \
                _cleanup_free_ char *told = tell((s), (path), (struct history_query){ __VA_ARGS__ });       \
                ck_assert_str_eq(told, (expected));                                                         \
        } while (false)

/* 1: Machine; 2: App, dropped, and made anew as 3; 4: App\Sub, which went with it. */
static struct store *make(void)
{
        struct store *s = open_store(NULL, STORE_WRITE);

        CHANGE(s, &alice, OP_KEY(1, 0, "Machine"));
        CHANGE(s, &alice, OP_KEY(2, 1, "App"));
        CHANGE(s, &alice, OP_ENTRY(1, "App", "base", 2, 1));
        CHANGE(s, &alice, OP_VALUE(2, "Limit", "base", REG_SZ, "one", 2));
        CHANGE(s, &drop_in, OP_VALUE(2, "Other", "Site", REG_SZ, "1", 3));
        CHANGE(s, &alice, OP_KEY(4, 2, "Sub"));
        CHANGE(s, &alice, OP_ENTRY(2, "Sub", "base", 4, 4));
        CHANGE(s, &alice, OP_VALUE(4, "Deep", "base", REG_SZ, "d", 5));
        CHANGE(s, &alice, OP_DELETE(STORE_DELETE_ENTRY, 2, "Sub", "base"));
        CHANGE(s, &alice, .code = STORE_DROP_KEY, .guid = { { 4 } });
        CHANGE(s, &alice, OP_DELETE(STORE_DELETE_ENTRY, 1, "App", "base"));
        CHANGE(s, &alice, .code = STORE_DROP_KEY, .guid = { { 2 } });
        CHANGE(s, &alice, OP_KEY(3, 1, "APP"));
        CHANGE(s, &alice, OP_ENTRY(1, "APP", "base", 3, 6));
        CHANGE(s, &alice, OP_VALUE(3, "LIMIT", "base", REG_SZ, "two", 7));
        CHANGE(s, &alice, OP_VALUE(3, "Limit", "base", REG_SZ, "three", 8));
        return s;
}

TEST(a_path_has_the_keys_of_now_and_of_before)
{
        _cleanup_store_ struct store *s = make();

        TELLS(s, "machine\\app",
                "create Machine\\App App\n"
                "set Machine\\App Limit > one\n"
                "set Machine\\App Other > 1\n"
                "entry Machine\\App Sub\n"
                "withdraw Machine\\App Sub\n"
                "delete Machine\\App Limit one\n"
                "delete Machine\\App Other 1\n"
                "drop Machine\\App App\n"
                "create Machine\\APP APP\n"
                "set Machine\\APP LIMIT > two\n"
                "set Machine\\APP Limit two > three\n");
        TELLS(s, "Machine\\App\\Sub",
                "create Machine\\App\\Sub Sub\n"
                "set Machine\\App\\Sub Deep > d\n"
                "delete Machine\\App\\Sub Deep d\n"
                "drop Machine\\App\\Sub Sub\n");
        TELLS(s, "Machine\\Nothing", "");
        TELLS(s, "Users", "");
        CHANGE(s, &alice, OP_KEY(8, 0, "Users"));
        CHANGE(s, &alice, .code = STORE_DROP_KEY, .guid = { { 8 } });
        TELLS(s, "users", "create Users Users\ndrop Users Users\n");
}

TEST(a_subtree_has_all_below)
{
        _cleanup_store_ struct store *s = make();

        TELLS(s, "Machine\\App",
                "create Machine\\App App\n"
                "set Machine\\App Limit > one\n"
                "set Machine\\App Other > 1\n"
                "create Machine\\App\\Sub Sub\n"
                "entry Machine\\App Sub\n"
                "set Machine\\App\\Sub Deep > d\n"
                "withdraw Machine\\App Sub\n"
                "delete Machine\\App\\Sub Deep d\n"
                "drop Machine\\App\\Sub Sub\n"
                "delete Machine\\App Limit one\n"
                "delete Machine\\App Other 1\n"
                "drop Machine\\App App\n"
                "create Machine\\APP APP\n"
                "set Machine\\APP LIMIT > two\n"
                "set Machine\\APP Limit two > three\n",
                .subtree = true);
}

TEST(a_value_is_asked_for_by_name)
{
        _cleanup_store_ struct store *s = make();

        TELLS(s, "Machine\\App",
                "set Machine\\APP Limit two > three\n"
                "set Machine\\APP LIMIT > two\n"
                "delete Machine\\App Limit one\n"
                "set Machine\\App Limit > one\n",
                .name = "limit", .backwards = true);
}

TEST(pages_follow_each_other)
{
        _cleanup_store_ struct store *s = make();

        for (int backwards = 0; backwards < 2; backwards++)
                for (int subtree = 0; subtree < 2; subtree++) {
                        const struct history_query whole = { .backwards = backwards, .subtree = subtree };
                        _cleanup_free_ char *all = tell(s, "Machine", whole);
                        ck_assert_ptr_nonnull(strstr(all, "Machine"));
                        for (size_t limit = 1; limit < 5; limit++)
                                TELLS(s, "Machine", all, .backwards = backwards, .subtree = subtree,
                                        .limit = limit);
                        TELLS(s, "Machine", all, .backwards = backwards, .subtree = subtree, .bytes = 1);
                        TELLS(s, "Machine", all, .backwards = backwards, .subtree = subtree, .bytes = 700);
                }
}

TEST(times_bound_it)
{
        _cleanup_store_ struct store *s = make();
        uint64_t time = 1000;
        sqlite3_stmt *q;

        ck_assert_int_eq(sqlite3_prepare_v2(s->db->sqlite, "UPDATE history SET time = id", -1, &q, NULL), 0);
        ck_assert_int_eq(sqlite3_step(q), SQLITE_DONE);
        (void)sqlite3_finalize(q);
        TELLS(s, "Machine\\App", "set Machine\\App Limit > one\nset Machine\\App Other > 1\n", .since = 4,
                .until = 5);
        TELLS(s, "Machine\\App", "", .since = time);
}

/* More keys than are looked for one by one. */
static void make_many_keys(struct store *s)
{
        uint64_t sequence = 100;

        begin(s);
        for (unsigned i = 0; i < 600; i++) {
                struct store_op op = { OP_KEY(3, 3, "Many") };
                char name[16];
                (void)snprintf(name, sizeof(name), "K%u", i);
                op.name = name;
                op.guid = (struct guid){ { 9, (uint8_t)i, (uint8_t)(i >> 8) } };
                apply(s, op);
                struct store_op entry = { OP_ENTRY(3, "Many", "base", 0, ++sequence) };
                entry.name = name;
                entry.target = op.guid;
                apply(s, entry);
        }
        commit(s);
        sync_store(s);
}

TEST(a_large_subtree_is_told_alike)
{
        _cleanup_store_ struct store *s = make();
        _cleanup_free_ char *small = tell(s, "Machine\\App", (struct history_query){ .subtree = true });
        _cleanup_free_ char *key = tell(s, "Machine\\App", (struct history_query){ 0 });

        make_many_keys(s);
        _cleanup_free_ char *large = tell(s, "Machine\\App", (struct history_query){ .subtree = true });
        ck_assert_int_eq(strncmp(large, small, strlen(small)), 0);
        ck_assert_ptr_nonnull(strstr(large, "create Machine\\APP\\K599 K599\nentry Machine\\APP K599\n"));
        TELLS(s, "Machine\\App", large, .subtree = true, .limit = 7);
        TELLS(s, "Machine\\App\\Sub",
                "create Machine\\App\\Sub Sub\n"
                "set Machine\\App\\Sub Deep > d\n"
                "delete Machine\\App\\Sub Deep d\n"
                "drop Machine\\App\\Sub Sub\n",
                .subtree = true);
        _cleanup_free_ char *key_now = tell(s, "Machine\\App", (struct history_query){ 0 });
        ck_assert_int_eq(strncmp(key_now, key, strlen(key)), 0);
}

static const char *busy_statement(const struct store *s)
{
        for (sqlite3_stmt *q = NULL; (q = sqlite3_next_stmt(s->db->sqlite, q));)
                if (sqlite3_stmt_busy(q))
                        return sqlite3_sql(q);
        return "";
}

/* The time is over before anything is found. What were left open would keep the log from beginning anew, and
 * the next page would go on there. */
TEST(a_page_that_ends_early_leaves_nothing_behind)
{
        _cleanup_store_ struct store *s = make();
        _cleanup_path_ struct path path = { 0 };
        const struct history_query q = {
                .path = &path, .subtree = true, .backwards = true, .limit = 10, .bytes = 1000, .look = 1
        };
        struct history_page page;

        CHANGE(s, &alice, OP_KEY(5, 1, "Other"));
        make_many_keys(s);
        ck_assert_int_eq(
                sqlite3_exec(s->db->sqlite,
                        "WITH RECURSIVE n(i) AS (VALUES(1000) UNION ALL SELECT i + 1 FROM n LIMIT 6000)"
                        " INSERT INTO history(sequence, time, author, op, flags, key, name)"
                        " SELECT i, 0, 0, 0x22, 8, guid, 'x' FROM n, main.key AS k WHERE k.name = 'Other'",
                        NULL, NULL, NULL),
                SQLITE_OK);
        ck_assert_int_eq(
                path_parse("Machine\\App", strlen("Machine\\App"), path_any_hive, NULL, &path, NULL), 0);
        {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                ck_assert_int_eq(history_page(s, &q, &page), 0);
        }
        ck_assert_uint_eq(page.n, 0);
        ck_assert_int_ne(page.cursor, 0);
        ck_assert_str_eq(busy_statement(s), "");
}

/* Each row says its path anew, and one may be long. */
TEST(a_page_counts_paths)
{
        static const char name[] =
                "a name of two hundred bytes, more or less, as a key may well have that somebody"
                " names with care, or that a program makes of what it finds; and many of them"
                " come one below the other, as here";
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);
        _cleanup_path_ struct path path = { 0 };
        struct history_query q = { .path = &path, .subtree = true, .limit = 1000, .bytes = 20000 };
        struct history_page page;

        APPLY(s, OP_KEY(1, 0, "Machine"));
        for (uint8_t i = 2; i < 52; i++) {
                APPLY(s, OP_KEY(i, (uint8_t)(i - 1), name));
                APPLY(s, OP_ENTRY((uint8_t)(i - 1), name, "base", i, i));
        }
        for (unsigned i = 1; i < 20; i++)
                APPLY(s, OP_VALUE(51, "V", "base", REG_SZ, "x", 100 + i));
        sync_store(s);
        ck_assert_int_eq(path_parse("Machine", strlen("Machine"), path_any_hive, NULL, &path, NULL), 0);
        do {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                size_t bytes = 0;
                ck_assert_int_eq(history_page(s, &q, &page), 0);
                for (size_t i = 0; i < page.n; i++)
                        bytes += strlen(page.rows[i]->path);
                ck_assert_uint_lt(bytes, 2 * q.bytes);
                q.cursor = page.cursor;
        } while (q.cursor != 0);
}

/* A key that was made anew so often that it is looked for in all rows. */
TEST(a_path_had_many_keys)
{
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);
        struct buf expected = BUF_INIT;
        _cleanup_free_ char *text = NULL;

        APPLY(s, OP_KEY(1, 0, "Machine"));
        for (unsigned i = 0; i < 400; i++) {
                struct store_op op = { OP_KEY(1, 1, "Again") };
                op.guid = (struct guid){ { 9, (uint8_t)i, (uint8_t)(i >> 8) } };
                apply(s, op);
                APPLY(s, .code = STORE_DROP_KEY, .guid = op.guid);
                buf_printf(&expected, "create Machine\\Again Again\ndrop Machine\\Again Again\n");
        }
        ck_assert_int_eq(buf_finish(&expected, &text, NULL), 0);
        TELLS(s, "Machine\\Again", text, .limit = 99);
        TELLS(s, "Machine\\Again", text, .subtree = true);
}

TEST(volatile_keys_are_told_without_data_after_a_restart)
{
        _cleanup_scratch_ struct scratch scratch;
        scratch_new(&scratch);
        _cleanup_free_ char *file = strdup(scratch_path(&scratch, "registry.db"));
        struct store *s = open_store(file, STORE_WRITE);

        CHANGE(s, &alice, OP_KEY(1, 0, "Machine"));
        CHANGE(s, &alice, OP_KEY(2, 1, "Tmp"), .is_volatile = true);
        CHANGE(s, &alice, OP_ENTRY(1, "Tmp", "base", 2, 1));
        CHANGE(s, &alice, OP_KEY(3, 2, "Deep"), .is_volatile = true);
        CHANGE(s, &alice, OP_ENTRY(2, "Deep", "base", 3, 2));
        CHANGE(s, &alice, OP_VALUE(3, "Secret", "base", REG_SZ, "x", 3));
        for (int i = 0; i < 2; i++) {
                TELLS(s, "Machine\\Tmp\\Deep",
                        "create Machine\\Tmp\\Deep Deep volatile\n"
                        "set Machine\\Tmp\\Deep Secret volatile\n");
                TELLS(s, "Machine\\Tmp",
                        "create Machine\\Tmp Tmp volatile\n"
                        "create Machine\\Tmp\\Deep Deep volatile\n"
                        "entry Machine\\Tmp Deep volatile\n"
                        "set Machine\\Tmp\\Deep Secret volatile\n",
                        .subtree = true);
                store_close(s);
                s = open_store(file, STORE_WRITE);
        }
        store_close(s);
}

TEST(what_is_about_no_key_is_of_the_hive)
{
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);

        CHANGE(s, &alice, OP_KEY(1, 0, "Machine"));
        CHANGE(s, &drop_in, OP_FILE("Site", "10-site.yaml", 3, true));
        TELLS(s, "Machine", "create Machine Machine\nother - 10-site.yaml > \1\n", .subtree = true);
        TELLS(s, "Machine", "create Machine Machine\n");
}

TEST(a_sequence_has_its_writer)
{
        _cleanup_store_ struct store *s = make();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct history_row *row;

        for (uint64_t sequence = 1; sequence <= 8; sequence++) {
                row = history_writer(s, sequence);
                ck_assert_ptr_nonnull(row);
                ck_assert_uint_eq(row->sequence, sequence);
                ck_assert_str_eq(row->author->reason, sequence == 3 ? "dropin-changed" : "set");
                ck_assert_uint_eq(row->author->actor.uid, sequence == 3 ? 0 : 1000);
                ck_assert(
                        seal_equal(&row->author->seal, sequence == 3 ? &drop_in.seal : &(struct seal){ 0 }));
        }
        ck_assert_ptr_null(history_writer(s, 0));
        ck_assert_ptr_null(history_writer(s, 9));
        row = history_writer(s, 3);
        ck_assert_str_eq(row->author->file, "/etc/peios/x.yaml");
        ck_assert_str_eq(row->layer, "Site");
        ck_assert_str_eq(row->name, "Other");
        ck_assert_uint_eq(row->author->actor.pid, AUDIT_ID_UNSET);
        row = history_writer(s, 2);
        ck_assert_str_eq(row->author->actor.comm, "reg");
        ck_assert_uint_eq(row->author->actor.session, 3);
        ck_assert_ptr_null(row->author->file);
        ck_assert_uint_gt(row->time, UINT64_C(1000000) * 1000000);
}

static void delete_rows(struct store *s, const char *where)
{
        _cleanup_free_ char *sql = NULL;

        ck_assert_int_gt(asprintf(&sql, "DELETE FROM history WHERE %s", where), 0);
        ck_assert_int_eq(sqlite3_exec(s->db->sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Of a database that somebody else wrote; a signer that is none would go on terminals and D-Bus. */
TEST(a_writer_with_a_forged_signer)
{
        _cleanup_store_ struct store *s = make();
        static const char forge[] = "UPDATE author SET serial = 7, signer = CAST(x'1b5b33316dff' AS TEXT)";

        ck_assert_int_eq(sqlite3_exec(s->db->sqlite, forge, NULL, NULL, NULL), SQLITE_OK);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct history_row *row = history_writer(s, 3);
        ck_assert_str_eq(row->author->file, "/etc/peios/x.yaml");
        ck_assert_uint_eq(row->author->seal.serial, 0);
        ck_assert_str_eq(row->author->seal.signer, "");
}

TEST(a_writer_of_whom_nothing_is_said)
{
        _cleanup_store_ struct store *s = make();

        ck_assert_int_eq(sqlite3_exec(s->db->sqlite, "DELETE FROM author", NULL, NULL, NULL), SQLITE_OK);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct history_row *row = history_writer(s, 3);
        ck_assert_str_eq(actor_state(&row->author->actor), "unknown");
        ck_assert_str_eq(row->author->reason, "");
}

TEST(what_is_pruned_has_no_writer)
{
        _cleanup_store_ struct store *s = make();

        delete_rows(s, "sequence IN (2, 3, 4) OR (sequence = 5 AND op = 33)");
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        for (uint64_t sequence = 1; sequence <= 8; sequence++) {
                bool is_kept = sequence == 1 || sequence > 5;
                ck_assert_int_eq(history_writer(s, sequence) != NULL, is_kept);
        }
        ck_assert_int_eq(store_error(s, NULL), 0);
}

TEST(shadowed_rows_are_marked)
{
        _cleanup_store_ struct store *s = make();
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct history_row *row;
        int64_t begun = history_last(s);
        unsigned n = 0;

        begin(s);
        APPLY(s, OP_VALUE(3, "A", "base", REG_SZ, "1", 20));
        APPLY(s, OP_VALUE(3, "B", "base", REG_SZ, "1", 21));
        for (int64_t id = begun; (row = history_after(s, id)); id = row->id, n++)
                if (strcmp(row->name, "A") == 0)
                        ck_assert_int_eq(history_shadowed(s, row->id), 0);
        commit(s);
        sync_store(s);
        ck_assert_uint_eq(n, 2);
        ck_assert(history_writer(s, 20)->is_shadowed);
        ck_assert(!history_writer(s, 21)->is_shadowed);
}

/* The same rows as without an index, from each one on in both directions. */
static void check_numbers(struct store *s, enum statement id, const char *plain, const struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const int64_t end = history_last(s) + 1;
        sqlite3_stmt *found = database_statement(s->db, id, false), *all;

        ck_assert_int_eq(sqlite3_prepare_v2(s->db->sqlite, plain, -1, &all, NULL), SQLITE_OK);
        for (int64_t at = end > 400 ? end - 400 : 0; at <= end; at += 1 + pick(20)) {
                database_bind_guid(found, 1, key);
                database_bind_guid(all, 1, key);
                ck_assert_int_eq(sqlite3_bind_int64(found, 2, at), SQLITE_OK);
                ck_assert_int_eq(sqlite3_bind_int64(all, 2, at), SQLITE_OK);
                (void)sqlite3_bind_int64(found, 3, INT64_MAX);
                while (sqlite3_step(all) == SQLITE_ROW) {
                        ck_assert_int_eq(sqlite3_step(found), SQLITE_ROW);
                        ck_assert_int_eq(sqlite3_column_int64(found, 0), sqlite3_column_int64(all, 0));
                }
                ck_assert_int_eq(sqlite3_step(found), SQLITE_DONE);
                (void)sqlite3_reset(found);
                (void)sqlite3_reset(all);
        }
        (void)sqlite3_finalize(all);
}

/* Some are of policy, so that pruning leaves them; some never were, as they were taken back. */
static void change_at_random(struct store *s, uint64_t *sequence)
{
        const bool is_kept = pick(4) > 0;
        uint8_t key = (uint8_t)(1 + pick(3));

        begin(s);
        for (unsigned n = pick(50); n > 0; n--) {
                struct store_op op = { OP_VALUE(key, "Value", "base", REG_SZ, "x", ++*sequence) };
                op.is_policy = pick(5) == 0;
                ck_assert_int_eq(store_apply(s, &op), 0);
                if (pick(20) == 0)
                        key = (uint8_t)(1 + pick(3));
        }
        if (is_kept)
                commit(s);
        else
                store_rollback(s);
}

TEST(rows_of_a_key_are_found_in_runs)
{
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);
        const struct store_prune_limits limits = {
                .age = UINT64_MAX / 2, .rows = 150, .bytes = UINT64_MAX, .policy_bytes = 5000
        };
        uint64_t sequence = 0;
        bool more;

        for (uint8_t key = 1; key <= 3; key++)
                CHANGE(s, &alice, OP_KEY(key, 0, key == 1 ? "A" : key == 2 ? "B" : "C"));
        for (unsigned i = 0; i < 100; i++) {
                change_at_random(s, &sequence);
                change_at_random(s, &sequence);
                sync_store(s);
                ck_assert_int_eq(store_prune(s, &limits, &more), 0);
                sync_store(s);
                for (uint8_t key = 1; key <= 3; key++) {
                        const struct guid guid = { { key } };
                        check_numbers(s, HISTORY_NUMBERS_UP,
                                "SELECT id FROM history WHERE key = ? AND id > ? ORDER BY id", &guid);
                        check_numbers(s, HISTORY_NUMBERS_DOWN,
                                "SELECT id FROM history WHERE key = ? AND id < ? ORDER BY id DESC", &guid);
                }
        }
}

#define RUN_PLAN                                                                                            \
        "\nSEARCH h USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"                                        \
        "\nCORRELATED SCALAR SUBQUERY 1\nSEARCH n USING INTEGER PRIMARY KEY (rowid>?)\n"

/* A line a step. */
static void get_plan(struct store *s, enum statement id, struct buf *ret)
{
        _cleanup_free_ char *sql = NULL;
        sqlite3_stmt *q;

        ck_assert_int_gt(
                asprintf(&sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql(database_statement(s->db, id, false))),
                0);
        ck_assert_int_eq(sqlite3_prepare_v2(s->db->sqlite, sql, -1, &q, NULL), SQLITE_OK);
        while (sqlite3_step(q) == SQLITE_ROW)
                buf_printf(ret, "%s\n", (const char *)sqlite3_column_text(q, 3));
        (void)sqlite3_finalize(q);
}

/* A page must not look at every row of the table, nor sort. */
TEST(indexes_are_used)
{
        static const struct {
                enum statement id;
                const char *plan;
        } cases[] = {
                { HISTORY_NUMBERS_UP, "INDEX history_key (key=? AND rowid>?)" RUN_PLAN },
                { HISTORY_NUMBERS_DOWN, "INDEX history_key (key=? AND rowid<?)" RUN_PLAN },
                { HISTORY_OF_KEY, "INDEX history_key (key=? AND rowid>?)" RUN_PLAN },
                { HISTORY_ALL_UP, "PRIMARY KEY (rowid>?)" },
                { HISTORY_ALL_DOWN, "PRIMARY KEY (rowid<?)" },
                { HISTORY_NUMBER, "PRIMARY KEY (rowid>?)" },
                { HISTORY_GONE, "INDEX history_gone (target=?" },
                { HISTORY_GONE_NAMED, "INDEX history_gone (target=? AND folded=?)" },
                { HISTORY_KEY_FIRST, "INDEX history_key (key=?)" },
                { HISTORY_KEY_LAST, "INDEX history_key (key=?)" },
        };
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buf_ struct buf plan = { 0 };
                get_plan(s, cases[i].id, &plan);
                ck_assert_msg(strstr(buf_str(&plan), cases[i].plan) != NULL, "%zu: %s", i, buf_str(&plan));
                ck_assert_msg(strstr(buf_str(&plan), "TEMP") == NULL, "%zu: %s", i, buf_str(&plan));
        }
}

Suite *test_suite(void)
{
        return suite_of("history");
}
