/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the history says of each operation, as SQL sees it: what is there now, what was before, and whose
 * doing it is. */

#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/store/store-internal.h"
#include "../../../schema/values/value.h"
#include "store-util.h"
#include "suite.h"

/* Rows after the first `from`, oldest first, each with a newline. To be freed. */
static char *rows_since(const struct store *s, int64_t from)
{
        static const char sql[] =
                "SELECT coalesce(group_concat(row, ''), '') FROM (SELECT printf('%02x%s key=%s layer=%s name=%s"
                " target=%s type=%s data=%s old: name=%s seq=%s target=%s type=%s data=%s time=%s', op,"
                " iif(flags & 1, ' volatile', ''), hex(substr(key, 1, 1)),"
                " quote((SELECT name FROM layer WHERE id = layer)), quote(name), hex(substr(target, 1, 1)),"
                " quote(type), iif(op >= 4096, hex(data), quote(cast(data AS TEXT))), quote(old_name), quote(old_sequence),"
                " hex(substr(old_target, 1, 1)), quote(old_type), iif(op >= 4096, hex(old_data), quote(cast(old_data AS TEXT))),"
                " quote(old_time)) || char(10) AS row FROM history WHERE id > ? ORDER BY id)";
        sqlite3_stmt *q;

        ck_assert_int_eq(sqlite3_prepare_v2(s->db->sqlite, sql, -1, &q, NULL), SQLITE_OK);
        (void)sqlite3_bind_int64(q, 1, from);
        ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
        char *text = strdup((const char *)sqlite3_column_text(q, 0));
        (void)sqlite3_finalize(q);
        return text;
}

