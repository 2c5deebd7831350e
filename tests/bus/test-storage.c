/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry's database below a provider that starts and runs: damage, backups, bounds, locks, full disks,
 * and those who read it beside the provider. */
#include <fcntl.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "dropin.h"

#define KEY "\\Test\\Key"
#define OTHER "\\Test\\Other"
#define HISTORY "\\System\\Registry\\History"
#define BACKUPS "\\System\\Registry\\Backups"
#define SZ ((uint32_t)REG_SZ)
#define VALUES 1500u
#define PAGE 1024u
#define FILE_MAX ((size_t)256 << 20)
#define RECOVERED (UINT64_C(1) << 32)

static const char *database(void)
{
        return world_path(LAYOUT_STORE);
}

static sqlite3 *open_database(void)
{
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(database(), &db), SQLITE_OK);
        (void)sqlite3_busy_timeout(db, 10000);
        return db;
}

static void run_on(sqlite3 *db, const char *sql)
{
        ck_assert_msg(
                sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
        sqlite3_stmt *q;

        ck_assert_msg(
                sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
        ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
        int64_t n = sqlite3_column_int64(q, 0);
        ck_assert_int_eq(sqlite3_finalize(q), SQLITE_OK);
        return n;
}

/* While no provider runs. */
static void run_alone(const char *sql)
{
        sqlite3 *db = open_database();

        run_on(db, sql);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* How many there are, and the name of the newest, to be freed. */
static size_t find_backups(char **ret_newest)
{
        _cleanup_free_ char *pattern = NULL;
        glob_t found = { 0 };

        ck_assert(asprintf(&pattern, "%s/backup-*.db", world_path(LAYOUT_STATE)) > 0);
        (void)glob(pattern, 0, NULL, &found);
        size_t n = found.gl_pathc;
        if (n > 0 && ret_newest)
                *ret_newest = strdup(found.gl_pathv[n - 1]);
        globfree(&found);
        return n;
}

static void stored(const char *value, bool with_backup)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", value);
        if (with_backup)
                WAIT(find_backups(NULL) > 0);
        daemon_stop(&world.registryd);
}

static void overwrite(off_t at, size_t size)
{
        _cleanup_free_ char *bytes = malloc(size);
        _cleanup_close_ int fd = open(database(), O_WRONLY | O_CLOEXEC);

        memset(bytes, 0xff, size);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(pwrite(fd, bytes, size, at), (ssize_t)size);
}

/* ---- Damage at the start ---- */

static void put_garbage(void)
{
        world_replace(LAYOUT_STORE, "This is no database, and never was one.\n");
}

static void damage_first_page(void)
{
        overwrite(100, PAGE - 100);
}

static void put_foreign(void)
{
        world_remove(LAYOUT_STORE);
        run_alone("CREATE TABLE song(title TEXT); INSERT INTO song VALUES('none of ours')");
}

static void drop_table(void)
{
        run_alone("DROP TABLE blanket");
}

static void make_empty(void)
{
        world_replace(LAYOUT_STORE, "");
}

static const struct damage {
        void (*make)(void);
        const char *said;
} damages[] = {
        { put_garbage, "file is not a database" },
        { damage_first_page, LAYOUT_STORE },
        { put_foreign, LAYOUT_STORE },
        { drop_table, "blanket" },
        { make_empty, LAYOUT_STORE ": is empty" },
};

static void expect_recovered(const struct damage *damage, unsigned n, const char *reason)
{
        _cleanup_free_ char *aside = NULL;

        ck_assert(asprintf(&aside, "registry.db.corrupt-%u", n) > 0);
        ck_assert_msg(has_problem(damage->said), "%s", registry_property(world.bus, "Problems"));
        ck_assert_msg(has_problem(aside), "%s", registry_property(world.bus, "Problems"));
        _cleanup_free_ char *path = NULL;
        ck_assert(asprintf(&path, "%s/%s", LAYOUT_STATE, aside) > 0);
        ck_assert(world_has(path));
        if (records_are_logged()) {
                ck_assert(daemon_said(&world.registryd, "Registry state '" LAYOUT_STORE "' is damaged"));
                ck_assert(daemon_said(&world.registryd, reason));
        }
}

static void expect_to_work(uint64_t above)
{
        uint64_t sequence = set_string(world.bus, OTHER, "V", "again");

        ck_assert_uint_gt(sequence, above);
        ck_assert_str_eq(get_text(world.bus, OTHER, "V"), "again base");
        sqlite3 *db = open_database();
        ck_assert_int_eq(number_of(db, "SELECT count(*) FROM history WHERE op = 0x1002"), 1);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(a_backup_is_loaded)
{
        for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
                if (i == 0)
                        stored("kept", true);
                damages[i].make();
                registryd_start(NULL);
                expect_recovered(&damages[i], (unsigned)i + 1, "backup-loaded");
                ck_assert_str_eq(get_text(world.bus, KEY, "V"), "kept base");
                uint64_t sequence = set_string(world.bus, OTHER, "V", "again");
                ck_assert_uint_gt(sequence, (i + 1) * RECOVERED);
                ck_assert_str_eq(get_text(world.bus, OTHER, "V"), "again base");
                daemon_stop(&world.registryd);
        }
}
END_TEST

START_TEST(begun_anew)
{
        for (size_t i = 0; i + 1 < ARRAY_SIZE(damages); i++) {
                if (i == 0)
                        stored("lost", false);
                damages[i].make();
                registryd_start(NULL);
                expect_recovered(&damages[i], (unsigned)i + 1, "begun-anew");
                ck_assert_str_eq(get_text(world.bus, KEY, "V"), "-");
                expect_to_work((i + 1) * RECOVERED);
                daemon_stop(&world.registryd);
        }
}
END_TEST

/* Nothing is set aside, since there is nothing. */
START_TEST(missing_beside_a_backup)
{
        stored("kept", true);
        world_remove(LAYOUT_STORE);
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "kept base");
        ck_assert(has_problem(LAYOUT_STORE ": is missing"));
        ck_assert(!world_has(LAYOUT_STORE ".corrupt-1"));
        expect_to_work(RECOVERED);
}
END_TEST

static void expect_refused(const char *said)
{
        registryd_spawn();
        ck_assert_int_eq(daemon_end(&world.registryd), 1);
        ck_assert(daemon_said(&world.registryd, said));
        ck_assert(!world_has(LAYOUT_STORE ".corrupt-1"));
        ck_assert(!world_has(LAYOUT_STORE ".damaged"));
}

START_TEST(another_version)
{
        struct buf before = BUF_INIT, after = BUF_INIT;

        stored("kept", true);
        run_alone("PRAGMA user_version = 99; PRAGMA journal_mode = DELETE");
        ck_assert_int_eq(file_read(AT_FDCWD, database(), FILE_MAX, &before, NULL, NULL), 0);
        expect_refused("the store has format 99, expected 3");
        ck_assert_int_eq(file_read(AT_FDCWD, database(), FILE_MAX, &after, NULL, NULL), 0);
        ck_assert_uint_eq(before.len, after.len);
        ck_assert_mem_eq(before.data, after.data, before.len);
        ck_assert(!world_has(LAYOUT_STORE "-wal"));
        buf_done(&before);
        buf_done(&after);
}
END_TEST

START_TEST(no_regular_file)
{
        stored("kept", false);
        world_remove(LAYOUT_STORE);
        ck_assert_int_eq(mkfifo(database(), 0600), 0);
        expect_refused(LAYOUT_STORE);
        ck_assert_int_eq(unlink(database()), 0);
        ck_assert_int_eq(mkdir(database(), 0700), 0);
        expect_refused(LAYOUT_STORE);
}
END_TEST

/* ---- Damage that is found later ---- */

static void store_many(void)
{
        char name[32];

        registryd_start(NULL);
        set_string(world.bus, OTHER, "V", "kept");
        for (unsigned i = 0; i < VALUES; i++) {
                (void)snprintf(name, sizeof(name), "VICTIM-%04u", i);
                set_string(world.bus, KEY, name, name);
        }
        WAIT(find_backups(NULL) > 0);
        daemon_stop(&world.registryd);
}

#define IS_LEAF 10 /* a page of a table without row numbers */

static bool is_to_damage(const char *page)
{
        ck_assert_ptr_nonnull(page);
        return page[0] == IS_LEAF && memmem(page, PAGE, "victim-", strlen("victim-")) &&
               !memmem(page, PAGE, "kept", strlen("kept"));
}

/* All pages that have values of that key alone; folded, their names are nowhere else. */
static void damage_values(void)
{
        _cleanup_buf_ struct buf file = BUF_INIT;
        unsigned n = 0;

        ck_assert_int_eq(file_read(AT_FDCWD, database(), FILE_MAX, &file, NULL, NULL), 0);
        for (size_t at = PAGE; at + PAGE <= file.len; at += PAGE)
                if (is_to_damage(buf_str(&file) + at)) {
                        overwrite((off_t)at, PAGE);
                        n++;
                }
        ck_assert_uint_gt(n, 10);
}

static void expect_damaged(void)
{
        WAIT(has_problem("malformed"));
        if (records_are_logged())
                ck_assert_uint_eq(daemon_count(&world.registryd, "is damaged, damaged: "), 1);
        WAIT(world_has(LAYOUT_STORE ".damaged"));
        ck_assert_str_eq(get_text(world.bus, OTHER, "V"), "kept base");
        refused(world.bus, ERROR_STORAGE, LAYOUT_STORE, "Set", "ssuva{sv}", OTHER, "V", SZ, "s", "lost", 0);
        ck_assert_str_eq(get_text(world.bus, OTHER, "V"), "kept base");
}

static void expect_whole_again(void)
{
        daemon_stop(&world.registryd);
        registryd_start(NULL);
        ck_assert(!world_has(LAYOUT_STORE ".damaged"));
        ck_assert(has_problem("registry.db.corrupt-1"));
        ck_assert_str_eq(get_text(world.bus, KEY, "VICTIM-1000"), "VICTIM-1000 base");
        ck_assert_str_eq(get_text(world.bus, OTHER, "V"), "kept base");
        expect_to_work(RECOVERED);
}

START_TEST(a_reader_finds_damage)
{
        store_many();
        registryd_start(NULL);
        damage_values();
        for (unsigned i = 0; i < 3; i++) {
                refused(world.bus, ERROR_STORAGE, LAYOUT_STORE, "Get", "ss", KEY, "VICTIM-1000");
                refused(world.bus, ERROR_STORAGE, LAYOUT_STORE, "Set", "ssuva{sv}", KEY, "VICTIM-1000", SZ,
                        "s", "lost", 0);
                refused(world.bus, ERROR_STORAGE, LAYOUT_STORE, "List", "s", KEY);
        }
        expect_damaged();
        expect_whole_again();
}
END_TEST

/* Nobody asks: the check soon after the start does. */
START_TEST(the_check_finds_damage)
{
        store_many();
        damage_values();
        registryd_start(NULL);
        WAIT(world_has(LAYOUT_STORE ".damaged"));
        WAIT(!no_problems());
        refused(world.bus, ERROR_STORAGE, LAYOUT_STORE, "Set", "ssuva{sv}", OTHER, "V", SZ, "s", "lost", 0);
        ck_assert_str_eq(get_text(world.bus, OTHER, "V"), "kept base");
        expect_whole_again();
}
END_TEST

/* ---- Settings ---- */

/* As if it had been made so long ago, with that number. */
static void age_backup(const char *path, unsigned number, unsigned hours)
{
        _cleanup_free_ char *to = NULL;
        struct timespec times[2];

        ck_assert(asprintf(&to, "%s/backup-%020u.db", world_path(LAYOUT_STATE), number) > 0);
        ck_assert_int_eq(rename(path, to), 0);
        ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &times[0]), 0);
        times[0].tv_sec -= (time_t)hours * 3600;
        times[1] = times[0];
        ck_assert_int_eq(utimensat(AT_FDCWD, to, times, 0), 0);
}

