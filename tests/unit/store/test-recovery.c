/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../../registry-provider/store/backup.h"
#include "../../../schema/base/file.h"
#include "store-file.h"
#include "suite.h"

#define JUMP (INT64_C(1) << 32)

/* Values 1 to 3 are in the backup, 4 and 5 came later. */
static void make_store_and_backup(const struct scratch *s)
{
        make_store(s, 3);
        ck_assert_str_eq(make_backup(s).name, "backup-00000000000000000003.db");
        _cleanup_store_ struct store *store = open_store(s);
        put_values(store, 4, 5);
}

static int reopen(const struct scratch *s, struct recovery *ret, struct diag *d)
{
        _cleanup_store_ struct store *store = NULL;

        *ret = (struct recovery){ 0 };
        return recovery_open(s->file, 4096, &store, ret, d);
}

/* Recovers, and says how many values there are then. */
static size_t recovered(const struct scratch *s, struct recovery *ret)
{
        _cleanup_store_ struct store *store = NULL;
        struct diag d = { 0 };

        *ret = (struct recovery){ 0 };
        int r = recovery_open(s->file, 4096, &store, ret, &d);
        ck_assert_msg(r == 1, "%d %s", r, d.text);
        ck_assert_uint_eq(store_last_sequence(store), ret->sequence);
        size_t n = count_values(store);
        put_values(store, 100, 100);
        ck_assert_uint_eq(store_last_sequence(store), ret->sequence + 1);
        return n;
}

#define BACKUP_3 "backup-00000000000000000003.db"

static void overwrite_all(const char *path)
{
        overwrite(path, 0, "This is no database, whatever its name.", 39);
}

static void change_application(const char *path)
{
        run_sql(path, "PRAGMA application_id = 77");
}

static void drop_values(const char *path)
{
        run_sql(path, "DROP TABLE value");
}

static void drop_all(const char *path)
{
        run_sql(path,
                "DROP TABLE key; DROP TABLE path_entry; DROP TABLE value; DROP TABLE blanket; DROP TABLE layer;"
                "DROP TABLE file; DROP TABLE author; DROP TABLE history");
}

static void empty(const char *path)
{
        ck_assert_int_eq(truncate(path, 0), 0);
}

static void cut(const char *path)
{
        ck_assert_int_eq(truncate(path, 1500), 0);
}

static void lose(const char *path)
{
        ck_assert_int_eq(unlink(path), 0);
}

static const struct {
        void (*damage)(const char *path);
        const char *why;
        bool is_there;
        uint64_t lost;
} cases[] = {
        { overwrite_all, "file is not a database", true, 0 },
        { change_application, "this is another program's database", true, 5 },
        { drop_values, "no such table: value", true, 5 },
        { drop_all, "no such table: key", true, 0 },
        { empty, "is empty", true, 0 },
        { cut, "malformed", true, 0 },
        { lose, "is missing", false, 0 },
};

TEST_EACH(damaged_at_start, ARRAY_SIZE(cases))
{
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
        struct recovery r;
        struct diag text;

        make_store_and_backup(&here);
        cases[_i].damage(here.file);
        if (cases[_i].is_there)
                ck_assert_int_eq(file_read(AT_FDCWD, here.file, SIZE_MAX, &before, NULL, NULL), 0);
        ck_assert_uint_eq(recovered(&here, &r), 3);
        ck_assert_msg(strstr(r.why.text, cases[_i].why), "%s", r.why.text);
        ck_assert_str_eq(r.set_aside, cases[_i].is_there ? "registry.db.corrupt-1" : "");
        ck_assert_str_eq(r.backup, BACKUP_3);
        ck_assert_uint_eq(r.kept, 3);
        ck_assert_uint_eq(r.lost, cases[_i].lost);
        ck_assert_int_eq((int64_t)r.sequence, 3 + JUMP);
        ck_assert_str_eq(r.unusable.text, "");
        expect_files(&here, "",
                cases[_i].is_there ? BACKUP_3 " registry.db registry.db.corrupt-1 "
                                   : BACKUP_3 " registry.db ");
        if (cases[_i].is_there) {
                ck_assert_int_eq(file_read(AT_FDCWD, scratch_path(&here, "registry.db.corrupt-1"), SIZE_MAX,
                                         &after, NULL, NULL),
                        0);
                ck_assert_uint_eq(before.len, after.len);
                ck_assert(memcmp(buf_str(&before), buf_str(&after), before.len) == 0);
        }
        recovery_describe(&r, &text);
        ck_assert_ptr_nonnull(strstr(text.text, BACKUP_3 " was loaded"));
        ck_assert_ptr_nonnull(strstr(text.text, "numbers go on from 4294967299"));
        /* It is in the history, and the next start finds nothing. */
        ck_assert_int_eq(get_number(here.file, "SELECT count(*) FROM history WHERE op = 0x1002 AND name LIKE"
                                               " '%registry.db%was loaded%' AND sequence = 4294967299"),
                1);
        ck_assert_int_eq(reopen(&here, &r, &text), 0);
}

