/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random histories are undone row by row and compared with copies of the contents taken on the way. */

#include <string.h>

#include "../../../registry-provider/store/history.h"
#include "../../../registry-provider/store/store-internal.h"
#include "../../../schema/base/buf.h"
#include "../../../schema/values/value.h"
#include "store-model.h"
#include "suite.h"

#define STEPS 80u
#define HISTORIES 200 /* of each of the loop's rounds */
#define ROUNDS 10

/* To the byte, with all that nobody can see otherwise. What is volatile is elsewhere. */
static char *copy_contents(struct store *s)
{
        static const char sql[] =
                "SELECT 'key', hex(guid), hex(parent), quote(name), quote(sd), flags, time FROM main.key"
                " UNION ALL SELECT 'path', hex(parent), folded, layer, quote(name), sequence, hex(target)"
                " FROM main.path_entry"
                " UNION ALL SELECT 'value', hex(key), folded, layer, quote(name), sequence,"
                " type || ' ' || quote(data) FROM main.value"
                " UNION ALL SELECT 'blanket', hex(key), layer, sequence, '', '', '' FROM main.blanket"
                " UNION ALL SELECT 'file', layer, file, precedence, enabled, serial, signer FROM main.file";
        struct buf text = BUF_INIT;
        sqlite3_stmt *q;
        char *ret;

        ck_assert_int_eq(sqlite3_prepare_v2(s->db->sqlite, sql, -1, &q, NULL), SQLITE_OK);
        while (sqlite3_step(q) == SQLITE_ROW) {
                for (int i = 0; i < sqlite3_column_count(q); i++)
                        buf_printf(&text, "%s ", (const char *)sqlite3_column_text(q, i));
                buf_printf(&text, "\n");
        }
        ck_assert_int_eq(sqlite3_finalize(q), SQLITE_OK);
        ck_assert_int_eq(buf_finish(&text, &ret, NULL), 0);
        return ret;
}

struct moment {
        int64_t row;
        char *contents; /* NULL: no copy was taken */
};

static unsigned make_history(struct store *s, struct moment moments[static STEPS])
{
        static const char *const names[] = { "a", "A", "b", "Straße", "STRASSE", "ſ", "s", "" };
        unsigned applied = 0;

        for (unsigned i = 0; i < STEPS; i++) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                struct store_op op = model_random_op(s);
                op.name = names[pick(ARRAY_SIZE(names))];
                moments[i] = (struct moment){ history_last(s), pick(4) == 0 ? copy_contents(s) : NULL };
                /* Some come to nothing, and what is rolled back leaves no row. */
                ck_assert_int_eq(store_begin(s, NULL), 0);
                applied += store_apply(s, &op) == 0;
                if (pick(10) > 0)
                        ck_assert_int_eq(store_commit(s), 0);
                else
                        store_rollback(s);
        }
        return applied;
}

static void undo_to(struct store *s, int64_t *at, int64_t row)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);

        for (const struct history_row *r; (r = history_before(s, *at)) && r->id > row; *at = r->id)
                ck_assert_int_eq(history_undo(s, r), 0);
        ck_assert_int_eq(store_error(s, NULL), 0);
}

TEST_EACH(random_histories, ROUNDS)
{
        unsigned applied = 0;

        for (int history = 0; history < HISTORIES; history++) {
                _cleanup_store_ struct store *s = NULL;
                struct moment moments[STEPS];
                struct diag d = { 0 };
                int64_t at = INT64_MAX;

                srandom((unsigned)(_i * HISTORIES + history));
                ck_assert_int_eq(store_open(NULL, STORE_WRITE, 100, &s, &d), 0);
                ck_assert_int_eq(store_begin(s, NULL), 0);
                applied += make_history(s, moments);
                for (unsigned i = STEPS; i-- > 0;) {
                        undo_to(s, &at, moments[i].row);
                        if (!moments[i].contents)
                                continue;
                        _cleanup_free_ char *contents = copy_contents(s);
                        ck_assert_msg(strcmp(contents, moments[i].contents) == 0,
                                "history %d, before step %u:\n%s\nexpected:\n%s", _i * HISTORIES + history,
                                i, contents, moments[i].contents);
                        free(moments[i].contents);
                }
                store_rollback(s);
        }
        ck_assert_uint_gt(applied, HISTORIES * STEPS / 5);
}

/* A look at an earlier moment, behind everybody's back. */
TEST(a_preview_shows_an_earlier_moment)
{
        static const struct store_op ops[] = {
                { .code = STORE_CREATE_KEY, .guid = { { 1 } }, .name = "Machine", .data = "", .time = 5 },
                { .code = STORE_SET_VALUE,
                        .guid = { { 1 } },
                        .name = "Limit",
                        .layer = "base",
                        .type = REG_SZ,
                        .data = "old",
                        .size = 3,
                        .sequence = 1 },
                { .code = STORE_SET_VALUE,
                        .guid = { { 1 } },
                        .name = "LIMIT",
                        .layer = "base",
                        .type = REG_SZ,
                        .data = "newer",
                        .size = 5,
                        .sequence = 2,
                        .time = 7 },
        };
        _cleanup_store_ struct store *s = NULL;
        struct diag d = { 0 };
        const struct guid key = guid_of(1);
        int64_t at = INT64_MAX, moment = 0;

        ck_assert_int_eq(store_open(NULL, STORE_WRITE, 100, &s, &d), 0);
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                moment = history_last(s);
                ck_assert_int_eq(store_begin(s, NULL), 0);
                ck_assert_int_eq(store_apply(s, &ops[i]), 0);
                ck_assert_int_eq(store_commit(s), 0);
                ck_assert_int_eq(store_sync(s, &d), 0);
        }
        ck_assert_int_eq(store_begin_preview(s), 0);
        undo_to(s, &at, moment);
        {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                const struct store_value_entry *v = store_value(s, &key, "limit", 5);
                ck_assert_str_eq(v->name, "Limit");
                ck_assert_str_eq(v->data, "old");
                ck_assert_uint_eq(v->sequence, 1);
                ck_assert_uint_eq(store_key(s, &key)->last_write, 5);
        }
        store_abandon(s);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        ck_assert_str_eq(store_value(s, &key, "limit", 5)->data, "newer");
        ck_assert_uint_eq(store_key(s, &key)->last_write, 7);
}

Suite *test_suite(void)
{
        return suite_of("history-undo");
}
