/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "../../../registry-provider/store/recovery.h"
#include "../../../registry-provider/store/upkeep.h"
#include "../../../schema/base/file.h"
#include "store-file.h"
#include "suite.h"

#define NEVER UINT64_C(3600000000)

/* Soon, and as often as anything changes. */
static const struct upkeep_config eager = { .quiet = 20000, .backup_interval = 0, .backups_kept = 2 };

static struct upkeep *start(const struct scratch *s, struct upkeep_config config)
{
        struct upkeep *u = NULL;
        struct diag d = { 0 };

        int r = upkeep_new(s->file, &config, &u, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        return u;
}

static void change(struct upkeep *u, struct store *s, unsigned i)
{
        put_values(s, i, i);
        upkeep_changed(u, s);
}

/* Of that kind; others are passed over. */
static struct upkeep_report next_report(struct upkeep *u, enum upkeep_work work)
{
        struct upkeep_report report;

        for (;;) {
                while (upkeep_next(u, &report))
                        if (report.work == work)
                                return report;
                struct pollfd p = { .fd = upkeep_fd(u), .events = POLLIN };
                ck_assert_msg(poll(&p, 1, 20000) == 1, "no report");
        }
}

static void expect_no_report(struct upkeep *u, int msec)
{
        struct pollfd p = { .fd = upkeep_fd(u), .events = POLLIN };
        ck_assert_int_eq(poll(&p, 1, msec), 0);
}

static void expect_backup(struct upkeep *u, const char *name)
{
        const struct upkeep_report r = next_report(u, UPKEEP_BACKUP);

        ck_assert_msg(r.error == 0, "%s", r.text.text);
        ck_assert_str_eq(r.text.text, name);
}

#define BACKUP(n) "backup-0000000000000000000" n ".db"

TEST(backups)
{
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 1, 3);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, eager);

        expect_backup(u, BACKUP("3"));
        change(u, store, 4);
        expect_backup(u, BACKUP("4"));
        change(u, store, 5);
        expect_backup(u, BACKUP("5"));
        expect_files(&here, "backup", BACKUP("4") " " BACKUP("5") " ");
        ck_assert_int_eq(get_number(scratch_path(&here, BACKUP("4")), "SELECT count(*) FROM value"), 4);
        ck_assert_int_eq(get_number(scratch_path(&here, BACKUP("5")), "SELECT count(*) FROM value"), 5);
        /* Nothing has changed: not even after a restart. */
        u = upkeep_free(u);
        u = start(&here, eager);
        ck_assert_int_eq(next_report(u, UPKEEP_CHECK).error, 0);
        expect_no_report(u, 200);
}

TEST(interval)
{
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 1, 1);
        struct upkeep_config config = { .quiet = 20000, .backup_interval = NEVER, .backups_kept = 0 };
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, config);

        ck_assert_int_eq(next_report(u, UPKEEP_CHECK).error, 0);
        expect_no_report(u, 100);
        config.backups_kept = 1;
        upkeep_configure(u, &config);
        expect_backup(u, BACKUP("1"));
        change(u, store, 2);
        expect_no_report(u, 200);
        /* The time goes on over a restart. */
        u = upkeep_free(u);
        u = start(&here, config);
        ck_assert_int_eq(next_report(u, UPKEEP_CHECK).error, 0);
        expect_no_report(u, 200);
        change(u, store, 3);
        u = upkeep_free(u);
        config.backup_interval = 0;
        u = start(&here, config);
        expect_backup(u, BACKUP("3"));
        expect_files(&here, "backup", BACKUP("3") " ");
}

/* It counts for the backup that was there before. */
TEST(another_interval)
{
        _cleanup_store_ struct store *store = open_store(&here);
        struct upkeep_config config = eager;
        put_values(store, 1, 1);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, config);
        expect_backup(u, BACKUP("1"));
        u = upkeep_free(u);
        config.backup_interval = NEVER;
        u = start(&here, config);
        ck_assert_int_eq(next_report(u, UPKEEP_CHECK).error, 0);
        change(u, store, 2);
        expect_no_report(u, 200);
        config.backup_interval = 1000;
        upkeep_configure(u, &config);
        expect_backup(u, BACKUP("2"));
        config.backup_interval = NEVER;
        upkeep_configure(u, &config);
        change(u, store, 3);
        expect_no_report(u, 200);
}