TEST(description)
{
        struct recovery r = { .set_aside = "registry.db.corrupt-1", .kept = 3, .lost = 5, .sequence = 7 };
        struct diag text;

        (void)diag_set(&r.why, EUCLEAN, "/r/registry.db: is bad");
        recovery_describe(&r, &text);
        ck_assert_str_eq(text.text,
                "/r/registry.db: is bad; it was set aside as registry.db.corrupt-1, and there was no good "
                "backup, so the registry began empty; the changes from number 4 to at least 5 are missing; "
                "numbers go on from 7");
        r.lost = 4;
        recovery_describe(&r, &text);
        ck_assert_ptr_nonnull(strstr(text.text, "; change number 4 is missing;"));
        r.lost = 0;
        (void)diag_set(&r.unusable, EUCLEAN, "backup-1.db (is bad)");
        recovery_describe(&r, &text);
        ck_assert_ptr_nonnull(strstr(text.text, "; the changes after number 3 are missing, how many is "
                                                "not known; backups that are damaged themselves: "
                                                "backup-1.db (is bad); numbers go on from 7"));
}

/* Whatever the umask is. */
static void expect_private(const struct scratch *s)
{
        _cleanup_free_ char *names = scratch_list(s, "");

        for (char *at = names, *name; (name = strsep(&at, " ")) && *name;) {
                struct stat st;
                ck_assert_int_eq(stat(scratch_path(s, name), &st), 0);
                ck_assert_msg((st.st_mode & 0777) == 0600, "%s", name);
        }
}

TEST(is_private)
{
        struct recovery r;

        (void)umask(0);
        ck_assert_int_eq(reopen(&here, &r, NULL), 0);
        make_store(&here, 1);
        (void)make_backup(&here);
        overwrite_all(here.file);
        ck_assert_uint_eq(recovered(&here, &r), 1);
        ck_assert_int_eq(recovery_mark(here.file, "perhaps"), 0);
        overwrite_all(here.file);
        overwrite_all(scratch_path(&here, "backup-00000000000000000001.db"));
        expect_private(&here);
        ck_assert_uint_eq(recovered(&here, &r), 0);
        expect_private(&here);
}

TEST(whole)
{
        struct recovery r;

        ck_assert_int_eq(reopen(&here, &r, NULL), 0);
        make_store_and_backup(&here);
        ck_assert_int_eq(reopen(&here, &r, NULL), 0);
        expect_files(&here, "", BACKUP_3 " registry.db ");
}

/* It may be a later one's, who knows better. */
TEST(of_another_version)
{
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
        struct recovery r;
        struct diag d = { 0 };

        make_store_and_backup(&here);
        run_sql(here.file, "PRAGMA user_version = 9");
        ck_assert_int_eq(file_read(AT_FDCWD, here.file, SIZE_MAX, &before, NULL, NULL), 0);
        ck_assert_int_eq(reopen(&here, &r, &d), -EPROTONOSUPPORT);
        ck_assert_ptr_nonnull(strstr(d.text, "format 9, expected 3"));
        ck_assert_int_eq(file_read(AT_FDCWD, here.file, SIZE_MAX, &after, NULL, NULL), 0);
        ck_assert_uint_eq(before.len, after.len);
        ck_assert(memcmp(before.data, after.data, before.len) == 0);
        expect_files(&here, "", BACKUP_3 " registry.db ");
}

TEST(no_backup)
{
        struct recovery r;

        make_store(&here, 3);
        drop_values(here.file);
        ck_assert_uint_eq(recovered(&here, &r), 0);
        ck_assert_str_eq(r.backup, "");
        ck_assert_uint_eq(r.lost, 3);
        ck_assert_int_eq((int64_t)r.sequence, JUMP);
        /* Once more: nothing is overwritten, and no number comes again. */
        overwrite_all(here.file);
        ck_assert_uint_eq(recovered(&here, &r), 0);
        ck_assert_str_eq(r.set_aside, "registry.db.corrupt-2");
        ck_assert_int_eq((int64_t)r.sequence, 2 * JUMP);
        expect_files(&here, "", "registry.db registry.db.corrupt-1 registry.db.corrupt-2 ");
        /* One that is lost beside them began at some time. */
        lose(here.file);
        ck_assert_uint_eq(recovered(&here, &r), 0);
        ck_assert_int_eq((int64_t)r.sequence, 4 * JUMP);
}

/* What the recoveries in between have given out does not come again where the backup that has it is gone. */
TEST(older_than_the_last_recovery)
{
        struct recovery r;
        uint64_t last = 0;

        make_store_and_backup(&here);
        for (unsigned i = 0; i < 4; i++) {
                overwrite_all(here.file);
                (void)recovered(&here, &r);
                ck_assert_uint_gt(r.sequence, last);
                last = r.sequence;
                if (i < 2)
                        (void)make_backup(&here);
                else
                        ck_assert_int_eq(backup_remove_old(here.file, 0), 0);
        }
}