START_TEST(backups_as_they_are_set)
{
        _cleanup_free_ char *first = NULL, *second = NULL;

        registryd_start(NULL);
        set_number(world.bus, BACKUPS, "Kept", 1);
        set_number(world.bus, BACKUPS, "Hours", 5);
        WAIT(find_backups(&first) == 1);
        struct stat st;
        ck_assert_int_eq(stat(first, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
        daemon_stop(&world.registryd);
        /* Not old enough, then old enough. */
        age_backup(first, 1, 4);
        registryd_start("--debug");
        set_string(world.bus, KEY, "V", "new");
        WAIT(world_has(LAYOUT_STORE "-wal"));
        (void)sleep(4);
        ck_assert_uint_eq(find_backups(NULL), 1);
        ck_assert(!daemon_said(&world.registryd, "backup made"));
        daemon_stop(&world.registryd);
        ck_assert_uint_eq(find_backups(&second), 1);
        age_backup(second, 1, 6);
        registryd_start("--debug");
        WAIT(daemon_said(&world.registryd, "backup made"));
        WAIT(find_backups(NULL) == 1);
        ck_assert(!world_has(LAYOUT_STATE "/backup-00000000000000000001.db"));
}
END_TEST

/* Also where a file says so before the first one. */
START_TEST(no_backups)
{
        dropin_write("site.yaml",
                "peios-registry: 1\nlayer: site\nkeys:\n  \\System\\Registry\\Backups:\n    Kept: !dword 0\n");
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "new");
        (void)sleep(5);
        ck_assert_uint_eq(find_backups(NULL), 0);
        ck_assert(no_problems());
}
END_TEST

START_TEST(history_is_bounded)
{
        sqlite3 *db;

        registryd_start(NULL);
        for (unsigned i = 0; i < 1500; i++)
                set_number(world.bus, KEY, "N", i);
        db = open_database();
        ck_assert_int_gt(number_of(db, "SELECT count(*) FROM history"), 1500);
        set_number(world.bus, HISTORY, "Rows", 1000);
        WAIT(number_of(db, "SELECT count(*) FROM history WHERE NOT flags & 4") == 1000);
        /* What it was set by is policy. */
        ck_assert_int_eq(number_of(db, "SELECT count(*) FROM history WHERE name = 'Rows'"), 1);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
END_TEST

START_TEST(settings_that_are_refused)
{
        registryd_start(NULL);
        set_number(world.bus, HISTORY, "Rows", 999);
        set_string(world.bus, HISTORY, "Days", "many");
        WAIT(has_problem("History\\Rows") && has_problem("History\\Days"));
        ck_assert_msg(
                has_problem("expected a number from 1000"), "%s", registry_property(world.bus, "Problems"));
        ck_assert(has_problem("what was in force stays"));
        if (records_are_logged()) {
                ck_assert_uint_eq(daemon_count(&world.registryd, ", invalid-value: "), 2);
                ck_assert(daemon_said(&world.registryd, "value '999' refused, '100000' stays in force"));
        }
        set_number(world.bus, HISTORY, "Rows", 2000);
        delete_value(world.bus, HISTORY, "Days");
        WAIT(no_problems());
        ck_assert(daemon_said(&world.registryd, "History\\Days is good again"));
}
END_TEST

/* ---- Others, and the disk ---- */

START_TEST(locked_by_somebody)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "before");
        sqlite3 *db = open_database();
        run_on(db, "BEGIN EXCLUSIVE");
        refused(world.bus, ERROR_STORAGE, "locked", "Set", "ssuva{sv}", KEY, "V", SZ, "s", "lost", 0);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "before base");
        ck_assert(has_problem("locked"));
        run_on(db, "COMMIT");
        set_string(world.bus, KEY, "V", "after");
        WAIT(no_problems());
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "after base");
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
END_TEST