/* The next recovery must not begin where this one did. */
TEST(after_recovery)
{
        struct recovery recovery;
        const struct upkeep_config config = { .quiet = 20000, .backup_interval = NEVER, .backups_kept = 2 };
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 1, 1);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, config);

        expect_backup(u, BACKUP("1"));
        u = upkeep_free(u);
        store = store_close(store);
        ck_assert_int_eq(unlink(here.file), 0);
        ck_assert_int_eq(recovery_open(here.file, 4096, &store, &recovery, NULL), 1);
        u = start(&here, config);
        expect_backup(u, "backup-00000000004294967297.db");
}

/* It is said where the mark cannot be made. */
TEST(no_mark)
{
        make_store(&here, 1);
        ck_assert_int_eq(mkdir(scratch_path(&here, "registry.db.damaged"), 0700), 0);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, eager);
        upkeep_damaged(u, "a page is bad");
        for (;;) {
                const struct upkeep_report r = next_report(u, UPKEEP_CHECK);
                if (r.error == -EUCLEAN && strcmp(r.text.text, "a page is bad") != 0) {
                        ck_assert_str_eq(r.text.text,
                                "a page is bad; this cannot be marked for the next start: Is a directory");
                        break;
                }
        }
}

/* Where something is changed all the time. */
TEST(never_quiet)
{
        _cleanup_store_ struct store *store = open_store(&here);
        const struct upkeep_config config = { .quiet = NEVER, .backup_interval = 50000, .backups_kept = 1 };
        put_values(store, 1, 1);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, config);

        expect_backup(u, BACKUP("1"));
}

TEST(damage)
{
        struct recovery recovery;
        make_store(&here, 300);
        damage_pages_with(here.file, "Value150");
        _cleanup_store_ struct store *store = open_store(&here);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, eager);

        const struct upkeep_report r = next_report(u, UPKEEP_CHECK);
        ck_assert_int_eq(r.error, -EUCLEAN);
        ck_assert_ptr_nonnull(strstr(r.text.text, "registry.db"));
        ck_assert_str_eq(store_damage(store), "");
        store_set_damage(store, r.text.text);
        ck_assert_str_eq(store_damage(store), r.text.text);
        ck_assert_int_eq(store_begin(store, NULL), -EUCLEAN);
        ck_assert_str_eq(store_failure(store), r.text.text);
        /* No backup is made of it, and nothing else is done. */
        upkeep_changed(u, store);
        expect_no_report(u, 200);
        u = upkeep_free(u);
        store = store_close(store);
        expect_files(&here, "", "registry.db registry.db.damaged ");
        ck_assert_int_eq(recovery_open(here.file, 4096, &store, &recovery, NULL), 1);
}

/* A reader meets it. */
TEST(damage_met)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        make_store(&here, 300);
        damage_pages_with(here.file, "Value150");
        _cleanup_store_ struct store *store = open_store(&here);
        const struct upkeep_config config = { .quiet = NEVER, .backup_interval = NEVER };
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, config);
        {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(store);
                size_t n;
                (void)store_values(store, &(const struct guid){ { 1 } }, SIZE_MAX, &n);
                ck_assert_int_eq(store_error(store, NULL), -EUCLEAN);
        }
        ck_assert_ptr_nonnull(strstr(store_damage(store), "malformed"));
        ck_assert_int_eq(store_begin(store, NULL), -EUCLEAN);
        ck_assert_int_eq(store_begin_preview(store), -EUCLEAN);
        upkeep_damaged(u, store_damage(store));
        upkeep_damaged(u, "again");
        ck_assert_str_eq(next_report(u, UPKEEP_CHECK).text.text, store_damage(store));
        for (unsigned i = 0; access(scratch_path(&here, "registry.db.damaged"), F_OK) < 0; i++) {
                ck_assert_uint_lt(i, 2000);
                (void)usleep(10000);
        }
        ck_assert_int_eq(
                file_read(AT_FDCWD, scratch_path(&here, "registry.db.damaged"), 4096, &text, NULL, NULL), 0);
        ck_assert(strncmp(buf_str(&text), store_damage(store), strlen(store_damage(store))) == 0);
}

