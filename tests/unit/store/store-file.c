/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/store/database.h"
#include "../../../schema/base/buf.h"
#include "../../../schema/base/file.h"
#include "../../../schema/values/value.h"
#include "suite.h"

#define PAGE 1024

void scratch_init(struct scratch *s)
{
        (void)snprintf(s->folder, sizeof(s->folder), "%s/peios-store-XXXXXX", suite_scratch());
        ck_assert_ptr_nonnull(mkdtemp(s->folder));
        (void)snprintf(s->file, sizeof(s->file), "%s/registry.db", s->folder);
}

static int no_dots(const struct dirent *e)
{
        return e->d_name[0] != '.' || e->d_name[1] != '\0';
}

char *scratch_list(const struct scratch *s, const char *prefix)
{
        struct buf names = BUF_INIT;
        struct dirent **entries;
        char *text;

        int n = scandir(s->folder, &entries, no_dots, alphasort);
        ck_assert_int_ge(n, 0);
        for (int i = 0; i < n; i++) {
                const char *name = entries[i]->d_name;
                if (strcmp(name, "..") != 0 && strncmp(name, prefix, strlen(prefix)) == 0)
                        buf_printf(&names, "%s ", name);
                free(entries[i]);
        }
        free(entries);
        ck_assert_int_eq(buf_finish(&names, &text, NULL), 0);
        return text;
}

void expect_files(const struct scratch *s, const char *prefix, const char *names)
{
        _cleanup_free_ char *found = scratch_list(s, prefix);
        ck_assert_str_eq(found, names);
}

const char *scratch_path(const struct scratch *s, const char *name)
{
        static char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", s->folder, name);
        return path;
}

void scratch_done(struct scratch *s)
{
        _cleanup_free_ char *names = scratch_list(s, "");

        for (char *at = names, *name; (name = strsep(&at, " ")) && *name;)
                ck_assert_int_eq(remove(scratch_path(s, name)), 0);
        ck_assert_int_eq(rmdir(s->folder), 0);
}

struct scratch here;

void here_make(void)
{
        scratch_init(&here);
}

void here_remove(void)
{
        scratch_done(&here);
}

struct store *open_store(const struct scratch *s)
{
        struct store *store = NULL;
        struct diag d = { 0 };

        int r = store_open(s->file, STORE_WRITE, 4096, &store, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        return store;
}

static const struct guid machine = { { 1 } };

static void put(struct store *s, unsigned i, const void *data, size_t size)
{
        char name[32];

        (void)snprintf(name, sizeof(name), "Value%u", i);
        const struct store_op key = { .code = STORE_CREATE_KEY, .guid = machine, .name = "Machine" };
        int r = store_apply(s, &key);
        ck_assert(r == 0 || r == -EEXIST);
        const struct store_op op = { .code = STORE_SET_VALUE,
                .guid = machine,
                .name = name,
                .layer = LAYER_BASE,
                .type = REG_BINARY,
                .data = data,
                .size = size,
                .sequence = store_take_sequence(s) };
        ck_assert_int_eq(store_apply(s, &op), 0);
}

void put_values(struct store *s, unsigned from, unsigned to)
{
        for (unsigned i = from; i <= to; i++) {
                ck_assert_int_eq(store_begin(s, NULL), 0);
                put(s, i, "data", 4);
                ck_assert_int_eq(store_commit(s), 0);
                ck_assert_int_eq(store_sync(s, NULL), 0);
        }
}

void put_large(struct store *s, unsigned from, unsigned to, size_t size)
{
        _cleanup_free_ char *data = calloc(1, size);

        ck_assert_int_eq(store_begin(s, NULL), 0);
        for (unsigned i = from; i <= to; i++)
                put(s, i, data, size);
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_sync(s, NULL), 0);
}

size_t count_values(const struct store *s)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        size_t n;

        (void)store_values(s, &machine, SIZE_MAX, &n);
        ck_assert_int_eq(store_error(s, NULL), 0);
        return n;
}

void make_store(const struct scratch *s, unsigned n)
{
        _cleanup_store_ struct store *store = open_store(s);

        put_values(store, 1, n);
}

void run_sql(const char *path, const char *sql)
{
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        int r = sqlite3_exec(db, sql, NULL, NULL, NULL);
        ck_assert_msg(r == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
        (void)sqlite3_close(db);
}

int64_t get_number(const char *path, const char *sql)
{
        sqlite3_stmt *statement;
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
        int64_t number = sqlite3_column_int64(statement, 0);
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return number;
}

void overwrite(const char *path, long at, const char *bytes, size_t n)
{
        FILE *f = fopen(path, "r+");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
        ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
        ck_assert_int_eq(fclose(f), 0);
}

void damage_pages_with(const char *path, const char *text)
{
        _cleanup_buf_ struct buf all = BUF_INIT;
        char noise[PAGE];
        unsigned n = 0;

        ck_assert_int_eq(file_read(AT_FDCWD, path, SIZE_MAX, &all, NULL, NULL), 0);
        memset(noise, 0xa5, sizeof(noise));
        for (size_t at = 0; at + PAGE <= all.len; at += PAGE)
                if (memmem(all.data + at, PAGE, text, strlen(text))) {
                        overwrite(path, (long)at, noise, sizeof(noise));
                        n++;
                }
        ck_assert_uint_gt(n, 0);
}

struct backup make_backup(const struct scratch *s)
{
        _cleanup_(database_closep) struct database *db = NULL;
        struct backup backup;
        struct diag d = { 0 };

        ck_assert_int_eq(database_open_upkeep(s->file, &db, &d), 0);
        int r = backup_make(db, &backup, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        return backup;
}