/* `base` has `name` in `key`, and `same` has `in_same`; behind `sql` nothing tells which of the two counts.
 */
static void two_alike(const char *key, const char *name, const char *in_same, const char *sql)
{
        registryd_start(NULL);
        set_number(world.bus, "\\System\\Registry\\Layers\\same", "Precedence", 0);
        set_string(world.bus, key, name, "enabled");
        set_in_layer(world.bus, "same", key, in_same, "disabled");
        daemon_stop(&world.registryd);
        run_alone(sql);
        registryd_start(NULL);
        refused(world.bus, ERROR_CORRUPT, "", "Get", "ss", key, name);
}

/* Two layers say of a key what cannot be told apart: who subscribed to what is in it hears when it can. */
START_TEST(a_key_that_two_name)
{
        _cleanup_ear_ struct ear ear = { 0 };

        two_alike(KEY, "V", "W", "UPDATE path_entry SET sequence = 1 WHERE name = 'Key'");
        ear_on_changes(&ear, world.bus);
        (void)subscribe(world.bus, KEY, false);
        succeeds(world.bus, "DeleteKey", "sa{sv}", KEY, 2, "layer", "s", "same", "recursive", "b", 1);
        set_string(world.bus, KEY, "V", "2");
        WAIT(ear_heard(&ear, "s:'2'"));
}
END_TEST