/* Nothing is left of one that failed, and it does not run hot. */
TEST(backup_fails)
{
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 1, 1);
        ck_assert_int_eq(mkdir(scratch_path(&here, "backup.new"), 0700), 0);
        struct upkeep_config config = eager;
        config.backup_interval = 300000;
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, config);

        const struct upkeep_report r = next_report(u, UPKEEP_BACKUP);
        ck_assert_int_lt(r.error, 0);
        ck_assert_ptr_nonnull(strstr(r.text.text, "backup.new"));
        expect_no_report(u, 100);
        ck_assert_int_eq(rmdir(scratch_path(&here, "backup.new")), 0);
        expect_backup(u, BACKUP("1"));
        expect_files(&here, "backup", BACKUP("1") " ");
}

/* What the folder's file system has free. */
static unsigned long blocks_free = 1ul << 40;

int __wrap_statvfs64(const char *path, struct statvfs *ret);
int __wrap_statvfs64(const char *path, struct statvfs *ret)
{
        ck_assert_ptr_nonnull(path);
        *ret = (struct statvfs){ .f_frsize = 1024, .f_bavail = blocks_free };
        return 0;
}

static void save_copy(const struct scratch *s, int fd)
{
        char bytes[65536];
        FILE *f = fopen(scratch_path(s, "copy"), "w");

        ck_assert_ptr_nonnull(f);
        for (ssize_t n; (n = read(fd, bytes, sizeof(bytes))) > 0;)
                ck_assert_uint_eq(fwrite(bytes, 1, (size_t)n, f), (size_t)n);
        ck_assert_int_eq(fclose(f), 0);
        ck_assert_int_eq(close(fd), 0);
}

/* It has no name, and the backups are left alone. */
TEST(a_copy)
{
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 1, 3);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here,
                (struct upkeep_config){ .quiet = NEVER, .backup_interval = NEVER, .backups_kept = 2 });

        upkeep_copy(u);
        put_values(store, 4, 4);
        const struct upkeep_report r = next_report(u, UPKEEP_COPY);
        ck_assert_msg(r.error == 0, "%s", r.text.text);
        expect_files(&here, "backup", "");
        ck_assert_int_eq(fcntl(r.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
        save_copy(&here, r.fd);
        ck_assert_int_ge(get_number(scratch_path(&here, "copy"), "SELECT count(*) FROM value"), 3);
        ck_assert_int_ge(get_number(scratch_path(&here, "copy"), "SELECT count(*) FROM history"), 4);
        /* Of what is damaged there is none, nor is anybody left waiting for it. */
        upkeep_copy(u);
        upkeep_damaged(u, "damaged, it seems");
        const struct upkeep_report last = next_report(u, UPKEEP_COPY);
        ck_assert(last.error == 0 || last.error == -EUCLEAN);
        if (last.error == 0)
                ck_assert_int_eq(close(last.fd), 0);
        upkeep_copy(u);
        const struct upkeep_report refused = next_report(u, UPKEEP_COPY);
        ck_assert_int_eq(refused.error, -EUCLEAN);
        ck_assert_int_eq(refused.fd, -1);
}

/* One serves all who ask before they have it, and has what the last of them had committed. */
TEST(copy_asked_for_twice)
{
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 1, 1);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here,
                (struct upkeep_config){ .quiet = NEVER, .backup_interval = NEVER, .backups_kept = 2 });

        for (unsigned n = 2; n <= 12; n++) {
                upkeep_copy(u);
                ck_assert_int_eq(usleep(n * 500), 0);
                put_values(store, n, n);
                upkeep_copy(u);
                const struct upkeep_report r = next_report(u, UPKEEP_COPY);
                ck_assert_msg(r.error == 0, "%s", r.text.text);
                save_copy(&here, r.fd);
                ck_assert_int_eq(get_number(scratch_path(&here, "copy"), "SELECT count(*) FROM value"), n);
        }
        expect_no_report(u, 100);
}

