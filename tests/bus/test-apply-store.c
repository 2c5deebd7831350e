/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the boot-time apply makes of the registry's store, in whatever state that is, and that it leaves all
 * as it was. The store says failure-only (2), what was accepted last is success-only (1). */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../schema/base/file.h"
#include "apply.h"

#define WAL LAYOUT_STORE "-wal"
#define SHM LAYOUT_STORE "-shm"
#define TAKEN LAYOUT_STORE ": taken by another process, which has not opened it"
#define FOLDER_FILES_MAX 32u
#define STARTS 40u

/* ---- What is on the disk ---- */

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of the store's folder: names, owners, modes, and the contents but of what a provider shares with its
 * readers. */
static void look(struct buf *ret)
{
        char *names[FOLDER_FILES_MAX];
        size_t n = 0;
        DIR *dir = opendir(world_path(LAYOUT_STATE));

        if (!dir)
                return;
        for (const struct dirent *e; (e = readdir(dir));) {
                ck_assert_uint_lt(n, FOLDER_FILES_MAX);
                names[n++] = strdup(e->d_name);
        }
        (void)closedir(dir);
        qsort((void *)names, n, sizeof(names[0]), compare_names);
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *path = NULL;
                _cleanup_buf_ struct buf contents = BUF_INIT;
                struct stat st;
                ck_assert_int_gt(asprintf(&path, "%s/%s", world_path(LAYOUT_STATE), names[i]), 0);
                ck_assert_int_eq(lstat(path, &st), 0);
                if (S_ISREG(st.st_mode) && !strstr(names[i], "-shm"))
                        ck_assert_int_eq(file_read(AT_FDCWD, path, 1u << 26, &contents, NULL, NULL), 0);
                buf_printf(ret, "%s %o %u %ju %zu\n", names[i], st.st_mode, st.st_uid, (uintmax_t)st.st_ino,
                        contents.len);
                buf_add(ret, contents.data, contents.len);
                free(names[i]);
        }
}

static void apply_untouched(int code, const char *control, const char *line)
{
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;

        look(&before);
        apply(code, control, line);
        look(&after);
        ck_assert_msg(before.len == after.len && memcmp(before.data, after.data, after.len) == 0,
                "before:\n%s\nafter:\n%s", buf_str(&before), buf_str(&after));
}

/* The provider runs, and the store is ahead of what was accepted. */
static void begin(void)
{
        registryd_start(NULL);
        policyd_follow();
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(policy_is("Written", "'success-only'"));
        daemon_stop(&world.policyd);
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
}

static void begin_and_stop(void)
{
        begin();
        daemon_stop(&world.registryd);
        ck_assert(!world_has(WAL) && !world_has(SHM));
}

static void begin_and_kill(void)
{
        begin();
        daemon_kill(&world.registryd);
        ck_assert(world_has(WAL) && world_has(SHM));
}

static void run_sql(const char *sql)
{
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(world_path(LAYOUT_STORE), &db), SQLITE_OK);
        ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static int take_lock(void)
{
        int fd = open(world_path(LAYOUT_STORE_LOCK), O_RDONLY | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
        return fd;
}

/* ---- No provider runs ---- */

START_TEST(stopped)
{
        begin_and_stop();
        apply_untouched(0, "2", NULL);
        world_write(WAL, "");
        apply_untouched(0, "2", NULL);
}
END_TEST

START_TEST(killed)
{
        begin_and_kill();
        apply_untouched(0, "2", NULL);
        world_remove(SHM);
        apply_untouched(0, "2", NULL);
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "failure-only base");
}
END_TEST

/* Nobody has waited for it but for those to whom the sets were answered. */
START_TEST(killed_behind_each_set)
{
        static const char *const values[] = { "disabled", "success-only", "failure-only", "enabled" };
        static const char *const controls[] = { "0", "1", "2", "3" };

        begin();
        for (size_t i = 0; i < 3 * ARRAY_SIZE(values); i++) {
                set_string(world.bus, MODULES, "TaintEvents", values[i % ARRAY_SIZE(values)]);
                daemon_kill(&world.registryd);
                apply_untouched(0, controls[i % ARRAY_SIZE(values)], NULL);
                registryd_start(NULL);
        }
}
END_TEST