static const struct {
        struct store_op op;
        const char *rows;
} cases[] = {
        { { OP_KEY(9, 2, "New"), .data = "sd", .size = 2, .time = 77 },
                "10 key=09 layer=NULL name='New' target=02 type=0 data='sd'"
                " old: name=NULL seq=NULL target= type=NULL data=NULL time=NULL\n" },
        { { OP_KEY(9, 2, "New"), .data = "sd", .size = 2, .is_volatile = true, .is_link = true },
                "10 volatile key=09 layer=NULL name='New' target=02 type=NULL data=NULL"
                " old: name=NULL seq=NULL target= type=NULL data=NULL time=NULL\n" },
        { { .code = STORE_WRITE_KEY, .guid = { { 2 } }, .mask = 3, .data = "xyz", .size = 3, .time = 5 },
                "12 key=02 layer=NULL name=NULL target= type=3 data='xyz'"
                " old: name=NULL seq=0 target= type=0 data='' time=NULL\n" },
        { { .code = STORE_WRITE_KEY, .guid = { { 3 } }, .mask = 3, .data = "xyz", .size = 3, .time = 5 },
                "12 volatile key=03 layer=NULL name=NULL target= type=NULL data=NULL"
                " old: name=NULL seq=NULL target= type=NULL data=NULL time=NULL\n" },
        { { .code = STORE_DROP_KEY, .guid = { { 4 } }, .sequence = 30 },
                "22 key=04 layer='Site' name='Limit' target= type=NULL data=NULL"
                " old: name='Limit' seq=15 target= type=1 data='three' time=NULL\n"
                "13 key=04 layer=NULL name='Loose' target=01 type=NULL data=NULL"
                " old: name='Loose' seq=0 target=01 type=0 data='' time=NULL\n" },
        { { .code = STORE_DROP_KEY, .guid = { { 99 } } }, "" },
        { { OP_ENTRY(1, "Loose", "base", 4, 20) },
                "02 key=01 layer='base' name='Loose' target=04 type=NULL data=NULL"
                " old: name=NULL seq=NULL target= type=NULL data=NULL time=NULL\n" },
        { { OP_ENTRY(1, "APP", "site", 4, 20) },
                "02 key=01 layer='Site' name='APP' target=04 type=NULL data=NULL"
                " old: name='app' seq=4 target=05 type=0 data='' time=NULL\n" },
        { { OP_ENTRY(1, "TMP", "other", 3, 20) },
                "02 volatile key=01 layer='other' name='TMP' target=03 type=NULL data=NULL"
                " old: name=NULL seq=NULL target= type=NULL data=NULL time=NULL\n" },
        { { OP_HIDE(1, "app", "Site", 20) }, "03 key=01 layer='Site' name='app' target= type=NULL data=NULL"
                                             " old: name='app' seq=4 target=05 type=0 data='' time=NULL\n" },
        { { OP_HIDE(1, "Tmp", "base", 20) },
                "04 volatile key=01 layer='base' name='Tmp' target= type=NULL data=NULL"
                " old: name=NULL seq=NULL target= type=NULL data=NULL time=NULL\n"
                "03 key=01 layer='base' name='Tmp' target= type=NULL data=NULL"
                " old: name=NULL seq=NULL target= type=NULL data=NULL time=NULL\n" },
        { { OP_DELETE(STORE_DELETE_ENTRY, 1, "app", "base") },
                "04 key=01 layer='base' name='App' target= type=NULL data=NULL"
                " old: name='App' seq=1 target=02 type=0 data='' time=NULL\n" },
        { { OP_DELETE(STORE_DELETE_ENTRY, 1, "nobody", "base") }, "" },
        { { OP_VALUE(2, "New", "base", REG_SZ, "x", 20), .time = 77 },
                "21 key=02 layer='base' name='New' target= type=1 data='x'"
                " old: name=NULL seq=NULL target= type=NULL data=NULL time=NULL\n" },
        { { OP_VALUE(2, "LIMIT", "site", REG_TOMBSTONE, "", 20) },
                "21 key=02 layer='Site' name='LIMIT' target= type=65535 data=''"
                " old: name='limit' seq=11 target= type=1 data='two' time=NULL\n" },
        { { OP_VALUE(2, "", "base", REG_SZ, "", 20) },
                "21 key=02 layer='base' name='' target= type=1 data=''"
                " old: name='' seq=13 target= type=1 data='default' time=NULL\n" },
        { { OP_VALUE(3, "Secret", "base", REG_SZ, "secret", 20), .time = 77 },
                "21 volatile key=03 layer='base' name='Secret' target= type=NULL data=NULL"
                " old: name=NULL seq=NULL target= type=NULL data=NULL time=NULL\n" },
        { { OP_DELETE(STORE_DELETE_VALUE, 2, "", "base"), .sequence = 30 },
                "22 key=02 layer='base' name='' target= type=NULL data=NULL"
                " old: name='' seq=13 target= type=1 data='default' time=NULL\n" },
        { { OP_DELETE(STORE_DELETE_VALUE, 2, "nobody", "base") }, "" },
        { { OP_BLANKET(2, "base", true, 20) }, "23 key=02 layer='base' name=NULL target= type=1 data=NULL"
                                               " old: name=NULL seq=12 target= type=0 data='' time=NULL\n" },
        { { OP_BLANKET(2, "base", false, 20) },
                "23 key=02 layer='base' name=NULL target= type=NULL data=NULL"
                " old: name=NULL seq=12 target= type=0 data='' time=NULL\n" },
        { { OP_BLANKET(2, "site", false, 20) }, "" },
        { { .code = STORE_DELETE_LAYER, .layer = "SITE" },
                "04 key=01 layer='Site' name='app' target= type=NULL data=NULL"
                " old: name='app' seq=4 target=05 type=0 data='' time=NULL\n"
                "22 key=02 layer='Site' name='limit' target= type=NULL data=NULL"
                " old: name='limit' seq=11 target= type=1 data='two' time=NULL\n"
                "22 key=04 layer='Site' name='Limit' target= type=NULL data=NULL"
                " old: name='Limit' seq=15 target= type=1 data='three' time=NULL\n" },
        { { OP_FILE("Site", "10-site.yaml", 4294967295, true) },
                "1000 key= layer='Site' name='10-site.yaml' target= type=4294967295 data=01"
                " old: name=NULL seq=NULL target= type=NULL data= time=NULL\n" },
        { { OP_FILE("Deep", "20-deep.yaml", 0, false) },
                "1000 key= layer='Deep' name='20-deep.yaml' target= type=0 data=00"
                " old: name='d.yaml' seq=0 target= type=7 data=01 time=NULL\n" },
        { { OP_FILE("Deep", "d.yaml", 7, true), .seal = { 12, "187d88b7353d4092" } },
                "1000 key= layer='Deep' name='d.yaml' target= type=7"
                " data=0131322031383764383862373335336434303932"
                " old: name='d.yaml' seq=0 target= type=7 data=01 time=NULL\n" },
        { { .code = STORE_FORGET_FILE, .layer = "Deep" },
                "1001 key= layer='Deep' name=NULL target= type=NULL data="
                " old: name='d.yaml' seq=0 target= type=7 data=01 time=NULL\n" },
        { { .code = STORE_FORGET_FILE, .layer = "Site" }, "" },
        { { .code = STORE_NOTE, .name = "it's so", .sequence = 99 },
                "1002 key= layer=NULL name='it''s so' target= type=NULL data="
                " old: name=NULL seq=NULL target= type=NULL data= time=NULL\n" },
};

TEST_EACH(operations, ARRAY_SIZE(cases))
{
        _cleanup_store_ struct store *s = fixture_new();

        APPLY(s, OP_FILE("Deep", "d.yaml", 7, true));
        int64_t from = sql_number(s, "SELECT max(id) FROM history");
        apply(s, cases[_i].op);
        _cleanup_free_ char *rows = rows_since(s, from);
        ck_assert_str_eq(rows, cases[_i].rows);
        /* The counter is the newest row's. */
        ck_assert_int_eq(sql_number(s, "SELECT sequence FROM history ORDER BY id DESC LIMIT 1"),
                (int64_t)store_last_sequence(s));
}

/* ---- Whose doing it is ---- */