/* Of all that was committed when it was asked for; what SQLite finds is damage. */
TEST(inspection)
{
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 1, 3);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, (struct upkeep_config){ .quiet = NEVER });

        upkeep_inspect(u);
        struct upkeep_report r = next_report(u, UPKEEP_INSPECT);
        ck_assert_msg(r.error == 0, "%s", r.text.text);
        ck_assert_uint_eq(r.found.n, 0);
        run_sql(here.file, "UPDATE value SET type = 99 WHERE sequence = 2");
        upkeep_inspect(u);
        upkeep_inspect(u);
        r = next_report(u, UPKEEP_INSPECT);
        ck_assert_uint_eq(r.found.n, 1);
        ck_assert_str_eq(r.found.list[0],
                "\\Machine: value 'Value2' of layer base has type 99, expected 0 to 11, or 65535 for a mask");
        diags_done(&r.found);
        expect_no_report(u, 100);
        /* It can be asked for as well where no more is done. */
        upkeep_damaged(u, "damaged, it seems");
        ck_assert_int_eq(next_report(u, UPKEEP_CHECK).error, -EUCLEAN);
        upkeep_inspect(u);
        r = next_report(u, UPKEEP_INSPECT);
        ck_assert_uint_eq(r.found.n, 1);
        diags_done(&r.found);
        /* One that nobody takes is given back. */
        upkeep_inspect(u);
        struct pollfd p = { .fd = upkeep_fd(u), .events = POLLIN };
        ck_assert_int_eq(poll(&p, 1, 20000), 1);
}

TEST(inspection_of_damage)
{
        make_store(&here, 3);
        damage_pages_with(here.file, "Value2");
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, (struct upkeep_config){ .quiet = NEVER });

        upkeep_inspect(u);
        ck_assert_int_eq(next_report(u, UPKEEP_CHECK).error, -EUCLEAN);
        struct upkeep_report r = next_report(u, UPKEEP_INSPECT);
        ck_assert_uint_gt(r.found.n, 0);
        diags_done(&r.found);
}

/* It would take what changes need. */
TEST(no_room)
{
        _cleanup_store_ struct store *store = open_store(&here);
        put_large(store, 1, 100, 1024);
        blocks_free = 150;
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, eager);

        const struct upkeep_report r = next_report(u, UPKEEP_BACKUP);
        ck_assert_int_eq(r.error, -ENOSPC);
        ck_assert_ptr_nonnull(strstr(r.text.text, "would leave less than that free"));
        expect_files(&here, "backup", "");
}

TEST(checkpoints)
{
        _cleanup_store_ struct store *store = open_store(&here);
        const struct upkeep_config config = { .quiet = 20000, .backup_interval = NEVER };
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, config);

        for (unsigned i = 1; i <= 50; i++)
                change(u, store, i);
        ck_assert_uint_gt(store_log_pages(store), 100);
        /* In a quiet moment. The next writer begins the log anew. */
        for (unsigned i = 0; i < 100 && store_log_pages(store) > 50; i++) {
                (void)usleep(100000);
                change(u, store, 51);
        }
        ck_assert_uint_le(store_log_pages(store), 50);
}

/* Also by a commit that is larger than all that was in it, or it would be taken for one that is in the file.
 */
TEST(begun_anew)
{
        _cleanup_store_ struct store *store = open_store(&here);

        put_values(store, 1, 10);
        const unsigned begun = store_log_begun(store);
        put_values(store, 11, 20);
        ck_assert_uint_eq(store_log_begun(store), begun);
        store_checkpoint(store);
        const unsigned pages = store_log_pages(store);
        put_large(store, 21, 2000, 1);
        ck_assert_uint_gt(store_log_pages(store), pages);
        ck_assert_uint_eq(store_log_begun(store), begun + 1);
        put_large(store, 1, 1000, 1);
        ck_assert_uint_eq(store_log_begun(store), begun + 1);
        store_checkpoint(store);
        put_values(store, 1, 1);
        ck_assert_uint_eq(store_log_begun(store), begun + 2);
}

