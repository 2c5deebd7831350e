/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/names/fold.h"
#include "../../schema/names/path.h"

/* ---- The rules: each is a query that finds what breaks it, a key and a sentence a row. ---- */

#define LAYER_OF(row)                                                                                       \
        "coalesce((SELECT name FROM layer WHERE id = " row ".layer), 'number ' || " row ".layer)"
#define LAST                                                                                                \
        "(SELECT coalesce(max(sequence), 0) FROM (SELECT sequence FROM history ORDER BY id DESC LIMIT 1))"
#define NO_KEY(guid) "NOT EXISTS(SELECT 1 FROM key WHERE key.guid = " guid ")"
#define NO_LAYER(row) row ".layer NOT IN (SELECT id FROM layer)"

/* What an entry of a value and one of a subkey have in common. */
#define RULES_OF_ENTRIES(table, key, what)                                                                  \
        "SELECT e." key ", printf('" what                                                                   \
        " ''%s'' of layer %s is in a key that is not there', e.name, " LAYER_OF(                            \
                "e") ") FROM " table " e WHERE " NO_KEY("e." key),                                          \
                "SELECT e." key ", printf('" what                                                           \
                " ''%s'' is of layer number %d, and there is no such layer',"                               \
                " e.name, e.layer) FROM " table " e WHERE " NO_LAYER("e"),                                  \
                "SELECT e." key ", printf('" what                                                           \
                " ''%s'' of layer %s is stored as ''%s'', expected ''%s''',"                                \
                " e.name, " LAYER_OF("e") ", e.folded, fold(e.name)) FROM " table " e"                      \
                                          " WHERE e.folded IS NOT fold(e.name)",                            \
                "SELECT e." key ", printf('" what                                                           \
                " ''%s'' of layer %s has number %lld, expected 1 to %lld, the"                              \
                " number of the last change', e.name, " LAYER_OF(                                           \
                        "e") ", e.sequence, l.last)"                                                        \
                             " FROM " table " e, (SELECT " LAST                                             \
                             " AS last) l WHERE e.sequence NOT BETWEEN 1 AND l.last",                       \
                "SELECT e." key ", printf('" what                                                           \
                " ''%s'' has the same number, %lld, in layers %s and %s',"                                  \
                " e.name, e.sequence, " LAYER_OF("e") ", " LAYER_OF(                                        \
                        "o") ") FROM " table " e JOIN " table " o"                                          \
                             " ON o." key " = e." key                                                       \
                             " AND o.folded = e.folded AND o.layer > e.layer AND o.sequence = e.sequence"