/* The authors of all rows after `from`, as their reason and pid. */
static void assert_authors(const struct store *s, int64_t from, const char *expected)
{
        static const char sql[] =
                "SELECT coalesce(group_concat(row, ''), '') FROM (SELECT printf('%s %s %s;', reason,"
                " quote(pid), quote(file) || coalesce(' ' || serial || ' ' || signer, '')) AS row FROM history h JOIN author a ON h.author = a.id"
                " WHERE h.id > ? ORDER BY h.id)";
        sqlite3_stmt *q;

        ck_assert_int_eq(sqlite3_prepare_v2(s->db->sqlite, sql, -1, &q, NULL), SQLITE_OK);
        (void)sqlite3_bind_int64(q, 1, from);
        ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
        ck_assert_str_eq((const char *)sqlite3_column_text(q, 0), expected);
        (void)sqlite3_finalize(q);
}

static void change_as(struct store *s, const struct store_author *author)
{
        ck_assert_int_eq(store_begin(s, author), 0);
        const struct store_op op = { OP_VALUE(2, "v", "base", REG_SZ, "x", store_take_sequence(s)) };
        ck_assert_int_eq(store_apply(s, &op), 0);
}

TEST(authors)
{
        _cleanup_store_ struct store *s = fixture_new();
        const struct store_author a = { .reason = "set", .actor.pid = 1 },
                                  b = { .reason = "set", .actor.pid = 2 };
        int64_t from = sql_number(s, "SELECT max(id) FROM history");
        int64_t before = sql_number(s, "SELECT count(*) FROM author");

        change_as(s, &a);
        commit(s);
        change_as(s, &a);
        commit(s);
        change_as(s, &b);
        commit(s);
        sync_store(s);
        change_as(s, &b);
        commit(s);
        change_as(s, NULL);
        commit(s);
        assert_authors(s, from, "set 1 NULL;set 1 NULL;set 2 NULL;set 2 NULL;registry NULL NULL;");
        ck_assert_int_eq(sql_number(s, "SELECT count(*) FROM author"), before + 3);
}

/* All that a file says is one author's. */
TEST(authors_that_are_files)
{
        _cleanup_store_ struct store *s = fixture_new();
        char path[] = "/etc/x.yaml";
        struct store_author a = { .reason = "hive-edited", .file = path },
                            b = { .reason = "hive-edited", .file = "/y" };
        int64_t from = sql_number(s, "SELECT max(id) FROM history");
        int64_t before = sql_number(s, "SELECT count(*) FROM author");

        change_as(s, &a);
        commit(s);
        a.file = "/etc/x.yaml";
        path[0] = '\0';
        change_as(s, &a);
        commit(s);
        change_as(s, &b);
        commit(s);
        b.seal = seal_of(7, "187d88b7353d4092");
        change_as(s, &b);
        commit(s);
        change_as(s, NULL);
        commit(s);
        assert_authors(s, from,
                "hive-edited 0 '/etc/x.yaml';hive-edited 0 '/etc/x.yaml';hive-edited 0 '/y';"
                "hive-edited 0 '/y' 7 187d88b7353d4092;registry NULL NULL;");
        ck_assert_int_eq(sql_number(s, "SELECT count(*) FROM author"), before + 4);
}

/* What was rolled back, and with it the row of who did it. */
TEST(authors_of_rollbacks)
{
        _cleanup_store_ struct store *s = fixture_new();
        const struct store_author a = { .reason = "set", .actor.pid = 1 },
                                  b = { .reason = "set", .actor.pid = 2 };
        int64_t from = sql_number(s, "SELECT max(id) FROM history");

        sync_store(s);
        change_as(s, &a);
        commit(s);
        change_as(s, &b);
        store_rollback(s);
        change_as(s, &b);
        commit(s);
        assert_authors(s, from, "set 1 NULL;set 2 NULL;");
        store_abandon(s);
        change_as(s, &b);
        commit(s);
        assert_authors(s, from, "set 2 NULL;");
}

/* The outermost one's counts, except while another one is named; words and files are read, not kept. */
TEST(authors_of_strings)
{
        _cleanup_store_ struct store *s = fixture_new();
        char reason[] = "set", file[] = "a.yaml";
        const struct store_author a = { .reason = reason, .actor.pid = 1 },
                                  b = { .reason = "reload", .actor.pid = 2, .file = file };
        int64_t from = sql_number(s, "SELECT max(id) FROM history");

        change_as(s, &a);
        change_as(s, &b);
        commit(s);
        store_set_author(s, &b);
        change_as(s, &a);
        commit(s);
        store_set_author(s, NULL);
        change_as(s, &b);
        commit(s);
        commit(s);
        reason[0] = 'S';
        change_as(s, &a);
        commit(s);
        change_as(s, &b);
        commit(s);
        file[0] = 'b';
        change_as(s, &b);
        commit(s);
        assert_authors(s, from,
                "set 1 NULL;set 1 NULL;reload 2 'a.yaml';set 1 NULL;Set 1 NULL;reload 2 'a.yaml';reload 2 'b.yaml';");
}

Suite *test_suite(void)
{
        return suite_of("store-history");
}