/* The log does not grow without end, although there is no moment between two turns. */
TEST(large_log)
{
        unsigned pages = 0, most = 0, times = 0;
        _cleanup_store_ struct store *store = open_store(&here);
        const struct upkeep_config config = { .quiet = NEVER, .backup_interval = NEVER };
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, config);

        for (unsigned i = 0; i < 3000 && times < 3; i++) {
                put_large(store, i * 10 + 1, i * 10 + 10, 4000);
                upkeep_changed(u, store);
                times += store_log_pages(store) < pages;
                pages = store_log_pages(store);
                most = pages > most ? pages : most;
        }
        ck_assert_uint_eq(times, 3);
        ck_assert_uint_lt(most, 60000);
}

static int other_task(const char *field, char ret[static 64])
{
        DIR *tasks = opendir("/proc/self/task");
        int n = 0;

        ck_assert_ptr_nonnull(tasks);
        for (const struct dirent *e; (e = readdir(tasks));) {
                char path[64], line[256];
                if (e->d_name[0] == '.' || atoi(e->d_name) == getpid())
                        continue;
                (void)snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", e->d_name);
                FILE *f = fopen(path, "r");
                ck_assert_ptr_nonnull(f);
                while (fgets(line, sizeof(line), f))
                        if (strncmp(line, field, strlen(field)) == 0)
                                (void)snprintf(ret, 64, "%.60s", line + strlen(field));
                (void)fclose(f);
                n++;
        }
        (void)closedir(tasks);
        return n;
}

/* An idle machine sleeps; and signals are the loop's. */
TEST(idle)
{
        char before[64] = "", after[64] = "", blocked[64] = "";
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 1, 1);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, eager);

        expect_backup(u, BACKUP("1"));
        int n = other_task("voluntary_ctxt_switches:", after);
        /* On a busy machine what it did last may not be over yet. */
        for (unsigned i = 0; i < 20 && strcmp(before, after) != 0; i++) {
                memcpy(before, after, sizeof(before));
                (void)usleep(500000);
                ck_assert_int_eq(other_task("voluntary_ctxt_switches:", after), n);
        }
        ck_assert_int_eq(other_task("SigBlk:", blocked), n);
        if (n == 1) { /* a sanitizer has threads of its own */
                ck_assert_str_eq(before, after);
                ck_assert_uint_eq(strtoull(blocked, NULL, 16) & 0x4003, 0x4003);
        }
}

/* POSIX locks go with the first descriptor that is closed. */
TEST(locks_stay)
{
        int status;
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 1, 1);
        _cleanup_(upkeep_freep) struct upkeep *u = start(&here, eager);

        expect_backup(u, BACKUP("1"));
        upkeep_damaged(u, "to be marked");
        u = upkeep_free(u);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                struct flock lock = {
                        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510
                };
                int fd = open(here.file, O_RDWR | O_CLOEXEC);
                _exit(fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
}

/* In the middle of a backup: it ends at once, and leaves nothing that is not whole. */
TEST(ends)
{
        _cleanup_store_ struct store *store = open_store(&here);
        for (unsigned i = 0; i < 20; i++)
                put_large(store, i * 500 + 1, i * 500 + 500, 4000);

        for (unsigned i = 0; i < 10; i++) {
                struct upkeep *u = start(&here, eager);
                for (unsigned k = 0; k < 2000 && access(scratch_path(&here, "backup.new"), F_OK) < 0; k++)
                        (void)usleep(1000);
                (void)usleep(i * 3000);
                u = upkeep_free(u);
                ck_assert_ptr_null(u);
                expect_files(&here, "backup.", "");
        }
}

TEST(no_file)
{
        struct upkeep *u = NULL;
        struct diag d = { 0 };

        ck_assert_int_eq(upkeep_new(here.file, &eager, &u, &d), -ENOENT);
        ck_assert_ptr_nonnull(strstr(d.text, "registry.db"));
        ck_assert_ptr_null(upkeep_free(NULL));
}

Suite *test_suite(void)
{
        return suite_waiting("upkeep", here_make, here_remove);
}
