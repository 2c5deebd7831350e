/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/names/fold.h"
#include "../../schema/names/path.h"

static const char *const rules[] = {
#define RULE(sql) sql,
#include "rules.def"
#undef RULE
};

/* ---- What SQLite does not know ---- */

static const char *text_of(sqlite3_value *v, size_t *ret_len)
{
        const char *text = (const char *)sqlite3_value_text(v);

        *ret_len = text ? (size_t)sqlite3_value_bytes(v) : 0;
        return text ? text : "";
}

/* NULL: no name can be so. */
static void fold_name(sqlite3_context *c, _unused_ int n, sqlite3_value **values)
{
        char folded[FOLDED_BYTES(NAME_BYTES_MAX)];
        size_t len;
        const char *text = text_of(values[0], &len);

        if (len > NAME_BYTES_MAX || utf8_valid_prefix(text, len) < len)
                return;
        size_t folded_len = fold_text(text, len, folded, sizeof(folded));
        sqlite3_result_text(c, folded, (int)folded_len, SQLITE_TRANSIENT);
}

static void is_component(sqlite3_context *c, _unused_ int n, sqlite3_value **values)
{
        size_t len;
        const char *text = text_of(values[0], &len);

        sqlite3_result_int(c, path_component_is_storable(text, len));
}

static void is_value_name(sqlite3_context *c, _unused_ int n, sqlite3_value **values)
{
        size_t len;
        const char *text = text_of(values[0], &len);

        sqlite3_result_int(c, path_value_name_is_storable(text, len));
}

int inspect_prepare(struct database *db)
{
        static const struct {
                const char *name;
                void (*fn)(sqlite3_context *c, int n, sqlite3_value **values);
        } functions[] = {
                { "fold", fold_name },
                { "is_component", is_component },
                { "is_value_name", is_value_name },
        };

        for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
                if (sqlite3_create_function_v2(db->sqlite, functions[i].name, 1,
                            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, functions[i].fn,
                            NULL, NULL, NULL) != SQLITE_OK)
                        return database_no_memory(db);
        return 0;
}

/* ---- Looking ---- */

/* The names on the way up from the key, and where each ends. 0: no path leads to it. */
static size_t read_names(struct database *db, const struct guid *guid, struct buf *names, size_t *ends)
{
        struct guid at = *guid;
        size_t n = 0;

        while (!guid_is_zero(&at) && n < PATH_DEPTH_MAX) {
                sqlite3_stmt *q = database_statement(db, KEY_GET, false);
                const size_t before = n;
                database_bind_guid(q, 1, &at);
                /* In tables of somebody else there may be more than one, and without a name. */
                while (database_row(db, q)) {
                        const char *name = (const char *)sqlite3_column_text(q, 1);
                        if (n > before)
                                continue;
                        buf_puts(names, name ? name : "");
                        database_column_guid(q, 0, &at);
                        ends[n++] = names->len;
                }
                if (n == before)
                        return 0;
        }
        return guid_is_zero(&at) ? n : 0;
}

/* "\Machine\Test: "; of a key that no path leads to, its GUID. */
static void put_key(struct database *db, const struct guid *guid, struct buf *out)
{
        _cleanup_buf_ struct buf names = BUF_INIT;
        size_t ends[PATH_DEPTH_MAX];
        char text[37];

        size_t n = read_names(db, guid, &names, ends);
        if (n == 0) {
                guid_format(guid, text);
                buf_printf(out, "key %s", text);
        }
        while (n-- > 0) {
                const size_t begin = n > 0 ? ends[n - 1] : 0;
                buf_putc(out, '\\');
                buf_add(out, buf_str(&names) + begin, ends[n] - begin);
        }
        buf_puts(out, ": ");
}

static int add_finding(struct database *db, const struct guid *key, const char *text, struct diags *found)
{
        _cleanup_buf_ struct buf all = BUF_INIT;
        struct diag d;

        if (key && !guid_is_zero(key))
                put_key(db, key, &all);
        buf_puts(&all, text ? text : "");
        (void)diag_set(&d, 0, "%s", buf_str(&all));
        for (char *c = d.text; (c = strchr(c, '\n'));)
                *c = ' ';
        return all.error || diags_add(found, &d) < 0 ? database_no_memory(db) : db->error;
}

/* What cannot be read is damage, too, and found as such. */
static int end_rule(struct database *db, sqlite3_stmt *q, struct diags *found)
{
        const struct diag why = db->why;
        const int error = db->error;

        (void)sqlite3_finalize(q);
        if (error != -EUCLEAN)
                return error;
        db->error = 0;
        return add_finding(db, NULL, why.text, found);
}

