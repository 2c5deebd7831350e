/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening what is a store, what is none, and what somebody else has; and what that leaves on the disk. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../../schema/values/value.h"
#include "scratch.h"
#include "store-util.h"
#include "suite.h"

static const enum store_mode modes[] = { STORE_WRITE, STORE_AT_BOOT };

static char file[PATH_MAX];
static struct buf before; /* what look() saw */

static void setup(void)
{
        scratch_setup();
        (void)strcpy(file, scratch_path(&scratch_root, "/registry.db"));
}

static void teardown(void)
{
        buf_done(&before);
        scratch_teardown();
}

/* ---- What is on the disk ---- */

static int compare_names(const void *a, const void *b)
{
        return strcmp(a, b);
}

/* Names, sizes and contents. */
static void describe(struct buf *ret)
{
        char names[8][258];
        size_t n = 0;
        DIR *dir = opendir(scratch_root.root);

        ck_assert_ptr_nonnull(dir);
        for (const struct dirent *e; (e = readdir(dir));)
                if (e->d_name[0] != '.')
                        (void)snprintf(names[n++], sizeof(names[0]), "/%s", e->d_name);
        (void)closedir(dir);
        qsort(names, n, sizeof(names[0]), compare_names);
        for (size_t i = 0; i < n; i++) {
                _cleanup_buf_ struct buf contents = BUF_INIT;
                /* Locks are in it. */
                if (!strstr(names[i], "-shm"))
                        (void)scratch_read(&scratch_root, names[i], &contents);
                buf_printf(ret, "%s %zu\n", names[i], contents.len);
                buf_add(ret, contents.data, contents.len);
        }
}

static void look(void)
{
        buf_clear(&before);
        describe(&before);
}

static void assert_unchanged(void)
{
        _cleanup_buf_ struct buf after = BUF_INIT;

        describe(&after);
        ck_assert_uint_eq(after.len, before.len);
        ck_assert(after.len == 0 || memcmp(after.data, before.data, after.len) == 0);
}

static void run_sql(const char *sql)
{
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
        ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void make_store(void)
{
        _cleanup_store_ struct store *s = open_store(file, STORE_WRITE);

        fixture_fill(s);
        sync_store(s);
}

static void assert_refused(const char *path, enum store_mode mode, int error, const char *text)
{
        struct store *s = NULL;
        struct diag d = { 0 };

        int r = store_open(path, mode, FIXTURE_VALUE_MAX, &s, &d);
        ck_assert_msg(
                r == -error, "mode %d: %s, expected %s: %s", mode, strerror(-r), strerror(error), d.text);
        ck_assert_ptr_null(s);
        ck_assert_msg(strstr(d.text, text) != NULL, "mode %d: \"%s\", expected \"%s\"", mode, d.text, text);
        ck_assert_msg(strncmp(d.text, path, strlen(path)) == 0, "%s", d.text);
}

/* ---- What is no store ---- */

static void make_text(void)
{
        scratch_puts(&scratch_root, "/registry.db",
                "Machine:\n  System:\n    Audit: what somebody wrote with an editor, and no database\n");
}

static void make_other(void)
{
        run_sql("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
}

static void make_other_id(void)
{
        run_sql("PRAGMA application_id = 7");
}

static void make_later(void)
{
        make_store();
        run_sql("PRAGMA user_version = 99");
}

static void make_tableless(void)
{
        make_store();
        run_sql("DROP TABLE blanket");
}

static void make_baseless(void)
{
        make_store();
        run_sql("DELETE FROM layer");
}

static const struct {
        void (*make)(void);
        int error;
        const char *text;
} strangers[] = {
        { make_text, EUCLEAN, "file is not a database" },
        { make_other, EUCLEAN, "this is another program's database" },
        { make_other_id, EUCLEAN, "this is another program's database" },
        { make_later, EPROTONOSUPPORT, "the store has format 99, expected 3" },
        { make_tableless, EUCLEAN, "no such table: blanket" },
        { make_baseless, EUCLEAN, "the base layer is missing" },
};

TEST_EACH(foreign, ARRAY_SIZE(strangers))
{
        strangers[_i].make();
        look();
        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                assert_refused(file, modes[i], strangers[_i].error, strangers[_i].text);
                assert_unchanged();
        }
}

TEST(missing)
{
        const char *nowhere = scratch_path(&scratch_root, "/a/registry.db");

        look();
        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                assert_refused(nowhere, modes[i], ENOENT, "No such file or directory");
        }
        assert_refused(file, STORE_AT_BOOT, ENOENT, "No such file or directory");
        assert_unchanged();
}

/* What is left where the first start was cut off: there is nothing to be read yet, and the next start makes
 * it. */
TEST_EACH(not_made_yet, 2)
{
        if (_i == 0)
                scratch_puts(&scratch_root, "/registry.db", "");
        else
                run_sql("PRAGMA page_size = 1024; PRAGMA journal_mode = WAL");
        look();
        assert_refused(file, STORE_AT_BOOT, ENOENT, "nothing is in it yet");
        assert_unchanged();
        make_store();
        store_close(open_store(file, STORE_AT_BOOT));
}

TEST(directory)
{
        ck_assert_int_eq(mkdir(file, 0700), 0);
        for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
                assert_refused(file, modes[i], EISDIR, "Is a directory");
        ck_assert_uint_eq(scratch_count(&scratch_root, ""), 1);
}

/* ---- Who may ---- */

static void become_nobody(void)
{
        ck_assert_int_eq(chmod(scratch_root.root, 0755), 0);
        if (geteuid() == 0)
                ck_assert_int_eq(seteuid(65534), 0);
}

