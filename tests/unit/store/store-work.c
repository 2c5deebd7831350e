/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-work.h"

#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/values/value.h"
#include "disk.h"

#define KEYS 12u /* 1 is the root */
#define FIRST_VOLATILE 10u

static const char *const layers[] = { "base", "site", "trial" };

static struct guid key_of(uint64_t number)
{
        return (struct guid){ { (uint8_t)(1 + number % KEYS) } };
}

int work_open(const char *file, struct store **ret)
{
        struct diag d = { 0 };
        int r = store_open(file, STORE_WRITE, WORK_VALUE_MAX, ret, &d);

        /* Who is refused hears which file it is about. */
        ck_assert_msg(r == 0 || strstr(d.text, file), "%d %s", r, d.text);
        return r;
}

/* ---- Operations ---- */

/* What the registry would not have asked for. */
static int unless_refused(int r)
{
        return r == -ENOENT || r == -EEXIST || r == -EINVAL || r == -ENOTEMPTY ? 0 : r;
}

/* No number is lost to what is refused: a restart would find it free. */
static int apply_one(struct store *s, struct store_op op)
{
        op.sequence = store_last_sequence(s) + 1;
        return unless_refused(store_apply(s, &op));
}

static int create_key(struct store *s, struct guid key, const char *name, const char *layer)
{
        int r = apply_one(s, (struct store_op){ .code = STORE_CREATE_KEY,
                                     .guid = key,
                                     .target = key_of(0),
                                     .name = name,
                                     .is_volatile = key.bytes[0] >= FIRST_VOLATILE,
                                     .data = "sd",
                                     .size = 2,
                                     .time = 1 + key.bytes[0] });
        return r < 0 ? r
                     : apply_one(s, (struct store_op){ .code = STORE_CREATE_ENTRY,
                                            .guid = key_of(0),
                                            .target = key,
                                            .name = name,
                                            .layer = layer });
}

static int drop_key(struct store *s, struct guid key, const char *name)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(layers); i++)
                r = apply_one(s, (struct store_op){ .code = STORE_DELETE_ENTRY,
                                         .guid = key_of(0),
                                         .name = name,
                                         .layer = layers[i] });
        return r < 0 ? r : apply_one(s, (struct store_op){ .code = STORE_DROP_KEY, .guid = key });
}

/* Most are small, some need pages of their own. */
static int set_value(struct store *s, struct guid key, const char *name, const char *layer, uint64_t *random)
{
        char data[20 * 1024];
        uint64_t kind = disk_random(random) % 32;
        size_t size = disk_random(random) % (kind == 0 ? sizeof(data) : kind < 4 ? 4096 : 40);

        for (size_t i = 0; i < size; i++)
                data[i] = (char)disk_random(random);
        return apply_one(s, (struct store_op){ .code = STORE_SET_VALUE,
                                    .guid = key,
                                    .name = name,
                                    .layer = layer,
                                    .type = REG_BINARY,
                                    .data = data,
                                    .size = size,
                                    .time = disk_random(random) % 1000 });
}

static int apply_any(struct store *s, uint64_t *random)
{
        static const uint16_t codes[] = { STORE_CREATE_KEY, STORE_CREATE_KEY, STORE_HIDE_ENTRY,
                STORE_DELETE_ENTRY, STORE_DROP_KEY, STORE_DELETE_LAYER, STORE_SET_FILE, STORE_FORGET_FILE,
                STORE_WRITE_KEY, STORE_SET_BLANKET, STORE_DELETE_VALUE };
        uint64_t what = disk_random(random) % 24;
        struct guid key = key_of(disk_random(random));
        const char *layer = layers[disk_random(random) % ARRAY_SIZE(layers)];
        char key_name[16], name[16];

        (void)snprintf(key_name, sizeof(key_name), "key%u", key.bytes[0]);
        (void)snprintf(name, sizeof(name), "value%u", (unsigned)(disk_random(random) % 6));
        if (what >= ARRAY_SIZE(codes))
                return set_value(s, key, name, layer, random);
        bool of_entries = codes[what] == STORE_HIDE_ENTRY || codes[what] == STORE_DELETE_ENTRY;
        if (codes[what] == STORE_CREATE_KEY)
                return create_key(s, key, key_name, layer);
        if (codes[what] == STORE_DROP_KEY)
                return drop_key(s, key, key_name);
        return apply_one(s, (struct store_op){ .code = codes[what],
                                    .guid = of_entries ? key_of(0) : key,
                                    .name = of_entries ? key_name : name,
                                    .layer = layer,
                                    .mask = STORE_MASK_SD,
                                    .set = disk_random(random) % 2,
                                    .precedence = (uint32_t)disk_random(random),
                                    .data = key_name,
                                    .size = 3 });
}