START_TEST(missing)
{
        begin_and_stop();
        /* The empty mount point, and not even that. */
        world_remove(LAYOUT_STATE);
        ck_assert_int_eq(mkdir(world_path(LAYOUT_STATE), 0700), 0);
        apply_untouched(0, "1", NULL);
        world_remove("/var");
        apply(0, "1", NULL);
        ck_assert(!world_has("/var"));
        ck_assert_int_eq(mkdir(world_path("/var"), 0755), 0);
        ck_assert_int_eq(symlink("nowhere", world_path("/var/lib")), 0);
        apply(0, "1", NULL);
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        apply(0, "1", NULL);
        world_remove(LAYOUT_ACCEPTED_DIR);
        apply(0, "0", NULL);
        world_remove(LAYOUT_DROPINS_ADMIN);
        apply(0, "3", NULL);
}
END_TEST

/* A first start was cut off: nothing was ever written. */
START_TEST(not_made_yet)
{
        begin_and_stop();
        world_remove(LAYOUT_STATE);
        world_write(LAYOUT_STORE, "");
        apply_untouched(0, "1", NULL);
        world_remove(LAYOUT_ACCEPTED_DIR);
        apply_untouched(0, "3", NULL);
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        apply_untouched(0, "0", NULL);
}
END_TEST

/* ---- Damage ---- */

static void make_text(void)
{
        world_write(LAYOUT_STORE, "Machine:\n  System: what somebody wrote with an editor, and no store\n");
}

static void make_foreign(void)
{
        world_remove(LAYOUT_STORE);
        run_sql("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
}

static void make_later(void)
{
        run_sql("PRAGMA user_version = 99");
}

static void make_tableless(void)
{
        run_sql("DROP TABLE value");
}

/* All but the first, which says what it is. */
static void overwrite_pages(void)
{
        _cleanup_close_ int fd = open(world_path(LAYOUT_STORE), O_WRONLY | O_CLOEXEC);
        char page[1024];
        struct stat st;

        memset(page, 0xa5, sizeof(page));
        ck_assert_int_eq(fstat(fd, &st), 0);
        for (off_t at = sizeof(page); at < st.st_size; at += (off_t)sizeof(page))
                ck_assert_int_eq(pwrite(fd, page, sizeof(page), at), sizeof(page));
}

static void cut_in_half(void)
{
        struct stat st;

        ck_assert_int_eq(stat(world_path(LAYOUT_STORE), &st), 0);
        ck_assert_int_eq(truncate(world_path(LAYOUT_STORE), st.st_size / 2), 0);
}

static void empty_beside_a_log(void)
{
        registryd_start(NULL);
        daemon_kill(&world.registryd);
        ck_assert_int_eq(truncate(world_path(LAYOUT_STORE), 0), 0);
        world_remove(SHM);
}

static void lose_beside_a_backup(void)
{
        world_rename(LAYOUT_STORE, LAYOUT_STATE "/backup-00000000000000000007.db");
}

static void mark(void)
{
        world_write(LAYOUT_STORE ".damaged", "registry.db: row 7 missing from index\n");
}

static const struct {
        void (*make)(void);
        const char *text;
} damages[] = {
        { make_text, LAYOUT_STORE ": file is not a database" },
        { make_foreign, LAYOUT_STORE ": this is another program's database" },
        { make_later, LAYOUT_STORE ": the store has format 99, expected 3" },
        { make_tableless, LAYOUT_STORE ": no such table: value" },
        { overwrite_pages, LAYOUT_STORE ": database disk image is malformed" },
        { cut_in_half, LAYOUT_STORE ": database disk image is malformed" },
        { empty_beside_a_log, LAYOUT_STORE ": is empty" },
        { lose_beside_a_backup, LAYOUT_STORE ": is missing" },
        { mark, "row 7 missing from index" },
};

/* What was accepted last; where nothing was, the files. */
START_TEST(damaged)
{
        for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
                begin_and_stop();
                damages[i].make();
                apply_untouched(1, "1", damages[i].text);
                world_remove(LAYOUT_ACCEPTED_DIR);
                apply_untouched(1, "3", damages[i].text);
                dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
                apply_untouched(1, "0", damages[i].text);
                world_remove(LAYOUT_DROPINS_ADMIN);
                world_remove(LAYOUT_STATE);
        }
}
END_TEST

/* ---- What stands where a file is expected ---- */

static void make_link(const char *path)
{
        world_write("/elsewhere", "what nobody may touch\n");
        ck_assert_int_eq(symlink(world_path("/elsewhere"), world_path(path)), 0);
}

static void make_fifo(const char *path)
{
        ck_assert_int_eq(mkfifo(world_path(path), 0600), 0);
}

static void make_folder(const char *path)
{
        ck_assert_int_eq(mkdir(world_path(path), 0700), 0);
}

