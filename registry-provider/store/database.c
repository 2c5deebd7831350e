/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "memory.h"
#include "wal.h"

#define APPLICATION_ID 0x50655267 /* "PeRg" */
#define FORMAT_VERSION 3

#define TO_TEXT_(x) #x
#define TO_TEXT(x) TO_TEXT_(x)

/* Somebody who looks with another program may lock it for a moment. */
#define BUSY_MSEC 250

/* Names are compared folded, as bytes. The base layer, which has nearly everything, is number 1 and is not
 * in the indexes by layer. The history has a folded name only for a key that may be gone, dropped or
 * volatile, so that it is found by it; and of the rows of one key that follow each other only the first one
 * is in the index (HISTORY_RUN). */
static const char tables_of_keys[] =
        "CREATE TABLE @.key(guid BLOB PRIMARY KEY, parent BLOB, name TEXT NOT NULL, sd BLOB,"
        " flags INTEGER NOT NULL, time INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE INDEX @.key_root ON key(name) WHERE parent IS NULL;"
        "CREATE TABLE @.path_entry(parent BLOB NOT NULL, folded TEXT NOT NULL, layer INTEGER NOT NULL,"
        " name TEXT NOT NULL, sequence INTEGER NOT NULL, target BLOB,"
        " PRIMARY KEY(parent, folded, layer)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX @.path_entry_target ON path_entry(target) WHERE target IS NOT NULL;"
        "CREATE INDEX @.path_entry_layer ON path_entry(layer) WHERE layer <> 1;"
        "CREATE TABLE @.value(key BLOB NOT NULL, folded TEXT NOT NULL, layer INTEGER NOT NULL,"
        " name TEXT NOT NULL, sequence INTEGER NOT NULL, type INTEGER NOT NULL, data BLOB NOT NULL,"
        " PRIMARY KEY(key, folded, layer)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX @.value_layer ON value(layer) WHERE layer <> 1;"
        "CREATE TABLE @.blanket(key BLOB NOT NULL, layer INTEGER NOT NULL, sequence INTEGER NOT NULL,"
        " PRIMARY KEY(key, layer)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE @.file(layer INTEGER PRIMARY KEY, file TEXT NOT NULL, precedence INTEGER NOT NULL,"
        " enabled INTEGER NOT NULL, serial INTEGER, signer TEXT) STRICT;";

static const char tables_of_the_file[] =
        "CREATE TABLE layer(id INTEGER PRIMARY KEY, folded TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;"
        "CREATE TABLE author(id INTEGER PRIMARY KEY, boot TEXT NOT NULL, reason TEXT NOT NULL, file TEXT,"
        " serial INTEGER, signer TEXT, pid INTEGER, uid INTEGER, loginuid INTEGER, session INTEGER, comm TEXT, exe TEXT, context TEXT)"
        " STRICT;"
        "CREATE TABLE history(id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, time INTEGER NOT NULL,"
        " author INTEGER NOT NULL, op INTEGER NOT NULL, flags INTEGER NOT NULL, key BLOB, layer INTEGER,"
        " name TEXT, folded TEXT, target BLOB, type INTEGER, data BLOB,"
        " old_name TEXT, old_sequence INTEGER, old_target BLOB, old_type INTEGER, old_data BLOB,"
        " old_time INTEGER) STRICT;"
        "CREATE INDEX history_key ON history(key) WHERE flags & 8;"
        "CREATE INDEX history_gone ON history(target, folded) WHERE folded IS NOT NULL;"
        "INSERT INTO layer VALUES(1, '" LAYER_BASE "', '" LAYER_BASE "');"
        "PRAGMA application_id = " TO_TEXT(APPLICATION_ID) ";"
                                                           "PRAGMA user_version = " TO_TEXT(FORMAT_VERSION);