/* Whoever mends such a value is judged by what it is set to, not by what is there. */
START_TEST(a_value_that_two_have)
{
        two_alike(MODULES, "TaintEvents", "TaintEvents",
                "UPDATE value SET sequence = 1 WHERE name = 'TaintEvents'");
        refused(world.bus, ERROR_UNACCEPTED, "would refuse it", "Set", "ssuva{sv}", MODULES, "TaintEvents",
                SZ, "s", "sometimes", 1, "check", "s", "refuse");
        succeeds(world.bus, "Set", "ssuva{sv}", MODULES, "TaintEvents", SZ, "s", "sometimes", 1, "check",
                "s", "report");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "sometimes base");
}
END_TEST

START_TEST(disk_is_full)
{
        struct rlimit old;

        registryd_start(NULL);
        uint64_t sequence = set_string(world.bus, KEY, "V", "before");
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, NULL, &old), 0);
        const struct rlimit none = { .rlim_cur = 0, .rlim_max = old.rlim_max };
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, &none, NULL), 0);
        refused(world.bus, ERROR_STORAGE, LAYOUT_STATE, "Set", "ssuva{sv}", KEY, "V", SZ, "s", "lost", 0);
        ck_assert(!no_problems());
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "before base");
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, &old, NULL), 0);
        ck_assert_uint_gt(set_string(world.bus, KEY, "V", "after"), sequence);
        WAIT(no_problems());
        daemon_kill(&world.registryd);
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "after base");
        ck_assert(no_problems());
}
END_TEST

/* Each change is there for them when it was answered. */
START_TEST(others_read_beside_it)
{
        registryd_start(NULL);
        set_number(world.bus, KEY, "N", 0);
        sqlite3 *db = open_database();
        for (unsigned i = 1; i < 300; i++) {
                int64_t sequence = (int64_t)set_number(world.bus, KEY, "N", i);
                ck_assert_int_eq(number_of(db, "SELECT sequence FROM value WHERE folded = 'n'"), sequence);
                ck_assert_int_eq(number_of(db, "SELECT max(sequence) FROM history"), sequence);
        }
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        ck_assert(no_problems());
        set_number(world.bus, KEY, "N", 0);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { a_backup_is_loaded, begun_anew, missing_beside_a_backup,
                another_version, no_regular_file, a_reader_finds_damage, the_check_finds_damage,
                backups_as_they_are_set, no_backups, history_is_bounded, settings_that_are_refused,
                locked_by_somebody, a_key_that_two_name, a_value_that_two_have, disk_is_full,
                others_read_beside_it };
        return harness_main(tests, ARRAY_SIZE(tests));
}