static void (*const others[])(const char *path) = { make_link, make_fifo, make_folder };

/* None of it is followed, waited for or written to, and none counts as a store that can be read. */
START_TEST(no_files)
{
        static const char *const paths[] = { LAYOUT_STORE_LOCK, LAYOUT_STORE };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                for (size_t k = 0; k < ARRAY_SIZE(others); k++) {
                        begin_and_stop();
                        world_remove(paths[i]);
                        others[k](paths[i]);
                        apply_untouched(1, "1", paths[i]);
                        world_remove(LAYOUT_STATE);
                }
        ck_assert_str_eq(world_read("/elsewhere"), "what nobody may touch");
}
END_TEST

/* SQLite makes them, and no other program. */
START_TEST(no_log)
{
        for (size_t k = 0; k < ARRAY_SIZE(others); k++)
                for (size_t held = 0; held < 2; held++) {
                        begin_and_kill();
                        world_remove(WAL);
                        world_remove(SHM);
                        others[k](WAL);
                        others[k](SHM);
                        _unused_ _cleanup_close_ int lock = held ? take_lock() : -1;
                        apply_untouched(1, "1", LAYOUT_STATE);
                        world_remove(LAYOUT_STATE);
                        world_remove("/elsewhere");
                }
}
END_TEST

/* ---- Beside somebody else ---- */

START_TEST(beside_the_provider)
{
        begin();
        apply_untouched(0, "2", NULL);
        for (unsigned i = 0; i < 3; i++) {
                set_string(world.bus, MODULES, "TaintEvents", "disabled");
                apply_untouched(0, "0", NULL);
                set_string(world.bus, MODULES, "TaintEvents", "failure-only");
                apply_untouched(0, "2", NULL);
        }
        daemon_stop(&world.registryd);
        ck_assert(!world_has(WAL));
        apply_untouched(0, "2", NULL);
}
END_TEST

/* Held, but by no provider: none has the store open, and none could begin. */
START_TEST(held_by_another)
{
        begin_and_stop();
        _cleanup_close_ int lock = take_lock();
        apply_untouched(1, "1", TAKEN);
        (void)close(steal_fd(&lock));
        registryd_start(NULL);
        daemon_kill(&world.registryd);
        lock = take_lock();
        apply_untouched(0, "2", NULL);
}
END_TEST

/* With the locks of SQLite's, which are no matter; reading the file here would give them up. */
START_TEST(locked_by_another)
{
        sqlite3 *other;

        begin_and_stop();
        ck_assert_int_eq(sqlite3_open(world_path(LAYOUT_STORE), &other), SQLITE_OK);
        ck_assert_int_eq(
                sqlite3_exec(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL),
                SQLITE_OK);
        apply(0, "2", NULL);
        _unused_ _cleanup_close_ int lock = take_lock();
        apply(1, "1", TAKEN);
        ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
}
END_TEST

static bool provider_answers(void)
{
        return sd_bus_get_name_creds(world.bus, REGISTRY_BUS_NAME, 0, NULL) >= 0;
}

/* Neither keeps the other from its work, whichever comes first. */
START_TEST(beside_a_start)
{
        for (unsigned i = 0; i < STARTS; i++) {
                struct daemon d = { .name = "apply", .log = world.policyd.log, .notify_fd = -1 };
                if (i == 0)
                        begin();
                if (i % 2)
                        daemon_stop(&world.registryd);
                else
                        daemon_kill(&world.registryd);
                (void)unlink(d.log);
                world_write(CONTROL_FILE, "9\n");
                registryd_spawn();
                (void)usleep(i * 500);
                ck_assert_msg(run_program(&d, "PEIOS_POLICY_APPLY", NULL) == 0, "%u: apply failed", i);
                ck_assert_str_eq(world_read(CONTROL_FILE), "2");
                WAIT(provider_answers());
                ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "failure-only base");
        }
}
END_TEST

/* ---- What the store says ---- */

static void says_as_the_provider(const char *value, const char *control)
{
        WAIT(value_is(value));
        /* It may be about to read a file. */
        apply(0, control, NULL);
        daemon_kill(&world.registryd);
        apply_untouched(0, control, NULL);
        registryd_start(NULL);
}