static const struct {
        int sqlite, error;
} errors[] = {
        { SQLITE_NOMEM, ENOMEM },
        { SQLITE_FULL, ENOSPC },
        { SQLITE_CORRUPT, EUCLEAN },
        { SQLITE_NOTADB, EUCLEAN },
        { SQLITE_READONLY, EIO },
        { SQLITE_BUSY, EBUSY },
        { SQLITE_LOCKED, EBUSY },
        { SQLITE_TOOBIG, EIO },
        { SQLITE_PERM, EIO },
        { SQLITE_AUTH, EIO },
        { SQLITE_INTERRUPT, ECANCELED },
        /* A statement that does not fit the tables: they are not ours. */
        { SQLITE_ERROR, EUCLEAN },
        { SQLITE_SCHEMA, EUCLEAN },
        { SQLITE_MISMATCH, EUCLEAN },
        { SQLITE_CONSTRAINT, EUCLEAN },
};

/* Of the file, while it is opened; later it is the storage that fails, and nothing that was asked for. */
static int system_error(const struct database *db, int code, int system)
{
        if (code == SQLITE_IOERR_NOMEM)
                return ENOMEM;
        if (system == ENOSPC || system == EDQUOT)
                return ENOSPC;
        if (system == EISDIR || (code & 0xff) == SQLITE_CANTOPEN)
                return system != 0 && !db->is_open ? system : EIO;
        return EIO;
}

