/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection to the registry's database: how it is opened, its tables, its statements, what its errors
 * mean. What a volatile key has is in tables of the same names in SQLite's own temporary database, which is
 * in memory. */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../schema/base/diag.h"
#include "halt.h"
#include "store.h"

/* Each is prepared when it is first used, for the file's tables or the volatile ones: `@` in its text is the
 * database. */
enum statement {
#define STATEMENT(id, sql) id,
#include "statements.def"
#undef STATEMENT
        STATEMENTS_N
};

struct database {
        sqlite3 *sqlite;
        struct wal *wal; /* NULL: SQLite writes to its log itself */
        sqlite3_stmt *statements[STATEMENTS_N][2];
        char *path;        /* for people; "memory" where there is no file */
        bool is_open;      /* what fails from now on is not the opening */
        bool has_volatile; /* something was in the volatile tables once */
        int error;         /* the first one since it was cleared; see store_error() */
        struct diag why;
        struct diag damage; /* of the file, the first that was met; or "" */
        struct halt *halt;  /* who may interrupt it; NULL: nobody */
        struct database *halt_next;
};

_must_check_ int database_open(
        const char *file, enum store_mode mode, struct database **ret, struct diag *d);
/* A second connection to a file that is a store's: for checkpoints, checks and backups. It makes nothing. */
_must_check_ int database_open_upkeep(const char *file, struct database **ret, struct diag *d);
/* How much of the file is kept in memory, in KiB. */
#define DATABASE_CACHE "PRAGMA cache_size = -8192"
#define DATABASE_CACHE_LARGE "PRAGMA cache_size = -65536"

/* Volatile ones where they are missing: who only reads has none. 0 or the error. */
_must_check_ int database_make_tables(struct database *db, bool is_volatile);
struct database *database_close(struct database *db);
DEFINE_CLEANUP(struct database *, database_close, database_closep);

/* The negative errno that SQLite's last error stands for, with d set to what happened to which file. */
int database_failed(const struct database *db, struct diag *d);
/* Notes that memory ran out, unless an error is there. The error. */
int database_no_memory(struct database *db);

/* The number of the newest change in a file that is damaged and that nobody has open, if it can still be
 * read; or 0. */
uint64_t database_newest_of_damaged(const char *file);
/* `check`: QUICK_CHECK; or INTEGRITY_CHECK, which compares indexes with their tables, too. 0; -EUCLEAN, with
 * the first thing that is wrong; or another negative errno. */
_must_check_ int database_check(struct database *db, enum statement check, struct diag *d);

/* A statement without bindings, to be stepped. NULL: it failed, and database.error says how; nothing is
 * bound to it then, and it does not run. */
sqlite3_stmt *database_statement(struct database *db, enum statement id, bool is_volatile);
/* One that is needed once, to be finalized. NULL as above. */
sqlite3_stmt *database_prepare(struct database *db, const char *sql);
/* True with a row; false at the end or on error, which is in database.error; the statement is reset then.
 * While there is an error nothing runs: outside of the transaction that SQLite has rolled back for it, each
 * change would be committed by itself. */
bool database_row(struct database *db, sqlite3_stmt *statement);
/* Steps to the end. 0 or the error. */
_must_check_ int database_run(struct database *db, sqlite3_stmt *statement);
/* The same for a statement without parameters. */
int database_do(struct database *db, enum statement id);
/* The same, whatever failed before: for what undoes. */
int database_force(struct database *db, enum statement id);

void database_bind_guid(sqlite3_stmt *statement, int column, const struct guid *guid);
void database_bind_text(sqlite3_stmt *statement, int column, const char *text, size_t len);
/* An empty one is not NULL. */
void database_bind_data(sqlite3_stmt *statement, int column, const void *data, size_t size);
void database_bind_u64(sqlite3_stmt *statement, int column, uint64_t v);
/* Zero where the column is NULL, or has another size. */
void database_column_guid(sqlite3_stmt *statement, int column, struct guid *ret);
uint64_t database_column_u64(sqlite3_stmt *statement, int column);
