/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../../schema/base/array.h"
#include "../../schema/base/clock.h"

#define PREFIX "backup-"
#define SUFFIX ".db"
#define DIGITS 20u
/* One that is not finished. SQLite has a journal beside it. */
#define UNFINISHED "backup.new"

char *backup_beside(const char *file, const char *name)
{
        const char *slash = strrchr(file, '/');
        char *path = NULL;

        int folder = slash ? (int)(slash + 1 - file) : 0;
        return asprintf(&path, "%.*s%s", folder, file, name) < 0 ? NULL : path;
}

int backup_sync(const char *path)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return fsync(fd) < 0 ? -errno : 0;
}

int backup_sync_folder(const char *file)
{
        _cleanup_free_ char *folder = backup_beside(file, ".");

        return folder ? backup_sync(folder) : -ENOMEM;
}

static bool parse_name(const char *name, struct backup *ret)
{
        size_t len = strlen(name);
        char *end;

        if (len != strlen(PREFIX) + DIGITS + strlen(SUFFIX) || strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
                strspn(name + strlen(PREFIX), "0123456789") != DIGITS)
                return false;
        ret->sequence = strtoull(name + strlen(PREFIX), &end, 10);
        memcpy(ret->name, name, len + 1);
        return strcmp(end, SUFFIX) == 0;
}

static int compare_backups(const void *a, const void *b)
{
        return strcmp(((const struct backup *)b)->name, ((const struct backup *)a)->name);
}

static void closedirp(DIR **dir)
{
        if (*dir)
                (void)closedir(*dir);
}

int backup_list(const char *file, struct backup **ret, size_t *ret_n)
{
        _cleanup_free_ char *folder = backup_beside(file, ".");
        _cleanup_(closedirp) DIR *dir = folder ? opendir(folder) : NULL;
        _cleanup_free_ struct backup *list = NULL;
        size_t n = 0;

        if (!dir)
                return folder ? -errno : -ENOMEM;
        for (const struct dirent *e; (e = readdir(dir));) {
                struct backup found = { 0 };
                struct stat st;
                if (!parse_name(e->d_name, &found) || fstatat(dirfd(dir), e->d_name, &st, 0) < 0)
                        continue;
                if (array_grow(&list, n, sizeof(*list)) < 0)
                        return -ENOMEM;
                found.time = (uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000;
                list[n++] = found;
        }
        if (n > 0)
                qsort(list, n, sizeof(*list), compare_backups);
        *ret = STEAL_PTR(list);
        *ret_n = n;
        return 0;
}

int backup_remove_old(const char *file, size_t keep)
{
        _cleanup_free_ struct backup *list = NULL;
        size_t n;

        int r = backup_list(file, &list, &n);
        for (size_t i = keep; r == 0 && i < n; i++) {
                _cleanup_free_ char *path = backup_beside(file, list[i].name);
                r = !path ? -ENOMEM : unlink(path) < 0 ? -errno : 0;
        }
        return r;
}

int backup_check(
        const char *path, enum statement check, uint64_t *ret_sequence, uint64_t *ret_time, struct diag *d)
{
        _cleanup_(database_closep) struct database *db = NULL;
        uint64_t sequence = 0, time = 0;

        int r = database_open(path, STORE_AT_BOOT, &db, d);
        if (r == 0)
                r = database_check(db, check, d);
        if (r < 0)
                return r;
        sqlite3_stmt *newest = database_statement(db, HISTORY_LAST, false);
        while (database_row(db, newest)) {
                sequence = database_column_u64(newest, 0);
                time = database_column_u64(newest, 1);
        }
        if (db->error < 0)
                return diag_set(d, -db->error, "%s", db->why.text);
        *ret_sequence = sequence;
        *ret_time = time;
        return 0;
}

int backup_check_room(const char *file, uint64_t size, struct diag *d)
{
        _cleanup_free_ char *folder = backup_beside(file, ".");
        struct statvfs st;

        if (!folder || statvfs(folder, &st) < 0)
                return folder ? -errno : -ENOMEM;
        uint64_t free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
        return free_bytes / 2 >= size ? 0
                                      : diag_set(d, ENOSPC,
                                                "%s: a backup may take %" PRIu64
                                                " bytes, and would leave less than that free",
                                                folder, size);
}

static int check_room(struct database *db, struct diag *d)
{
        sqlite3_stmt *q = database_statement(db, FILE_BYTES, false);
        uint64_t size = 0;

        while (database_row(db, q))
                size = database_column_u64(q, 0);
        return db->error < 0 ? diag_set(d, -db->error, "%s", db->why.text)
                             : backup_check_room(db->path, size, d);
}

static void remove_unfinished(const char *file)
{
        static const char *const names[] = { UNFINISHED, UNFINISHED "-journal" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_free_ char *path = backup_beside(file, names[i]);
                if (path)
                        (void)unlink(path);
        }
}

/* SQLite would make it readable for everybody. */
static int make_file(const char *path, struct diag *d)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return diag_set(d, errno, "%s: %s", path, strerror(errno));
        (void)close(fd);
        return 0;
}