static int apply_some(struct store *s, uint64_t *random)
{
        int r = 0;

        for (uint64_t n = 1 + disk_random(random) % 5; r == 0 && n > 0; n--)
                r = apply_any(s, random);
        return r;
}

/* ---- Turns ---- */

static const struct store_author authors[] = {
        { .reason = "set",
                .actor = { .pid = 7, .uid = 1000, .loginuid = 1000, .session = 1, .comm = "one" } },
        { .reason = "set",
                .actor = { .pid = 8, .uid = 1001, .loginuid = 1001, .session = 2, .comm = "two" } },
        { .reason = "hive-edited", .file = "10-site.yaml", .actor = { .uid = 0 } },
};

static int apply_nested(struct store *s, uint64_t *random)
{
        bool stays = disk_random(random) % 2;
        int r = store_begin(s, NULL);

        if (r < 0)
                return r;
        r = apply_some(s, random);
        if (r == 0 && stays)
                return store_commit(s);
        store_rollback(s);
        return r;
}

/* -ECANCELED: it was rolled back of its own accord. */
static int transaction(struct store *s, uint64_t random)
{
        uint64_t kind = disk_random(&random);
        int r = store_begin(s, &authors[kind / 16 % ARRAY_SIZE(authors)]);

        if (r < 0)
                return r;
        r = apply_some(s, &random);
        if (r == 0 && kind % 4 == 0)
                r = apply_nested(s, &random);
        if (r == 0 && kind % 4 < 2)
                r = apply_some(s, &random);
        if (r == 0 && kind % 16 == 5)
                r = -ECANCELED;
        if (r == 0)
                return store_commit(s);
        store_rollback(s);
        return r;
}

/* Leaves nothing behind, on the disk neither. */
static void preview(struct store *s, uint64_t random)
{
        uint64_t sequence = store_last_sequence(s);

        if (store_begin_preview(s) < 0)
                return;
        size_t position = disk_position();
        (void)transaction(s, random);
        (void)transaction(s, random * 3);
        (void)work_read(s);
        store_abandon(s);
        ck_assert_uint_eq(store_last_sequence(s), sequence);
        ck_assert_uint_eq(disk_position(), position);
        ck_assert(!store_is_pending(s));
}

static uint64_t transaction_seed(const struct work_turn *turn, unsigned i)
{
        uint64_t seed = turn->seed * 0x9e3779b97f4a7c15 + i + 1;

        (void)disk_random(&seed);
        return seed;
}

int work_begin(struct store *s, struct diag *d)
{
        int r = store_begin(s, NULL);

        if (r < 0)
                return r;
        r = apply_one(
                s, (struct store_op){ .code = STORE_CREATE_KEY, .guid = key_of(0), .name = "Machine" });
        for (unsigned i = 1; r == 0 && i < KEYS; i++) {
                char name[16];
                (void)snprintf(name, sizeof(name), "key%u", i + 1);
                r = create_key(s, key_of(i), name, "base");
        }
        if (r == 0)
                r = store_commit(s);
        else
                store_rollback(s);
        int synced = store_sync(s, d);
        return r < 0 ? r : synced;
}

int work_turn(struct store *s, struct work_turn *turn, struct diag *d)
{
        uint64_t random = transaction_seed(turn, WORK_TRANSACTIONS_MAX);

        if (disk_random(&random) % 4 == 0)
                preview(s, random);
        turn->n = 1 + (unsigned)(disk_random(&random) % WORK_TRANSACTIONS_MAX);
        for (unsigned i = 0; i < turn->n; i++)
                turn->results[i] = transaction(s, transaction_seed(turn, i));
        int r = store_sync(s, d);
        ck_assert(!store_is_pending(s));
        if (disk_random(&random) % 4 == 0)
                preview(s, random);
        return r;
}

void work_repeat(struct store *s, const struct work_turn *turn)
{
        struct diag d;

        for (unsigned i = 0; i < turn->n; i++)
                if (turn->results[i] == 0)
                        ck_assert_int_eq(transaction(s, transaction_seed(turn, i)), 0);
        ck_assert_int_eq(store_sync(s, &d), 0);
}

int work_read(const struct store *s)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        size_t n;

        (void)store_roots(s, &n);
        (void)store_files(s, &n);
        for (unsigned i = 0; i < KEYS; i++) {
                struct guid key = key_of(i);
                (void)store_key(s, &key);
                (void)store_children(s, &key, &n);
                (void)store_values(s, &key, SIZE_MAX, &n);
                (void)store_blankets(s, &key);
        }
        return store_error(s, NULL);
}

/* ---- What is in the file ---- */

