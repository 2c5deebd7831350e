/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each kind of damage, made on purpose, is found and named; and nothing is in what is whole. */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/store/inspect.h"
#include "../../../schema/values/value.h"
#include "store-file.h"
#include "suite.h"

#define OP(c, ...)                                                                                          \
        {                                                                                                   \
                .code = STORE_##c, __VA_ARGS__                                                              \
        }
#define GUID(n)                                                                                             \
        {                                                                                                   \
                {                                                                                           \
                        (n)                                                                                 \
                }                                                                                           \
        }

/* Machine (01) has App (02), which two layers name and which has a value, a mask of one and of all, and Sub
 * (03); Gone (04) was made and dropped. */
static void make(const struct scratch *s)
{
        static const struct store_op ops[] = {
                OP(CREATE_KEY, .guid = GUID(1), .name = "Machine"),
                OP(CREATE_KEY, .guid = GUID(2), .target = GUID(1), .name = "App"),
                OP(CREATE_ENTRY, .guid = GUID(1), .name = "App", .layer = "base", .target = GUID(2),
                        .sequence = 1),
                OP(CREATE_ENTRY, .guid = GUID(1), .name = "APP", .layer = "Site", .target = GUID(2),
                        .sequence = 2),
                OP(CREATE_KEY, .guid = GUID(3), .target = GUID(2), .name = "Sub"),
                OP(CREATE_ENTRY, .guid = GUID(2), .name = "Sub", .layer = "base", .target = GUID(3),
                        .sequence = 3),
                OP(HIDE_ENTRY, .guid = GUID(2), .name = "Hidden", .layer = "base", .sequence = 4),
                OP(SET_VALUE, .guid = GUID(2), .name = "Größe", .layer = "base", .type = REG_SZ, .data = "a",
                        .size = 1, .sequence = 5),
                OP(SET_VALUE, .guid = GUID(2), .name = "größe", .layer = "Site", .type = REG_TOMBSTONE,
                        .sequence = 6),
                OP(SET_BLANKET, .guid = GUID(2), .layer = "Site", .set = true, .sequence = 7),
                OP(SET_FILE, .layer = "50-file", .name = "/etc/50-file.yaml", .precedence = 3, .set = true),
                OP(CREATE_KEY, .guid = GUID(4), .target = GUID(1), .name = "Gone"),
                OP(DROP_KEY, .guid = GUID(4)),
        };
        _cleanup_store_ struct store *store = open_store(s);

        ck_assert_int_eq(store_begin(store, NULL), 0);
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                ck_assert_int_eq(store_apply(store, &ops[i]), 0);
        ck_assert_int_eq(store_commit(store), 0);
        ck_assert_int_eq(store_sync(store, NULL), 0);
}

static void expect(const struct scratch *s, const char *what, const char *const *texts, size_t n)
{
        _cleanup_(diags_done) struct diags found = { 0 };
        struct diag d = { 0 };

        int r = inspect_file(s->file, &found, &d);
        ck_assert_msg(r == 0, "%s: %s", what, d.text);
        for (size_t i = 0; i < n; i++) {
                bool is_there = false;
                for (size_t k = 0; k < found.n; k++)
                        is_there |= strstr(found.list[k], texts[i]) != NULL;
                ck_assert_msg(is_there, "%s: it does not say '%s', but %zu others: %s", what, texts[i],
                        found.n, found.n > 0 ? found.list[0] : "");
        }
        ck_assert_msg(n > 0 || found.n == 0, "%s: %s", what, found.n > 0 ? found.list[0] : "");
}

TEST(whole)
{
        make(&here);
        expect(&here, "nothing", NULL, 0);
        /* What is pruned leaves nothing behind that is wrong. */
        run_sql(here.file,
                "DELETE FROM history WHERE id < 9; UPDATE history SET flags = flags | 8 WHERE id = 9");
        expect(&here, "the history's beginning", NULL, 0);
}

#define OF_APP "guid = x'02000000000000000000000000000000'"
#define IN_MACHINE "parent = x'01000000000000000000000000000000'"
#define APP_GUID "02000000-0000-0000-0000-000000000000"