int database_failed(const struct database *db, struct diag *d)
{
        const int code = sqlite3_extended_errcode(db->sqlite);
        const bool is_of_system = (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR;
        /* It says what happened last, which may be long ago. */
        const int system = is_of_system ? sqlite3_system_errno(db->sqlite) : 0;
        int error = EIO;

        if (memory_was_refused(code))
                return diag_set(d, EUCLEAN, "%s: something in it is larger than the registry makes anything",
                        db->path);
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
                if (errors[i].sqlite == (code & 0xff))
                        error = errors[i].error;
        if (is_of_system)
                error = system_error(db, code, system);
        /* The process that writes is about to make the log's index, which a reader may not. */
        if (code == SQLITE_READONLY_RECOVERY)
                error = EBUSY;
        return diag_set(d, error, "%s: %s%s%s", db->path, sqlite3_errmsg(db->sqlite), system ? ": " : "",
                system ? strerror(system) : "");
}

/* Keeps the first error. */
static int note_error(struct database *db)
{
        int code = sqlite3_errcode(db->sqlite);

        if (db->error == 0)
                db->error = database_failed(db, &db->why);
        if (((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) &&
                db->damage.text[0] == '\0')
                (void)database_failed(db, &db->damage);
        return db->error;
}

int database_no_memory(struct database *db)
{
        if (db->error == 0)
                db->error = diag_set(&db->why, ENOMEM, "%s: out of memory", db->path);
        return db->error;
}

static const char *const statement_texts[] = {
#define STATEMENT(id, sql) [id] = sql,
#include "statements.def"
#undef STATEMENT
};

/* `@` becomes the database. To be freed; NULL: out of memory. */
static char *with_database(const char *sql, bool is_volatile)
{
        const char *database = is_volatile ? "temp" : "main";
        char *text = malloc(strlen(sql) * strlen(database) + 1), *at = text;

        for (; text && *sql; sql++)
                if (*sql == '@')
                        at = stpcpy(at, database);
                else
                        *at++ = *sql;
        if (text)
                *at = '\0';
        return text;
}

sqlite3_stmt *database_statement(struct database *db, enum statement id, bool is_volatile)
{
        sqlite3_stmt **statement = &db->statements[id][is_volatile];

        if (*statement)
                return *statement;
        _cleanup_free_ char *text = with_database(statement_texts[id], is_volatile);
        if (!text) {
                (void)database_no_memory(db);
                return NULL;
        }
        if (sqlite3_prepare_v3(db->sqlite, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) !=
                SQLITE_OK)
                (void)note_error(db);
        return *statement;
}

bool database_row(struct database *db, sqlite3_stmt *statement)
{
        if (!statement || db->error < 0) {
                (void)sqlite3_reset(statement);
                return false;
        }
        memory_begin();
        int r = sqlite3_step(statement);
        if (r == SQLITE_ROW)
                return true;
        if (r != SQLITE_DONE)
                (void)note_error(db);
        (void)sqlite3_reset(statement);
        return false;
}

int database_run(struct database *db, sqlite3_stmt *statement)
{
        while (database_row(db, statement))
                ;
        return db->error;
}

int database_do(struct database *db, enum statement id)
{
        return database_run(db, database_statement(db, id, false));
}

int database_force(struct database *db, enum statement id)
{
        const int error = db->error;
        const struct diag why = db->why;

        db->error = 0;
        int r = database_do(db, id);
        if (error < 0) {
                db->error = error;
                db->why = why;
        }
        return r;
}

void database_bind_guid(sqlite3_stmt *statement, int column, const struct guid *guid)
{
        if (!guid_is_zero(guid))
                (void)sqlite3_bind_blob(statement, column, guid->bytes, sizeof(guid->bytes), SQLITE_STATIC);
        else
                (void)sqlite3_bind_null(statement, column);
}

void database_bind_text(sqlite3_stmt *statement, int column, const char *text, size_t len)
{
        (void)sqlite3_bind_text(statement, column, text, (int)len, SQLITE_STATIC);
}

void database_bind_data(sqlite3_stmt *statement, int column, const void *data, size_t size)
{
        (void)sqlite3_bind_blob64(statement, column, data ? data : "", size, SQLITE_STATIC);
}

void database_bind_u64(sqlite3_stmt *statement, int column, uint64_t v)
{
        (void)sqlite3_bind_int64(statement, column, (sqlite3_int64)v);
}

void database_column_guid(sqlite3_stmt *statement, int column, struct guid *ret)
{
        const void *bytes = sqlite3_column_blob(statement, column);

        *ret = (struct guid){ 0 };
        if (bytes && sqlite3_column_bytes(statement, column) == (int)sizeof(*ret))
                memcpy(ret, bytes, sizeof(*ret));
}

uint64_t database_column_u64(sqlite3_stmt *statement, int column)
{
        return (uint64_t)sqlite3_column_int64(statement, column);
}

static int execute(struct database *db, const char *sql)
{
        return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : note_error(db);
}

int database_make_tables(struct database *db, bool is_volatile)
{
        _cleanup_free_ char *sql = with_database(tables_of_keys, is_volatile);

        return sql ? execute(db, sql) : database_no_memory(db);
}

sqlite3_stmt *database_prepare(struct database *db, const char *sql)
{
        sqlite3_stmt *statement = NULL;

        if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
                (void)note_error(db);
        return statement;
}

static int get_number(struct database *db, const char *sql, int64_t *ret)
{
        sqlite3_stmt *statement = database_prepare(db, sql);

        if (database_row(db, statement))
                *ret = sqlite3_column_int64(statement, 0);
        (void)sqlite3_finalize(statement);
        return db->error;
}

static int check_tables(struct database *db)
{
        (void)sqlite3_finalize(database_prepare(
                db, "SELECT 1 FROM key, path_entry, value, blanket, layer, file, author, history"));
        return db->error;
}

/* Whether nobody has put anything into it yet. */
static int is_empty(struct database *db, bool *ret)
{
        int64_t n = 0, id = 0;

        int r = get_number(db, "SELECT count(*) FROM sqlite_schema", &n);
        if (r == 0)
                r = get_number(db, "PRAGMA application_id", &id);
        *ret = n == 0 && id == 0;
        return r;
}

static int check_version(struct database *db)
{
        int64_t id = 0, version = 0;

        int r = get_number(db, "PRAGMA application_id", &id);
        if (r == 0)
                r = get_number(db, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        if (id != APPLICATION_ID)
                return db->error = diag_set(&db->why, EUCLEAN,
                               "%s: this is another program's database, expected the registry's", db->path);
        if (version != FORMAT_VERSION)
                return db->error = diag_set(&db->why, EPROTONOSUPPORT,
                               "%s: the store has format %lld, expected %d", db->path, (long long)version,
                               FORMAT_VERSION);
        return check_tables(db);
}

static int nothing_is_in_it(struct database *db)
{
        return db->error = diag_set(&db->why, ENOENT, "%s: nothing is in it yet", db->path);
}

static int check_identity(struct database *db)
{
        bool empty;

        int r = is_empty(db, &empty);
        if (r < 0)
                return r;
        return empty ? nothing_is_in_it(db) : check_version(db);
}

static int make(struct database *db)
{
        int r = execute(db, "BEGIN IMMEDIATE");

        if (r == 0)
                r = database_make_tables(db, false);
        if (r == 0)
                r = execute(db, tables_of_the_file);
        return r < 0 ? r : execute(db, "COMMIT");
}

/* SQLite opens for reading what it may not write. */
static int check_writable(struct database *db)
{
        if (sqlite3_db_readonly(db->sqlite, "main") <= 0)
                return 0;
        int error = eaccess(db->path, W_OK) < 0 ? errno : EROFS;
        return db->error = diag_set(&db->why, error, "%s: cannot be written: %s", db->path, strerror(error));
}

/* Where somebody else writes, the log is left as it is. */
static int take_wal(struct database *db)
{
        if (sqlite3_exec(db->sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
                return 0;
        db->wal = wal_new(db->sqlite);
        return execute(db, "ROLLBACK");
}

/* What is no store is looked at, and left as it is.
 *
 * Nothing is written to the log before a commit (cache_spill). A preview leaves nothing there then; and
 * SQLite (3.40 at least) would lose what was committed: where a ROLLBACK TO undoes pages that it had spilled
 * and written anew, it goes on to leave frames without checksums from where those were, and makes up for it
 * at the commit only from there. The frames before stay without, and after a crash nothing behind them
 * counts. */
static int prepare_for_writing(struct database *db)
{
        bool is_new = false;

        int r = check_writable(db);
        if (r == 0)
                r = is_empty(db, &is_new);
        if (r == 0 && !is_new)
                r = check_version(db);
        if (r == 0)
                r = execute(db,
                        "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                        "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_spill = OFF;" DATABASE_CACHE);
        if (r == 0 && is_new)
                r = make(db);
        return r < 0 ? r : take_wal(db);
}

/* What is there beside the file, or the file itself; *ret_size is -ENOENT where nothing is. SQLite would
 * open whatever stands there, and wait for the other end of a FIFO. */
static int look_at(struct database *db, const char *suffix, int64_t *ret_size)
{
        _cleanup_free_ char *path = NULL;
        struct stat st;

        if (asprintf(&path, "%s%s", db->path, suffix) < 0)
                return database_no_memory(db);
        /* Only the file itself may be somewhere else. What keeps us from it SQLite will say. */
        int flags = suffix[0] ? AT_SYMLINK_NOFOLLOW : 0;
        *ret_size = fstatat(AT_FDCWD, path, &st, flags) < 0 ? -errno : st.st_size;
        if (*ret_size < 0 || S_ISREG(st.st_mode))
                return 0;
        int error = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return db->error = diag_set(&db->why, error, "%s: no regular file: %s", path, strerror(error));
}

/* To be freed; NULL: out of memory. */
static char *uri_of(const char *file, const char *parameters)
{
        _cleanup_free_ char *escaped = malloc(strlen(file) * 3 + 1);
        char *uri = NULL, *at = escaped;

        for (const char *c = file; escaped && *c; c++)
                if (strchr("%?#", *c))
                        at += sprintf(at, "%%%02X", (unsigned char)*c);
                else
                        *at++ = *c;
        if (!escaped)
                return NULL;
        *at = '\0';
        /* Without the empty authority, two slashes at the beginning would begin one. */
        return asprintf(&uri, "file:%s%s?%s", file[0] == '/' ? "//" : "", escaped, parameters) < 0 ? NULL
                                                                                                   : uri;
}

static int open_connection(struct database *db, const char *name, int flags)
{
        memory_limit();
        int r = sqlite3_open_v2(
                name, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        if (r != SQLITE_OK)
                return db->sqlite ? note_error(db) : -ENOMEM;
        halt_opened(db);
        (void)sqlite3_busy_timeout(db->sqlite, BUSY_MSEC);
        return execute(
                db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;");
}

/* At its end it leaves the log alone, whether anything is in it or not. */
static int open_for_reading(struct database *db, const char *parameters)
{
        _cleanup_free_ char *uri = uri_of(db->path, parameters);

        int r = uri ? open_connection(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
                    : database_no_memory(db);
        if (r == 0)
                (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return r;
}

/* A process that has it open has its log and the index of it. Where they are missing SQLite would make
 * them. */
static int open_beside(struct database *db)
{
        int64_t wal = -1, shm = -1;

        int r = look_at(db, "-wal", &wal);
        if (r == 0)
                r = look_at(db, "-shm", &shm);
        if (r == 0 && (wal <= 0 || shm <= 0))
                r = db->error = diag_set(
                        &db->why, EBUSY, "%s: taken by another process, which has not opened it", db->path);
        return r < 0 ? r : open_for_reading(db, "mode=ro&readonly_shm=1");
}

/* The connection takes no lock, and reads the file and its log whole without making anything beside them.
 * Beside an empty file SQLite would remove the log. */
static int open_at_boot(struct database *db, int64_t size)
{
        int64_t wal = -1;

        /* SQLite would need longer to say it than all else takes at such a boot. */
        if (size == -ENOENT)
                return db->error = diag_set(&db->why, ENOENT, "%s: %s", db->path, strerror(ENOENT));
        int r = size == 0 ? nothing_is_in_it(db) : look_at(db, "-wal", &wal);
        if (r == 0)
                r = open_for_reading(db, wal > 0 ? "mode=ro&vfs=unix-none" : "immutable=1");
        return r < 0 ? r : execute(db, "PRAGMA locking_mode = EXCLUSIVE");
}

static int open_in_mode(struct database *db, const char *file, enum store_mode mode)
{
        int64_t size = -1;

        if (mode == STORE_WRITE)
                return open_connection(
                        db, file ? file : ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
        int r = look_at(db, "", &size);
        if (r < 0)
                return r;
        return mode == STORE_AT_BOOT ? open_at_boot(db, size) : open_beside(db);
}

static struct database *database_new(const char *path)
{
        _cleanup_(database_closep) struct database *db = calloc(1, sizeof(*db));

        return db && (db->path = strdup(path)) ? STEAL_PTR(db) : NULL;
}

int database_open(const char *file, enum store_mode mode, struct database **ret, struct diag *d)
{
        _cleanup_(database_closep) struct database *db = database_new(file ? file : "memory");

        if (!db)
                return -ENOMEM;
        int r = open_in_mode(db, file, mode);
        if (r == 0)
                r = mode == STORE_WRITE ? prepare_for_writing(db) : check_identity(db);
        if (r == 0 && mode == STORE_WRITE)
                r = database_make_tables(db, true);
        if (r < 0)
                return diag_set(d, -r, "%s", db->why.text[0] ? db->why.text : strerror(-r));
        db->is_open = true;
        *ret = STEAL_PTR(db);
        return 0;
}

int database_open_upkeep(const char *file, struct database **ret, struct diag *d)
{
        _cleanup_(database_closep) struct database *db = database_new(file);

        if (!db)
                return -ENOMEM;
        int r = open_connection(db, file, SQLITE_OPEN_READWRITE);
        if (r == 0)
                r = execute(db,
                        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -1024");
        if (r == 0)
                r = check_identity(db);
        if (r < 0)
                return diag_set(d, -r, "%s", db->why.text[0] ? db->why.text : strerror(-r));
        db->is_open = true;
        *ret = STEAL_PTR(db);
        return 0;
}

uint64_t database_newest_of_damaged(const char *file)
{
        _cleanup_(database_closep) struct database *db = database_new(file);
        uint64_t sequence = 0;

        if (!db || open_in_mode(db, file, STORE_AT_BOOT) < 0)
                return 0;
        sqlite3_stmt *newest = database_statement(db, HISTORY_LAST, false);
        while (database_row(db, newest))
                sequence = database_column_u64(newest, 0);
        return db->error ? 0 : sequence;
}

struct database *database_close(struct database *db)
{
        if (!db)
                return NULL;
        halt_closing(db);
        for (size_t i = 0; i < STATEMENTS_N; i++)
                for (size_t k = 0; k < 2; k++)
                        (void)sqlite3_finalize(db->statements[i][k]);
        (void)sqlite3_close(db->sqlite);
        db->wal = wal_free(db->wal);
        free(db->path);
        free(db);
        return NULL;
}