TEST(no_permission)
{
        make_store();
        look();
        ck_assert_int_eq(chmod(file, 0), 0);
        become_nobody();
        for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
                assert_refused(file, modes[i], EACCES, "Permission denied");
        ck_assert_int_eq(seteuid(getuid()), 0);
        ck_assert_int_eq(chmod(file, 0444), 0);
        become_nobody();
        assert_refused(file, STORE_WRITE, EACCES, "Permission denied");
        ck_assert_int_eq(seteuid(getuid()), 0);
        assert_unchanged();
}

TEST(locked)
{
        sqlite3 *other;

        make_store();
        ck_assert_int_eq(sqlite3_open(file, &other), SQLITE_OK);
        ck_assert_int_eq(
                sqlite3_exec(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL),
                SQLITE_OK);
        assert_refused(file, STORE_WRITE, EBUSY, "database is locked");
        ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
        store_close(open_store(file, STORE_WRITE));
}

/* ---- What is one ---- */

static bool has_key(const struct store *s, unsigned guid)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct guid key = guid_of(guid);
        bool found = store_key(s, &key);

        ck_assert_int_eq(store_error(s, NULL), 0);
        return found;
}

TEST(beside_a_writer)
{
        _cleanup_store_ struct store *writer = open_store(file, STORE_WRITE);
        fixture_fill(writer);
        sync_store(writer);
        _cleanup_store_ struct store *reader = open_store(file, STORE_READ_ONLY);
        ck_assert(has_key(reader, 2));
        /* Volatile keys are in the writer's memory. */
        ck_assert(!has_key(reader, 3));

        APPLY(writer, OP_KEY(20, 1, "New"));
        ck_assert(!has_key(reader, 20));
        {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(reader);
                ck_assert(!has_key(reader, 20));
                sync_store(writer);
                ck_assert(!has_key(reader, 20));
        }
        ck_assert(has_key(reader, 20));
        APPLY(writer, OP_VALUE(20, "v", "a new layer", REG_SZ, "x", 30));
        sync_store(writer);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(reader);
        const struct guid new = guid_of(20);
        ck_assert_str_eq(store_value(reader, &new, "v", 1)->layer, "a new layer");

        ck_assert_int_lt(try_apply(reader, &(struct store_op){ OP_KEY(21, 1, "Never") }), 0);
        ck_assert(!store_is_pending(reader));
}

/* An ordinary reader makes neither log nor index where nobody has the store open. */
TEST(beside_nobody)
{
        static const char *const parts[] = { "-wal", "-shm" };

        make_store();
        for (size_t i = 0; i <= ARRAY_SIZE(parts); i++) {
                look();
                assert_refused(file, STORE_READ_ONLY, EBUSY, "which has not opened it");
                assert_unchanged();
                if (i == ARRAY_SIZE(parts))
                        break;
                scratch_puts(&scratch_root, textf("/registry.db%s", parts[i]), i == 0 ? "not empty" : "");
        }
}

/* SQLite would wait for the other end. */
TEST_EACH(fifo, 3)
{
        static const char *const parts[] = { "/registry.db", "/registry.db-wal", "/registry.db-shm" };

        if (_i > 0)
                make_store();
        ck_assert_int_eq(mkfifo(scratch_path(&scratch_root, parts[_i]), 0600), 0);
        if (_i < 2)
                assert_refused(file, STORE_AT_BOOT, EINVAL, "no regular file");
        assert_refused(file, STORE_READ_ONLY, EINVAL, "no regular file");
}

/* SQLite would remove it. */
TEST(log_beside_an_empty_file)
{
        scratch_puts(&scratch_root, "/registry.db", "");
        scratch_puts(&scratch_root, "/registry.db-wal", "what was committed last");
        look();
        assert_refused(file, STORE_AT_BOOT, ENOENT, "nothing is in it yet");
        assert_unchanged();
}

/* `steps`: bit 0: a killed process has left its log; 1: and its index of it is gone; 2: nobody may write. */
TEST_EACH(at_boot, 16)
{
        static const char *const names[] = { "/registry.db", "/a%20b?c#d e.db" };

        (void)strcpy(file, scratch_path(&scratch_root, names[_i / 8]));
        make_store();
        if (_i & 1) {
                pid_t child = fork();
                if (child == 0) {
                        struct store *s = open_store(file, STORE_WRITE);
                        APPLY(s, OP_KEY(20, 1, "New"));
                        sync_store(s);
                        (void)raise(SIGKILL);
                }
                ck_assert_int_eq(waitpid(child, NULL, 0), child);
        }
        if (_i & 2)
                (void)remove(textf("%s-shm", file));
        look();
        if (_i & 4)
                become_nobody();
        _cleanup_store_ struct store *s = open_store(file, STORE_AT_BOOT);
        ck_assert(has_key(s, 2));
        ck_assert_int_eq(has_key(s, 20), _i & 1);
        assert_unchanged();
        s = store_close(s);
        assert_unchanged();
        ck_assert_int_eq(seteuid(getuid()), 0);
}

/* A process that was killed before it changed anything: SQLite would remove it, as nothing is in it. */
TEST(log_without_contents)
{
        _cleanup_free_ char *zeros = calloc(1, 4096);
        make_store();
        _cleanup_close_ int fd =
                open(scratch_path(&scratch_root, "/registry.db-wal"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_eq(write(fd, zeros, 4096), 4096);
        look();
        store_close(open_store(file, STORE_AT_BOOT));
        assert_unchanged();
}

/* In a URI they would begin the name of a machine. */
TEST(path_of_two_slashes)
{
        _cleanup_free_ char *other = NULL;
        make_store();
        ck_assert_int_gt(asprintf(&other, "/%s", file), 0);
        store_close(open_store(other, STORE_AT_BOOT));
}

Suite *test_suite(void)
{
        return suite_with("store-open", setup, teardown);
}