static int look_by(struct database *db, const char *rule, struct diags *found)
{
        sqlite3_stmt *q = database_prepare(db, rule);
        struct guid key;
        int r = 0;

        while (r == 0 && found->n < DIAGS_MAX && database_row(db, q)) {
                database_column_guid(q, 0, &key);
                r = add_finding(db, &key, (const char *)sqlite3_column_text(q, 1), found);
        }
        return end_rule(db, q, found);
}

/* A table of ours as somebody else has made it computes what it likes, without end or with all memory, when
 * it is read. Of other tables only such as a module of SQLite's reads are of interest. */
static int look_at_tables(struct database *db, struct diags *found)
{
        _cleanup_(database_closep) struct database *own = NULL;
        struct diag d = { 0 };
        int r = database_open(NULL, STORE_WRITE, &own, &d);
        if (r < 0)
                return db->error = diag_set(&db->why, -r, "%s", d.text);
        sqlite3_stmt *table =
                database_prepare(own, "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table'");
        sqlite3_stmt *same = database_prepare(
                db, "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 AND sql = ?2");
        while (r == 0 && found->n == 0 && database_row(own, table)) {
                struct diag text;
                bool is_same = false;
                const char *name = (const char *)sqlite3_column_text(table, 0);
                (void)sqlite3_bind_value(same, 1, sqlite3_column_value(table, 0));
                (void)sqlite3_bind_value(same, 2, sqlite3_column_value(table, 1));
                while (database_row(db, same))
                        is_same = true;
                (void)diag_set(&text, 0, "table %s is not as the registry makes it", name);
                if (!is_same && db->error == 0)
                        r = add_finding(db, NULL, text.text, found);
        }
        (void)sqlite3_finalize(table);
        if (own->error < 0 && db->error == 0)
                db->error = diag_set(&db->why, -own->error, "%s", own->why.text);
        return end_rule(db, same, found);
}

/* In what is torn, or only looks like the registry's tables, rules would find anything. */
static int look(struct database *db, struct diags *found, bool *ret_is_torn)
{
        int r = look_by(db,
                "SELECT NULL, printf('there is a %s called ''%s'', expected none', type, name) FROM sqlite_schema"
                " WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'",
                found);
        if (r == 0 && found->n == 0)
                r = look_at_tables(db, found);

        *ret_is_torn = false;
        if (r < 0 || found->n > 0)
                return r;
        r = look_by(db,
                "SELECT NULL, integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
                found);
        *ret_is_torn = found->n > 0;
        for (size_t i = 0; r == 0 && !*ret_is_torn && i < ARRAY_SIZE(rules); i++)
                r = look_by(db, rules[i], found);
        return r;
}

int inspect_database(struct database *db, struct diags *ret, bool *ret_is_torn, struct diag *d)
{
        db->error = 0;
        const bool is_outermost = sqlite3_get_autocommit(db->sqlite);
        int r = inspect_prepare(db);
        if (r == 0 && is_outermost)
                r = database_do(db, BEGIN);
        if (r == 0)
                r = look(db, ret, ret_is_torn);
        if (is_outermost && !sqlite3_get_autocommit(db->sqlite))
                (void)database_force(db, ROLLBACK);
        return r == 0 ? 0 : diag_set(d, -r, "%s", db->why.text);
}

int inspect_file(const char *path, struct diags *ret, struct diag *d)
{
        _cleanup_(database_closep) struct database *db = NULL;
        bool is_torn;

        /* Beside somebody who has it open, with locks; nobody has what is busy so. */
        int r = database_open(path, STORE_READ_ONLY, &db, d);
        if (r == -EBUSY)
                r = database_open(path, STORE_AT_BOOT, &db, d);
        return r < 0 ? r : inspect_database(db, ret, &is_torn, d);
}

int database_check(struct database *db, enum statement check, struct diag *d)
{
        db->error = 0;
        sqlite3_stmt *q = database_statement(db, check, false);
        bool is_whole = false;
        char found[256] = "";

        while (database_row(db, q)) {
                const char *text = (const char *)sqlite3_column_text(q, 0);
                is_whole = text && strcmp(text, "ok") == 0;
                (void)snprintf(found, sizeof(found), "%s", text ? text : "");
        }
        if (db->error < 0)
                return diag_set(d, -db->error, "%s", db->why.text);
        for (char *c = found; (c = strchr(c, '\n'));)
                *c = ' ';
        return is_whole ? 0 : diag_set(d, EUCLEAN, "%s: %s", db->path, found);
}