static sqlite3 *look_at(const char *file)
{
        sqlite3 *db;

        ck_assert_int_eq(
                sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL), SQLITE_OK);
        return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
        sqlite3_stmt *rows;
        int r = sqlite3_prepare_v2(db, sql, -1, &rows, NULL);

        if (r != SQLITE_OK)
                ck_abort_msg("%s: %s", sql, sqlite3_errmsg(db));
        return rows;
}

/* FNV-1a. */
static void hash(uint64_t *digest, const unsigned char *data, int size, int type)
{
        for (int i = 0; i < size; i++)
                *digest = (*digest ^ data[i]) * 0x100000001b3;
        *digest = (*digest ^ (uint64_t)(size * 8 + type)) * 0x100000001b3;
}

static void hash_rows(sqlite3 *db, const char *sql, uint64_t *digest)
{
        sqlite3_stmt *rows = prepare(db, sql);
        int r;

        while ((r = sqlite3_step(rows)) == SQLITE_ROW)
                for (int i = 0; i < sqlite3_column_count(rows); i++) {
                        int type = sqlite3_column_type(rows, i);
                        const unsigned char *data = sqlite3_column_blob(rows, i);
                        hash(digest, data, sqlite3_column_bytes(rows, i), type);
                }
        if (r != SQLITE_DONE)
                ck_abort_msg("%s: %s", sql, sqlite3_errmsg(db));
        (void)sqlite3_finalize(rows);
}

/* Numbers of layers and authors, and of rows, may differ. */
#define LAYER "(SELECT folded FROM layer WHERE id = layer)"

uint64_t work_digest(const char *file)
{
        static const char *const all[] = {
                "SELECT * FROM key ORDER BY guid",
                "SELECT parent, folded, " LAYER ", name, sequence, target FROM path_entry ORDER BY 1, 2, 3",
                "SELECT key, folded, " LAYER ", name, sequence, type, data FROM value ORDER BY 1, 2, 3",
                "SELECT key, " LAYER ", sequence FROM blanket ORDER BY 1, 2",
                "SELECT " LAYER ", file, precedence, enabled FROM file ORDER BY 1",
                "SELECT folded, name FROM layer ORDER BY 1",
                /* What failed before decides which rows are in the index by key: see work_check(). */
                "SELECT sequence, op, flags & ~8, key, " LAYER
                ", name, folded, target, type, data, old_name, old_sequence,"
                " old_target, old_type, old_data, old_time, reason, author.file, pid, uid, comm"
                " FROM history LEFT JOIN author ON author.id = author WHERE op <> 4098 ORDER BY history.id",
        };
        uint64_t digest = 0xcbf29ce484222325;
        sqlite3 *db = look_at(file);

        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                hash_rows(db, all[i], &digest);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        return digest;
}

uint64_t work_number(const char *file, const char *sql)
{
        sqlite3 *db = look_at(file);
        sqlite3_stmt *row = prepare(db, sql);

        ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
        uint64_t number = (uint64_t)sqlite3_column_int64(row, 0);
        (void)sqlite3_finalize(row);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        return number;
}

static void assert_answer(sqlite3 *db, const char *sql, const char *expected)
{
        sqlite3_stmt *rows = prepare(db, sql);

        ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
        const char *answer = (const char *)sqlite3_column_text(rows, 0);
        ck_assert_msg(answer && strcmp(answer, expected) == 0, "%s: %s", sql, answer);
        (void)sqlite3_finalize(rows);
}

/* The newest row about an entry. */
#define NEWEST(ops) "(SELECT *, max(id) FROM history WHERE op IN (" ops ") GROUP BY key, name, layer)"

/* What is in a volatile key is in neither. */
static const struct {
        const char *is, *should_be;
} entries[] = {
        { "SELECT key, folded, layer, sequence, type, data FROM value",
                "SELECT key, name, layer, sequence, type, data FROM " NEWEST(
                        "0x21, 0x22") " WHERE op = 0x21 AND flags & 1 = 0" },
        { "SELECT parent, folded, layer, sequence, target FROM path_entry",
                "SELECT key, name, layer, sequence, target FROM " NEWEST(
                        "2, 3, 4") " WHERE op <> 4 AND flags & 1 = 0" },
};

void work_check(const char *file)
{
        char sql[1024];
        sqlite3 *db = look_at(file);

        assert_answer(db, "PRAGMA integrity_check", "ok");
        assert_answer(db,
                "SELECT count(*) FROM history AS h WHERE NOT flags & 8"
                " AND key IS NOT (SELECT key FROM history WHERE id < h.id ORDER BY id DESC LIMIT 1)",
                "0");
        for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
                (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s EXCEPT %s)", entries[i].is,
                        entries[i].should_be);
                assert_answer(db, sql, "0");
                (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s EXCEPT %s)", entries[i].should_be,
                        entries[i].is);
                assert_answer(db, sql, "0");
        }
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