static const struct {
        const char *sql;
        const char *texts[3];
} cases[] = {
        { "DELETE FROM key WHERE " OF_APP,
                { "\\Machine: layer base names a subkey 'App', and there is no such key",
                        "key " APP_GUID ": value 'Größe' of layer base is in a key that is not there",
                        "\\Machine: layer Site names a subkey 'APP', and there is no such key" } },
        { "DELETE FROM key WHERE " OF_APP,
                { "key " APP_GUID ": subkey 'Hidden' of layer base is in a key that is not there",
                        "key " APP_GUID ": layer Site masks the values of a key that is not there",
                        "key 03000000-0000-0000-0000-000000000000: the key that it is in is not there" } },
        { "DELETE FROM path_entry WHERE " IN_MACHINE,
                { "\\Machine\\App: no layer names it: it is an orphan" } },
        { "UPDATE key SET guid = x'0102' WHERE name = 'Sub'", { "its GUID has 2 bytes, expected 16" } },
        { "UPDATE key SET name = 'a\\b' WHERE " OF_APP, { "\\Machine\\a\\b: no key can have its name" } },
        { "UPDATE key SET name = CAST(x'ff' AS TEXT) WHERE " OF_APP, { "no key can have its name" } },
        { "UPDATE key SET flags = 6 WHERE " OF_APP, { "\\Machine\\App: its flags are 6, expected 0 or 1" } },
        { "INSERT INTO key VALUES(x'09000000000000000000000000000000', NULL, 'MACHINE', x'', 0, 0)",
                { "there are two hives of this name" } },
        { "UPDATE key SET parent = x'03000000000000000000000000000000' WHERE " OF_APP,
                { "key " APP_GUID ": it is below itself, or too deep",
                        "\\Machine: layer base names a subkey 'App' that is in another key" } },

        { "UPDATE path_entry SET layer = 77 WHERE sequence = 2",
                { "\\Machine: subkey 'APP' is of layer number 77, and there is no such layer" } },
        { "UPDATE path_entry SET folded = 'apq' WHERE sequence = 2",
                { "\\Machine: subkey 'APP' of layer Site is stored as 'apq', expected 'app'" } },
        { "UPDATE path_entry SET sequence = 1 WHERE sequence = 2",
                { "\\Machine: number 1 was given to 2 entries, expected one" } },
        { "UPDATE path_entry SET sequence = 99 WHERE sequence = 2",
                { "\\Machine: subkey 'APP' of layer Site has number 99, expected 1 to 7, the number of the last "
                  "change" } },
        { "UPDATE path_entry SET sequence = 0 WHERE sequence = 2", { "has number 0, expected 1 to 7" } },
        { "UPDATE path_entry SET name = '', folded = '' WHERE sequence = 4",
                { "\\Machine\\App: no subkey can have the name of one of its entries" } },

        { "UPDATE value SET layer = 77 WHERE sequence = 5",
                { "\\Machine\\App: value 'Größe' is of layer number 77, and there is no such layer" } },
        { "UPDATE value SET folded = 'GRÖSSE' WHERE sequence = 5",
                { "\\Machine\\App: value 'Größe' of layer base is stored as 'GRÖSSE', expected 'größe'" } },
        { "UPDATE value SET sequence = 6 WHERE sequence = 5",
                { "\\Machine\\App: number 6 was given to 2 entries, expected one" } },
        { "UPDATE value SET sequence = 99 WHERE sequence = 5",
                { "\\Machine\\App: value 'Größe' of layer base has number 99, expected 1 to 7" } },
        { "UPDATE value SET type = 12 WHERE sequence = 5",
                { "\\Machine\\App: value 'Größe' of layer base has type 12, expected 0 to 11" } },
        { "UPDATE value SET data = x'00' WHERE sequence = 6",
                { "\\Machine\\App: value 'größe' of layer Site is a mask, and has data" } },
        { "UPDATE value SET name = CAST(x'41ff' AS TEXT) WHERE sequence = 5",
                { "\\Machine\\App: no value can have the name of one of its entries" } },

        { "UPDATE blanket SET layer = 77", { "\\Machine\\App: its values are masked by layer number 77" } },
        { "UPDATE blanket SET sequence = 99",
                { "\\Machine\\App: the mask of layer Site has number 99, expected 1 to 7" } },
        { "UPDATE blanket SET sequence = 5",
                { "\\Machine\\App: number 5 was given to 2 entries, expected one" } },

        { "UPDATE layer SET folded = 'Site' WHERE name = 'Site'",
                { "layer 'Site' is stored as 'Site', expected 'site'" } },
        { "UPDATE layer SET name = '', folded = '' WHERE name = 'Site'", { "layer '' is stored as ''" } },
        { "UPDATE layer SET name = 'low', folded = 'low' WHERE id = 1",
                { "layer number 1 is called 'low', expected 'base'" } },
        { "UPDATE file SET layer = 77", { "file /etc/50-file.yaml is behind layer number 77" } },

        { "DELETE FROM author", { "is of author 1, and there is no such author" } },
        { "UPDATE history SET layer = 77 WHERE id = 3", { "row 3 of the history is of layer number 77" } },
        { "UPDATE history SET op = 5 WHERE id = 3",
                { "row 3 of the history has operation 5, which is none" } },
        { "UPDATE history SET sequence = 6 WHERE id = 3",
                { "row 4 of the history has number 2, after number 6" } },
        { "UPDATE history SET flags = flags & ~8 WHERE id = 1",
                { "row 1 of the history cannot be found by its key" } },
        { "UPDATE history SET key = x'77' WHERE id = 3 OR flags & 8",
                { "of the history cannot be found by its key" } },
        { "UPDATE history SET folded = 'Gone' WHERE folded IS NOT NULL",
                { "of the history: key 'Gone' is stored as 'Gone', expected 'gone'" } },

        /* What would run when somebody looks. */
        { "CREATE VIEW look AS SELECT 1", { "there is a view called 'look', expected none" } },
        { "DROP TABLE blanket; CREATE VIEW blanket AS SELECT key, layer, sequence FROM value",
                { "there is a view called 'blanket', expected none" } },
        { "CREATE TRIGGER t AFTER INSERT ON value BEGIN DELETE FROM key; END",
                { "there is a trigger called 't', expected none" } },
        { "DROP TABLE blanket; CREATE VIRTUAL TABLE blanket USING rtree(key, layer, sequence)",
                { "there is a table called 'blanket', expected none" } },
        /* Tables that only look like ours. */
        { "CREATE TABLE k AS SELECT * FROM key; DROP TABLE key; ALTER TABLE k RENAME TO key;"
          "INSERT INTO key SELECT * FROM key; INSERT INTO key SELECT * FROM key; UPDATE key SET name = NULL, flags = 7",
                { "table key is not as the registry makes it" } },
        { "DROP TABLE blanket; CREATE TABLE blanket(key BLOB, layer INTEGER,"
          " sequence INTEGER AS (length(hex(zeroblob(9)))))",
                { "table blanket is not as the registry makes it" } },
        /* What SQLite itself finds. */
        { "CREATE INDEX twice ON layer(name); PRAGMA writable_schema = ON;"
          "UPDATE sqlite_schema SET sql = 'CREATE INDEX twice ON layer(folded)' WHERE name = 'twice'",
                { "missing from index twice" } },
};