TEST(bad_backups)
{
        struct recovery r;

        make_store_and_backup(&here);
        ck_assert_str_eq(make_backup(&here).name, "backup-00000000000000000005.db");
        damage_pages_with(scratch_path(&here, "backup-00000000000000000005.db"), "Value5");
        ck_assert_int_eq(symlink("/dev/null", scratch_path(&here, "backup-00000000000000000006.db")), 0);
        overwrite_all(here.file);
        ck_assert_uint_eq(recovered(&here, &r), 3);
        ck_assert_str_eq(r.backup, BACKUP_3);
        ck_assert_ptr_nonnull(strstr(r.unusable.text, "backup-00000000000000000005.db ("));
        ck_assert_ptr_nonnull(strstr(r.unusable.text, "backup-00000000000000000006.db ("));

        /* No good one at all. */
        overwrite_all(scratch_path(&here, BACKUP_3));
        overwrite_all(here.file);
        ck_assert_uint_eq(recovered(&here, &r), 0);
        ck_assert_str_eq(r.backup, "");
        ck_assert_ptr_nonnull(strstr(r.unusable.text, BACKUP_3));
        expect_files(
                &here, "backup", BACKUP_3 " backup-00000000000000000005.db backup-00000000000000000006.db ");
}

/* A start does not see it: it reads what it needs. */
TEST(marked)
{
        struct recovery r;

        make_store(&here, 300);
        (void)make_backup(&here);
        damage_pages_with(here.file, "Value150");
        ck_assert_int_eq(reopen(&here, &r, NULL), 0);
        ck_assert_int_eq(recovery_mark(here.file, "a check found something"), 0);
        expect_files(&here, "registry.db.", "registry.db.damaged ");
        ck_assert_uint_eq(recovered(&here, &r), 300);
        ck_assert_str_eq(r.set_aside, "registry.db.corrupt-1");
        expect_files(&here, "registry.db.", "registry.db.corrupt-1 ");
}

TEST(marked_but_whole)
{
        struct recovery r;

        make_store_and_backup(&here);
        ck_assert_int_eq(recovery_mark(here.file, "somebody thought so"), 0);
        ck_assert_int_eq(reopen(&here, &r, NULL), 0);
        expect_files(&here, "", BACKUP_3 " registry.db ");
}

/* The log of one that was killed is part of it. */
static void leave_log(const struct scratch *s)
{
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                struct store *store = open_store(s);
                put_values(store, 6, 7);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        expect_files(s, "registry.db-", "registry.db-shm registry.db-wal ");
}

TEST(parts_stay_together)
{
        struct recovery r;

        make_store(&here, 300);
        (void)make_backup(&here);
        leave_log(&here);
        damage_pages_with(here.file, "Value150");
        ck_assert_int_eq(recovery_mark(here.file, "a check found something"), 0);
        ck_assert_uint_eq(recovered(&here, &r), 300);
        ck_assert_uint_eq(r.lost, 302);
        expect_files(&here, "registry.db",
                "registry.db registry.db.corrupt-1 registry.db.corrupt-1-shm registry.db.corrupt-1-wal ");
}

/* What was cut short goes on where it was. */
TEST(cut_short)
{
        struct recovery r;

        make_store_and_backup(&here);
        leave_log(&here);
        ck_assert_int_eq(rename(here.file, textf("%s.corrupt-1", here.file)), 0);
        FILE *f = fopen(scratch_path(&here, "registry.db.new"), "w");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_gt(fputs("half of something", f), 0);
        ck_assert_int_eq(fclose(f), 0);
        ck_assert_uint_eq(recovered(&here, &r), 3);
        expect_files(&here, "registry.db",
                "registry.db registry.db.corrupt-1 registry.db.corrupt-1-shm registry.db.corrupt-1-wal ");
        ck_assert_int_eq((int64_t)r.sequence, 3 + 2 * JUMP);
}

/* Nothing is set aside before what takes its place is there. */
TEST(no_room)
{
        struct recovery r;

        make_store_and_backup(&here);
        overwrite_all(here.file);
        ck_assert_int_eq(mkdir(scratch_path(&here, "registry.db.new"), 0700), 0);
        ck_assert_int_lt(reopen(&here, &r, NULL), 0);
        expect_files(&here, "", BACKUP_3 " registry.db registry.db.new ");
        ck_assert_int_eq(rmdir(scratch_path(&here, "registry.db.new")), 0);
        ck_assert_uint_eq(recovered(&here, &r), 3);
}

Suite *test_suite(void)
{
        return suite_with("recovery", here_make, here_remove);
}