static const char *const rules[] = {
        "SELECT guid, printf('its GUID has %d bytes, expected 16', length(guid)) FROM key"
        " WHERE length(guid) <> 16",
        "SELECT guid, 'no key can have its name' FROM key WHERE NOT is_component(name)",
        "SELECT guid, printf('its flags are %d, expected 0 or 1', flags) FROM key WHERE flags NOT IN (0, 1)",
        "SELECT guid, 'there are two hives of this name' FROM key WHERE parent IS NULL"
        " GROUP BY fold(name) HAVING count(*) > 1",
        "SELECT k.guid, 'the key that it is in is not there' FROM key k"
        " WHERE k.parent IS NOT NULL AND " NO_KEY("k.parent"),
        "SELECT k.guid, 'no layer names it: it is an orphan' FROM key k WHERE k.parent IS NOT NULL"
        " AND NOT EXISTS(SELECT 1 FROM path_entry WHERE target = k.guid)",
        "SELECT k.guid, 'it is below itself, or too deep' FROM key k WHERE NOT EXISTS("
        " WITH RECURSIVE up(parent, n) AS (SELECT k.parent, 1 UNION ALL SELECT p.parent, n + 1"
        "  FROM up JOIN key p ON p.guid = up.parent WHERE n <= 512)"
        " SELECT 1 FROM up WHERE parent IS NULL OR " NO_KEY("up.parent") ")",

        RULES_OF_ENTRIES("path_entry", "parent", "subkey"),
        "SELECT e.parent, printf('layer %s names a subkey ''%s'', and there is no such key', " LAYER_OF(
                "e") ","
                     " e.name) FROM path_entry e WHERE e.target IS NOT NULL AND " NO_KEY("e.target"),
        "SELECT e.parent, printf('layer %s names a subkey ''%s'' that is in another key', " LAYER_OF(
                "e") ","
                     " e.name) FROM path_entry e JOIN key k ON k.guid = e.target WHERE k.parent IS NOT e.parent",
        "SELECT parent, 'no subkey can have the name of one of its entries' FROM path_entry"
        " WHERE NOT is_component(name)",

        RULES_OF_ENTRIES("value", "key", "value"),
        "SELECT v.key, printf('value ''%s'' of layer %s has type %d, expected 0 to 11, or 65535 for a mask',"
        " v.name, " LAYER_OF(
                "v") ", v.type) FROM value v WHERE v.type NOT BETWEEN 0 AND 11 AND v.type <> 65535",
        "SELECT v.key, printf('value ''%s'' of layer %s is a mask, and has data', v.name, " LAYER_OF(
                "v") ")"
                     " FROM value v WHERE v.type = 65535 AND length(v.data) > 0",
        "SELECT key, 'no value can have the name of one of its entries' FROM value WHERE NOT is_value_name(name)",

        "SELECT b.key, printf('layer %s masks the values of a key that is not there', " LAYER_OF(
                "b") ")"
                     " FROM blanket b WHERE " NO_KEY("b.key"),
        "SELECT b.key, printf('its values are masked by layer number %d, and there is no such layer', b.layer)"
        " FROM blanket b WHERE " NO_LAYER("b"),
        "SELECT b.key, printf('the mask of layer %s has number %lld, expected 1 to %lld, the number of the last"
        " change', " LAYER_OF("b") ", b.sequence, l.last) FROM blanket b, (SELECT " LAST " AS last) l"
                                   " WHERE b.sequence NOT BETWEEN 1 AND l.last",
        "SELECT b.key, printf('the mask of layer %s has the number of value ''%s'', %lld', " LAYER_OF(
                "b") ","
                     " v.name, b.sequence) FROM blanket b JOIN value v ON v.key = b.key AND v.sequence = b.sequence",

        "SELECT NULL, printf('layer ''%s'' is stored as ''%s'', expected ''%s''', name, folded, fold(name))"
        " FROM layer WHERE folded IS NOT fold(name) OR NOT is_component(name)",
        "SELECT NULL, printf('file %s is behind layer number %d, and there is no such layer', f.file, f.layer)"
        " FROM file f WHERE " NO_LAYER("f"),
        "SELECT NULL, printf('layer number 1 is called ''%s'', expected ''" LAYER_BASE "''',"
        " (SELECT name FROM layer WHERE id = 1)) WHERE NOT EXISTS(SELECT 1 FROM layer WHERE id = 1 AND folded = '" LAYER_BASE
        "')",

        "SELECT h.key, printf('row %lld of the history is of author %lld, and there is no such author', h.id,"
        " h.author) FROM history h WHERE h.author NOT IN (SELECT id FROM author)",
        "SELECT h.key, printf('row %lld of the history is of layer number %d, and there is no such layer', h.id,"
        " h.layer) FROM history h WHERE h.layer IS NOT NULL AND " NO_LAYER("h"),
        "SELECT h.key, printf('row %lld of the history has operation %d, which is none', h.id, h.op)"
        " FROM history h WHERE h.op NOT IN (2, 3, 4, 16, 18, 19, 33, 34, 35, 80, 4096, 4097, 4098)",
        "SELECT h.key, printf('row %lld of the history has number %lld, after number %lld', h.id, h.sequence,"
        " p.sequence) FROM history h JOIN history p ON p.id = (SELECT max(id) FROM history WHERE id < h.id)"
        " WHERE h.sequence < p.sequence",
        "SELECT h.key, printf('row %lld of the history: key ''%s'' is stored as ''%s'', expected ''%s''', h.id,"
        " h.name, h.folded, fold(h.name)) FROM history h WHERE h.folded IS NOT NULL"
        " AND h.folded IS NOT fold(h.name)",
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

/* In what is torn, or only looks like the registry's tables, rules would find anything. */
static int look(struct database *db, struct diags *found, bool *ret_is_torn)
{
        int r = look_by(db,
                "SELECT NULL, printf('there is a %s called ''%s'', expected none', type, name) FROM sqlite_schema"
                " WHERE type NOT IN ('table', 'index')",
                found);

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