TEST_EACH(damage, ARRAY_SIZE(cases))
{
        size_t n = 0;

        make(&here);
        run_sql(here.file, cases[_i].sql);
        while (n < ARRAY_SIZE(cases[_i].texts) && cases[_i].texts[n])
                n++;
        expect(&here, cases[_i].sql, cases[_i].texts, n);
}

TEST(torn)
{
        _cleanup_(diags_done) struct diags found = { 0 };
        struct diag d = { 0 };

        make_store(&here, 3);
        damage_pages_with(here.file, "Value2");
        ck_assert_int_eq(inspect_file(here.file, &found, &d), 0);
        ck_assert_uint_gt(found.n, 0);
        overwrite(here.file, 0, "This is no database, whatever its name.", 39);
        ck_assert_int_eq(inspect_file(here.file, &found, &d), -EUCLEAN);
        ck_assert_ptr_nonnull(strstr(d.text, "file is not a database"));
}

/* SQLite would read it whole wherever it compares: no more memory than a row of ours takes is had for that.
 */
TEST(too_large)
{
        _cleanup_(diags_done) struct diags found = { 0 };
        struct diag d = { 0 };
        sqlite3_mem_methods unlimited;

        ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &unlimited), SQLITE_OK);
        make(&here);
        ck_assert_int_eq(sqlite3_shutdown(), SQLITE_OK);
        ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &unlimited), SQLITE_OK);
        run_sql(here.file, "UPDATE value SET data = zeroblob(140000000) WHERE sequence = 5");
        ck_assert_int_eq(sqlite3_shutdown(), SQLITE_OK);
        ck_assert_int_eq(inspect_file(here.file, &found, &d), 0);
        ck_assert_uint_eq(found.n, 1);
        ck_assert_ptr_nonnull(
                strstr(found.list[0], "something in it is larger than the registry makes anything"));
}

/* Of very much no more is said than anybody reads. */
TEST(many)
{
        _cleanup_(diags_done) struct diags found = { 0 };
        struct diag d = { 0 };

        make_store(&here, 1200);
        run_sql(here.file, "UPDATE value SET type = 99");
        ck_assert_int_eq(inspect_file(here.file, &found, &d), 0);
        ck_assert_uint_eq(found.n, DIAGS_MAX);
}

Suite *test_suite(void)
{
        return suite_waiting("inspect", here_make, here_remove);
}