static int copy_into(struct database *db, const char *path, struct diag *d)
{
        sqlite3_stmt *copy = database_statement(db, VACUUM_INTO, false);

        database_bind_text(copy, 1, path, strlen(path));
        int r = database_run(db, copy);
        return r == 0 ? 0 : diag_set(d, -r, "%s", db->why.text);
}

static int finish(const char *file, const char *path, struct backup *ret, struct diag *d)
{
        struct backup made = { 0 };
        uint64_t newest;

        int r = backup_check(path, QUICK_CHECK, &made.sequence, &newest, d);
        if (r < 0)
                return r;
        (void)snprintf(made.name, sizeof(made.name), PREFIX "%0*" PRIu64 SUFFIX, (int)DIGITS, made.sequence);
        made.time = clock_of(CLOCK_REALTIME);
        _cleanup_free_ char *name = backup_beside(file, made.name);
        r = name ? backup_sync(path) : -ENOMEM;
        if (r == 0 && rename(path, name) < 0)
                r = -errno;
        if (r == 0)
                r = backup_sync_folder(file);
        if (r < 0)
                return diag_set(d, -r, "%s: %s", path, strerror(-r));
        *ret = made;
        return 0;
}

int backup_write(struct database *db, const char *path, struct diag *d)
{
        db->error = 0;
        int r = check_room(db, d);
        if (r == 0)
                r = make_file(path, d);
        return r < 0 ? r : copy_into(db, path, d);
}

static int make_unfinished(struct database *db, const char *path, struct diag *d)
{
        remove_unfinished(db->path);
        return backup_write(db, path, d);
}

int backup_copy(struct database *db, int *ret_fd, struct diag *d)
{
        _cleanup_free_ char *path = backup_beside(db->path, UNFINISHED);
        uint64_t sequence, time;
        int fd = -1;

        if (!path)
                return -ENOMEM;
        int r = make_unfinished(db, path, d);
        if (r == 0)
                r = backup_check(path, INTEGRITY_CHECK, &sequence, &time, d);
        if (r == 0)
                r = fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (r < 0 && !d->text[0])
                r = diag_set(d, errno, "%s: %s", path, strerror(errno));
        remove_unfinished(db->path);
        if (r < 0)
                return r;
        *ret_fd = fd;
        return 0;
}

int backup_make(struct database *db, struct backup *ret, struct diag *d)
{
        _cleanup_free_ char *path = backup_beside(db->path, UNFINISHED);

        if (!path)
                return -ENOMEM;
        int r = make_unfinished(db, path, d);
        if (r == 0)
                r = finish(db->path, path, ret, d);
        if (r < 0)
                remove_unfinished(db->path);
        return r;
}