START_TEST(layers)
{
        static const char layer[] = "\\System\\Registry\\Layers\\local";

        begin();
        set_number(world.bus, layer, "Precedence", 7);
        says_as_the_provider("failure-only base", "2");
        set_in_layer(world.bus, "local", MODULES, "TaintEvents", "disabled");
        says_as_the_provider("disabled local", "0");
        dropin_write("site.yaml", dropin_text("site", 5, "enabled"));
        says_as_the_provider("disabled local", "0");
        set_number(world.bus, layer, "Precedence", 4);
        says_as_the_provider("enabled site", "3");
        dropin_write("site.yaml",
                "peios-registry: 1\nlayer: site\nprecedence: 5\nkeys:\n  \\System\\Audit\\Modules:\n"
                "    TaintEvents: !tombstone\n");
        says_as_the_provider("enabled default", "3");
        dropin_write("site.yaml",
                "peios-registry: 1\nlayer: site\nprecedence: 5\nkeys:\n  \\System\\Audit: !hidden\n");
        says_as_the_provider("enabled default", "3");
        set_number(world.bus, layer, "Precedence", 6);
        says_as_the_provider("disabled local", "0");
        set_number(world.bus, layer, "Enabled", 0);
        says_as_the_provider("enabled default", "3");
}
END_TEST

/* ---- As its unit has it ---- */

static void drop_bounding(int keep)
{
        for (int c = 0; c <= CAP_LAST_CAP; c++)
                if (c != keep)
                        ck_assert_int_eq(prctl(PR_CAPBSET_DROP, c), 0);
}

static void give_away(const char *path, mode_t mode)
{
        if (!world_has(path))
                return;
        ck_assert_int_eq(chown(world_path(path), UID_NOBODY, UID_NOBODY), 0);
        ck_assert_int_eq(chmod(world_path(path), mode), 0);
}

static void copy_program(const char *from, const char *to)
{
        _cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
        _cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
        ssize_t n;

        ck_assert_int_ge(in, 0);
        ck_assert_int_ge(out, 0);
        while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
                ;
        ck_assert_int_eq(n, 0);
}

/* Where they were built may be a folder that only its owner may enter, and root is not he without its
 * capabilities. */
static void move_programs(void)
{
        static const char *const programs[] = { "PEIOS_POLICY_APPLY", "PEIOS_POLICYD" };

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
                const char *built = getenv(programs[i]);
                ck_assert_ptr_nonnull(built);
                const char *moved = world_path(strrchr(built, '/'));
                copy_program(built, moved);
                ck_assert_int_eq(setenv(programs[i], moved, 1), 0);
        }
}

/* The store belongs to another user, and all but the controls is read-only. From then on what is run has one
 * capability at most. False: there are no mounts of one's own here. */
static bool become_unit(int capability)
{
        static const char *const folders[] = { "/var", "/etc" };

        give_away(LAYOUT_STATE, 0700);
        give_away(LAYOUT_STORE, 0600);
        give_away(WAL, 0600);
        give_away(SHM, 0600);
        give_away(LAYOUT_STORE_LOCK, 0600);
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                (void)fprintf(
                        stderr, "SKIP: no mounts of one's own: a read-only file system was not tried\n");
                return false;
        }
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                const char *path = world_path(folders[i]);
                ck_assert_int_eq(mount(path, path, NULL, MS_BIND, NULL), 0);
                ck_assert_int_eq(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
        }
        move_programs();
        drop_bounding(capability);
        return true;
}

START_TEST(unit_after_a_stop)
{
        begin_and_stop();
        if (become_unit(CAP_DAC_READ_SEARCH))
                apply_untouched(0, "2", NULL);
}
END_TEST

START_TEST(unit_after_a_kill)
{
        begin_and_kill();
        if (become_unit(CAP_DAC_READ_SEARCH))
                apply_untouched(0, "2", NULL);
}
END_TEST

START_TEST(unit_beside_the_provider)
{
        begin();
        if (become_unit(CAP_DAC_READ_SEARCH))
                apply_untouched(0, "2", NULL);
}
END_TEST

/* What may not be read is not what is not there. */
START_TEST(unit_without_its_capability)
{
        begin_and_stop();
        if (become_unit(-1))
                apply_untouched(1, "1", "Permission denied");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { stopped, killed, killed_behind_each_set, missing, not_made_yet,
                damaged, no_files, no_log, beside_the_provider, held_by_another, locked_by_another,
                beside_a_start, layers };
        const TTest *const privileged[] = { unit_after_a_stop, unit_after_a_kill, unit_beside_the_provider,
                unit_without_its_capability };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged),
                "that the store of another user is read, from where nothing may be written");
        return harness_main(tests, ARRAY_SIZE(tests));
}
