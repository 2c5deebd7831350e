/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../schema/base/macro.h"
#include "suite.h"

/* What SQLite has open: the real VFS's file is behind it. */
struct open_file {
        sqlite3_file base;
        int file; /* in the log, or -1 */
};

static sqlite3_vfs *unix_vfs;
static struct {
        char *directory; /* NULL: nothing is recorded */
        struct disk_log *log;
} recorder;
static struct {
        enum disk_call call;
        unsigned nth, times, calls;
        int error;
        bool spare;
} fault;
static size_t at_most;

void (*disk_pause)(bool must);

uint64_t disk_random(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* ---- Directories ---- */

char *disk_scratch(void)
{
        char *directory;

        assert(asprintf(&directory, "%s/peios-store-XXXXXX", suite_scratch()) > 0);
        assert(mkdtemp(directory));
        return directory;
}

void disk_scratch_remove(const char *directory, bool whole)
{
        DIR *dir = opendir(directory);
        const struct dirent *e;

        assert(dir);
        while ((e = readdir(dir)))
                if (e->d_name[0] != '.')
                        assert(unlinkat(dirfd(dir), e->d_name, 0) == 0);
        assert(closedir(dir) == 0);
        if (whole)
                assert(rmdir(directory) == 0);
}

/* ---- The log ---- */

static struct disk_entry *add(enum disk_event event, int file)
{
        struct disk_log *log = recorder.log;

        if ((log->n & (log->n - 1)) == 0) {
                log->entries = reallocarray(log->entries, log->n ? log->n * 2 : 1, sizeof(*log->entries));
                assert(log->entries);
        }
        log->entries[log->n] = (struct disk_entry){ .event = event, .file = (unsigned)file };
        return &log->entries[log->n++];
}

static void add_write(int file, const void *data, size_t size, sqlite3_int64 offset)
{
        struct disk_entry *e = add(DISK_WRITTEN, file);

        e->offset = (size_t)offset;
        e->size = size;
        e->data = malloc(size);
        assert(e->data);
        memcpy(e->data, data, size);
}

static struct disk_file *add_file(const char *name)
{
        assert(recorder.log->n_files < DISK_FILES_MAX);
        struct disk_file *f = &recorder.log->files[recorder.log->n_files++];
        assert(strlen(name) < sizeof(f->name));
        strcpy(f->name, name);
        return f;
}

/* The name in the directory that is recorded, or NULL. */
static const char *recorded_name(const char *path)
{
        size_t len = recorder.directory ? strlen(recorder.directory) : 0;

        return len > 0 && path && strncmp(path, recorder.directory, len) == 0 && path[len] == '/'
                       ? path + len + 1
                       : NULL;
}

/* Of the newest file of that name; -1: there is none. */
static int find_file(const char *name)
{
        for (int i = (int)recorder.log->n_files; i-- > 0;)
                if (strcmp(recorder.log->files[i].name, name) == 0)
                        return i;
        return -1;
}

static void take_file(const char *name)
{
        struct disk_file *f = add_file(name);
        char path[PATH_MAX];
        struct stat st;

        (void)snprintf(path, sizeof(path), "%s/%s", recorder.directory, name);
        FILE *stream = fopen(path, "r");
        assert(stream && fstat(fileno(stream), &st) == 0);
        f->was_there = true;
        f->size = (size_t)st.st_size;
        f->data = malloc(f->size + 1);
        assert(f->data && fread(f->data, 1, f->size, stream) == f->size);
        assert(fclose(stream) == 0);
}

void disk_record(const char *directory)
{
        DIR *dir = opendir(directory);
        const struct dirent *e;

        assert(dir && !recorder.directory);
        recorder.directory = strdup(directory);
        recorder.log = calloc(1, sizeof(*recorder.log));
        assert(recorder.directory && recorder.log);
        while ((e = readdir(dir))) {
                const char *end = strrchr(e->d_name, '-');
                if (e->d_name[0] != '.' && !(end && strcmp(end, "-shm") == 0))
                        take_file(e->d_name);
        }
        assert(closedir(dir) == 0);
}

size_t disk_position(void)
{
        return recorder.log ? recorder.log->n : 0;
}

struct disk_log *disk_stop(void)
{
        free(recorder.directory);
        recorder.directory = NULL;
        return STEAL_PTR(recorder.log);
}

void disk_log_free(struct disk_log *log)
{
        for (unsigned i = 0; i < log->n_files; i++)
                free(log->files[i].data);
        for (size_t i = 0; i < log->n; i++)
                free(log->entries[i].data);
        free(log->entries);
        free(log);
}

/* ---- Failures ---- */

void disk_fail(enum disk_call call, unsigned nth, unsigned times, int error)
{
        fault = (typeof(fault)){ .call = call, .nth = nth, .times = times, .error = error };
}

void disk_spare(bool spare)
{
        fault.spare = spare;
}

bool disk_mend(void)
{
        bool struck = fault.nth > 0 && fault.calls >= fault.nth;

        fault.nth = 0;
        return struck;
}

static bool fails(enum disk_call call)
{
        if (fault.nth == 0 || fault.spare || (fault.call != call && fault.call != DISK_CALLS))
                return false;
        fault.calls++;
        if (fault.calls < fault.nth || fault.calls - fault.nth >= fault.times)
                return false;
        errno = fault.error;
        return true;
}

/* ---- Files ---- */

static struct open_file *opened(sqlite3_file *file)
{
        return (struct open_file *)file;
}

static sqlite3_file *real(sqlite3_file *file)
{
        return (sqlite3_file *)(opened(file) + 1);
}

/* Whether the call is to be recorded and may fail. */
static bool is_looked_at(sqlite3_file *file)
{
        return opened(file)->file >= 0 && recorder.directory;
}

static void pause_here(void)
{
        if (disk_pause)
                disk_pause(false);
}

static int file_close(sqlite3_file *file)
{
        return real(file)->pMethods->xClose(real(file));
}

static int file_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
        if (is_looked_at(file) && fails(DISK_READ))
                return SQLITE_IOERR_READ;
        return real(file)->pMethods->xRead(real(file), data, size, offset);
}

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
        bool fail = false;

        if (is_looked_at(file)) {
                pause_here();
                fail = fails(DISK_WRITE);
                size = fail ? size / 2 : size;
                add_write(opened(file)->file, data, (size_t)size, offset);
        }
        int r = real(file)->pMethods->xWrite(real(file), data, size, offset);
        if (fail) {
                errno = fault.error;
                return fault.error == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        }
        return r;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
        if (is_looked_at(file)) {
                pause_here();
                if (fails(DISK_TRUNCATE))
                        return SQLITE_IOERR_TRUNCATE;
                add(DISK_CUT, opened(file)->file)->offset = (size_t)size;
        }
        return real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
        if (!is_looked_at(file))
                return SQLITE_OK;
        pause_here();
        if (fails(DISK_SYNC)) {
                add(DISK_SYNC_FAILED, opened(file)->file);
                errno = fault.error;
                return SQLITE_IOERR_FSYNC;
        }
        add(DISK_SYNCED, opened(file)->file);
        return real(file)->pMethods->xSync(real(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
        return real(file)->pMethods->xFileSize(real(file), ret);
}

static int file_lock(sqlite3_file *file, int lock)
{
        return real(file)->pMethods->xLock(real(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
        return real(file)->pMethods->xUnlock(real(file), lock);
}

static int file_check_lock(sqlite3_file *file, int *ret)
{
        return real(file)->pMethods->xCheckReservedLock(real(file), ret);
}

static int file_control(sqlite3_file *file, int op, void *data)
{
        return real(file)->pMethods->xFileControl(real(file), op, data);
}

static int file_sector_size(sqlite3_file *file)
{
        return real(file)->pMethods->xSectorSize(real(file));
}

static int file_characteristics(sqlite3_file *file)
{
        return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int file_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
        if (is_looked_at(file) && fails(DISK_MAP))
                return fault.error == ENOSPC ? SQLITE_IOERR_SHMSIZE : SQLITE_IOERR_SHMMAP;
        return real(file)->pMethods->xShmMap(real(file), region, size, extend, ret);
}

static int file_map_lock(sqlite3_file *file, int offset, int n, int flags)
{
        return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void file_map_barrier(sqlite3_file *file)
{
        real(file)->pMethods->xShmBarrier(real(file));
}

static int file_unmap(sqlite3_file *file, int delete)
{
        return real(file)->pMethods->xShmUnmap(real(file), delete);
}

/* ---- The VFS ---- */

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags, int *ret_flags)
{
        static const sqlite3_io_methods methods = { 2, file_close, file_read, file_write, file_truncate,
                file_sync, file_size, file_lock, file_unlock, file_check_lock, file_control,
                file_sector_size, file_characteristics, file_map, file_map_lock, file_map_barrier,
                file_unmap, NULL, NULL };
        const char *name = recorded_name(path);

        (void)vfs;
        file->pMethods = NULL;
        opened(file)->file = -1;
        if (name && fails(DISK_OPEN))
                return SQLITE_CANTOPEN;
        bool is_new = name && access(path, F_OK) < 0;
        if (is_new)
                pause_here();
        int r = unix_vfs->xOpen(unix_vfs, path, real(file), flags, ret_flags);
        if (r != SQLITE_OK)
                return r;
        file->pMethods = &methods;
        if (is_new) {
                (void)add_file(name);
                add(DISK_MADE, (int)recorder.log->n_files - 1);
        }
        opened(file)->file = name ? find_file(name) : -1;
        return SQLITE_OK;
}

/* The real one syncs the directory when it has deleted the file. */
static int disk_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
        const char *name = recorded_name(path);

        (void)vfs;
        if (name && access(path, F_OK) == 0) {
                pause_here();
                if (fails(DISK_DELETE))
                        return SQLITE_IOERR_DELETE;
                add(DISK_DELETED, find_file(name));
        }
        return unix_vfs->xDelete(unix_vfs, path, sync_directory);
}

static int disk_sleep(sqlite3_vfs *vfs, int usec)
{
        (void)vfs;
        if (!disk_pause)
                return unix_vfs->xSleep(unix_vfs, usec);
        disk_pause(true);
        return usec;
}

static int (*open_directory)(const char *path, int *ret);
static ssize_t (*pread_once)(int fd, void *data, size_t size, off_t offset);
static ssize_t (*pwrite_once)(int fd, const void *data, size_t size, off_t offset);

/* What it opens is synced and closed again, and done for nothing else. */
static int disk_open_directory(const char *path, int *ret)
{
        if (recorded_name(path))
                add(DISK_DIRECTORY_SYNCED, 0);
        return open_directory(path, ret);
}

static ssize_t disk_pread(int fd, void *data, size_t size, off_t offset)
{
        return pread_once(fd, data, at_most && size > at_most ? at_most : size, offset);
}

static ssize_t disk_pwrite(int fd, const void *data, size_t size, off_t offset)
{
        return pwrite_once(fd, data, at_most && size > at_most ? at_most : size, offset);
}

void disk_short(size_t bytes)
{
        at_most = bytes;
}

/* SQLite calls the kernel through a table. */
static void *replace_call(const char *name, sqlite3_syscall_ptr call)
{
        sqlite3_syscall_ptr old = unix_vfs->xGetSystemCall(unix_vfs, name);

        if (old)
                assert(unix_vfs->xSetSystemCall(unix_vfs, name, call) == SQLITE_OK);
        return (void *)old;
}

void disk_install(void)
{
        static sqlite3_vfs vfs;

        unix_vfs = sqlite3_vfs_find("unix");
        assert(unix_vfs);
        vfs = *unix_vfs;
        vfs.zName = "disk";
        vfs.szOsFile += (int)sizeof(struct open_file);
        vfs.xOpen = disk_open;
        vfs.xDelete = disk_delete;
        vfs.xSleep = disk_sleep;
        open_directory = replace_call("openDirectory", (sqlite3_syscall_ptr)disk_open_directory);
        pread_once = replace_call("pread64", (sqlite3_syscall_ptr)disk_pread);
        pwrite_once = replace_call("pwrite64", (sqlite3_syscall_ptr)disk_pwrite);
        assert(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}
