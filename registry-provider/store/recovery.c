/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../schema/base/date.h"
#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "backup.h"
#include "inspect.h"

#define MARK ".damaged"
#define NEW ".new"

/* The database, and what SQLite has beside it. */
static const char *const parts[] = { "", "-wal", "-shm", "-journal" };

static char *with_suffix(const char *file, const char *suffix, const char *part)
{
        char *path = NULL;

        return asprintf(&path, "%s%s%s", file, suffix, part) < 0 ? NULL : path;
}

/* Bytes in it; -ENOENT and the like. */
static int64_t size_of(const char *file, const char *suffix, const char *part)
{
        _cleanup_free_ char *path = with_suffix(file, suffix, part);
        struct stat st;

        if (!path)
                return -ENOMEM;
        return lstat(path, &st) < 0 ? -errno : st.st_size;
}

static int remove_file(const char *file, const char *suffix, const char *part)
{
        _cleanup_free_ char *path = with_suffix(file, suffix, part);

        if (!path)
                return -ENOMEM;
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static const char *name_of(const char *file)
{
        const char *slash = strrchr(file, '/');

        return slash ? slash + 1 : file;
}

int recovery_mark(const char *file, const char *why)
{
        _cleanup_free_ char *name = with_suffix(name_of(file), MARK, "");
        _cleanup_free_ char *folder = backup_beside(file, ".");
        _cleanup_free_ char *text = with_suffix(why, "\n", "");

        if (!name || !folder || !text)
                return -ENOMEM;
        _cleanup_close_ int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return dir < 0 ? -errno : file_replace(dir, name, text, strlen(text), 0600);
}

/* ---- Is it damaged? ---- */

/* 1: marked, and what the mark says is in d. */
static int is_marked(const char *file, struct diag *d)
{
        _cleanup_free_ char *path = with_suffix(file, MARK, "");
        _cleanup_buf_ struct buf text = BUF_INIT;

        int r = path ? file_read(AT_FDCWD, path, sizeof(d->text), &text, NULL, d) : -ENOMEM;
        if (r == -ENOENT)
                return 0;
        if (r == 0)
                (void)diag_set(d, EUCLEAN, "%.*s", (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
        return r < 0 && r != -EFBIG ? r : 1;
}

/* Where there was a database once. */
static int had_contents(const char *file, struct diag *d)
{
        _cleanup_free_ struct backup *backups = NULL;
        int64_t size = size_of(file, "", "");
        size_t n = 0;

        if (size > 0 || (size < 0 && size != -ENOENT))
                return 0;
        int r = backup_list(file, &backups, &n);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (n == 0 && size_of(file, "", "-wal") <= 0 && size_of(file, ".corrupt-1", "") < 0)
                return 0;
        return diag_set(d, EUCLEAN, "%s: is %s", file, size == 0 ? "empty" : "missing");
}

int recovery_suspects(const char *file, struct diag *d)
{
        int r = had_contents(file, d);

        if (r == 0)
                r = is_marked(file, d);
        return r > 0 ? -EUCLEAN : r;
}

/* All that anybody knows to look for. */
static int check_all(const char *path, uint64_t *ret_sequence, uint64_t *ret_time, struct diag *d)
{
        _cleanup_(diags_done) struct diags found = { 0 };

        int r = backup_check(path, QUICK_CHECK, ret_sequence, ret_time, d);
        if (r == 0)
                r = inspect_file(path, &found, d);
        return r == 0 && found.n > 0 ? diag_set(d, EUCLEAN, "%s: %s", path, found.list[0]) : r;
}

/* 0; -EUCLEAN: it is damaged, and d says how; or another negative errno. */
static int look(const char *file, struct diag *d)
{
        uint64_t sequence, time;

        int r = had_contents(file, d);
        if (r < 0)
                return r;
        r = is_marked(file, d);
        if (r <= 0)
                return r;
        r = check_all(file, &sequence, &time, d);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        log_notice("%s: was reported damaged, but is whole", file);
        return remove_file(file, MARK, "");
}

/* ---- What takes its place ---- */

static int copy_file(const char *from, const char *to, struct diag *d)
{
        _cleanup_close_ int in = file_open(AT_FDCWD, from, O_RDONLY | O_NOFOLLOW, 0, NULL, d);
        if (in < 0)
                return in;
        _cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        int r = out < 0 ? -errno : file_copy(in, out);
        return r < 0 ? diag_set(d, -r, "%s: cannot be copied: %s", from, strerror(-r)) : 0;
}

/* SQLite would make it readable for everybody, and open whatever stands there. */
static int make_file(const char *path, struct diag *d)
{
        int fd = file_open(AT_FDCWD, path, O_RDWR | O_CREAT, 0600, NULL, d);

        if (fd < 0)
                return fd == -ENOENT ? diag_set(d, ENOENT, "%s: its folder is missing", path) : fd;
        (void)close(fd);
        return 0;
}

static int remove_new(const char *file)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
                r = remove_file(file, NEW, parts[i]);
        return r;
}

static void add_unusable(struct recovery *recovery, const char *name, const char *why)
{
        struct diag before = recovery->unusable;

        (void)diag_set(&recovery->unusable, EUCLEAN, "%s%s%s (%s)", before.text, before.text[0] ? ", " : "",
                name, why);
}

/* What no second try would make good; else it is the disk or the memory that fails. */
static bool is_its_own_fault(int error)
{
        return error == -EUCLEAN || error == -EPROTONOSUPPORT || error == -EINVAL || error == -EISDIR ||
               error == -ELOOP || error == -ENOENT;
}

/* What was copied is checked, not what it was copied from. */
static int copy_backup(
        const char *file, const char *to, const struct backup *backup, struct recovery *recovery)
{
        _cleanup_free_ char *from = backup_beside(file, backup->name);
        struct diag d = { 0 };

        int r = from ? remove_new(file) : -ENOMEM;
        if (r == 0)
                r = copy_file(from, to, &d);
        if (r == 0)
                r = check_all(to, &recovery->kept, &recovery->backup_time, &d);
        if (r < 0)
                add_unusable(recovery, backup->name, d.text[0] ? d.text : strerror(-r));
        else
                (void)snprintf(recovery->backup, sizeof(recovery->backup), "%s", backup->name);
        return r;
}

/* 0 with recovery->backup empty: there is none. A store that is empty because the disk fails is not what
 * anybody wants. */
static int copy_newest_good(const char *file, const char *to, struct recovery *recovery)
{
        _cleanup_free_ struct backup *backups = NULL;
        int failed = 0;
        size_t n;

        int r = backup_list(file, &backups, &n);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                r = copy_backup(file, to, &backups[i], recovery);
                if (r == 0)
                        return 0;
                if (!is_its_own_fault(r))
                        failed = r;
        }
        return failed < 0 ? failed : remove_new(file);
}

int recovery_note(const char *file, size_t value_max, const char *text, uint64_t sequence, struct diag *d)
{
        _cleanup_store_ struct store *s = NULL;

        int r = store_open(file, STORE_WRITE, value_max, &s, d);
        if (r == 0)
                r = store_begin(s, NULL);
        if (r < 0)
                return r;
        const struct store_op note = {
                .code = STORE_NOTE, .name = text, .sequence = sequence ? sequence : store_take_sequence(s)
        };
        r = store_apply(s, &note);
        if (r < 0) {
                store_rollback(s);
                return diag_set(d, -r, "%s", store_failure(s));
        }
        r = store_commit(s);
        return r < 0 ? r : store_sync(s, d);
}

static int make_new(
        const char *file, const char *path, size_t value_max, struct recovery *recovery, struct diag *d)
{
        struct diag text;

        /* The counter and the note are in it before it is anybody's store. */
        recovery_describe(recovery, &text);
        int r = make_file(path, d);
        if (r == 0)
                r = recovery_note(path, value_max, text.text, recovery->sequence, d);
        /* What the last one to close it could not bring into it would stay behind. */
        if (r == 0 && size_of(file, NEW, "-wal") != -ENOENT)
                r = diag_set(d, EIO, "%s: the last change could not be put into it", path);
        return r < 0 ? r : backup_sync(path);
}

/* ---- Setting aside ---- */

/* The first number whose names are free for all that is there. */
static unsigned free_number(const char *file)
{
        for (unsigned n = 1;; n++) {
                char suffix[32];
                bool is_free = true;
                (void)snprintf(suffix, sizeof(suffix), ".corrupt-%u", n);
                for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                        is_free &= size_of(file, suffix, parts[i]) == -ENOENT ||
                                   size_of(file, "", parts[i]) == -ENOENT;
                if (is_free)
                        return n;
        }
}

/* Each recovery skips more than all before it together, as the next one may load an older backup, or none.
 * Of 62 bits. */
#define DOUBLINGS_MAX 30u

static uint64_t skipped(const char *file)
{
        char suffix[32];
        uint64_t n = 0;

        do
                (void)snprintf(suffix, sizeof(suffix), ".corrupt-%" PRIu64, ++n);
        while (size_of(file, suffix, "") >= 0);
        return RECOVERY_SEQUENCES << (n < DOUBLINGS_MAX ? n - 1 : DOUBLINGS_MAX - 1);
}

static int set_aside(const char *file, unsigned n)
{
        char suffix[32];
        int r = 0;

        (void)snprintf(suffix, sizeof(suffix), ".corrupt-%u", n);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++) {
                _cleanup_free_ char *from = with_suffix(file, "", parts[i]);
                _cleanup_free_ char *to = with_suffix(file, suffix, parts[i]);
                r = !from || !to ? -ENOMEM : rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
        }
        return r;
}

int recovery_keep(const char *file, struct recovery *ret, struct diag *d)
{
        _cleanup_(database_closep) struct database *db = NULL;
        char suffix[32];

        (void)snprintf(suffix, sizeof(suffix), ".corrupt-%u", free_number(file));
        _cleanup_free_ char *to = with_suffix(file, suffix, "");
        int r = to ? database_open_upkeep(file, &db, d) : -ENOMEM;
        if (r == 0)
                r = backup_write(db, to, d);
        if (r == 0)
                r = backup_sync(to);
        if (r == 0)
                r = backup_sync_folder(file);
        if (r == 0)
                (void)snprintf(ret->set_aside, sizeof(ret->set_aside), "%s%s", name_of(file), suffix);
        if (r < 0) {
                (void)remove_file(file, suffix, "");
                (void)remove_file(file, suffix, "-journal");
        }
        return r;
}

static int replace(const char *file, const char *path, unsigned n, struct diag *d)
{
        int r = set_aside(file, n);
        if (r == 0)
                r = backup_sync_folder(file);
        if (r == 0 && rename(path, file) < 0)
                r = -errno;
        if (r == 0)
                r = backup_sync_folder(file);
        if (r == 0)
                r = remove_file(file, MARK, "");
        return r < 0 ? diag_set(d, -r, "%s: cannot be set aside and replaced: %s", file, strerror(-r)) : 0;
}

static int recover(const char *file, size_t value_max, struct recovery *recovery, struct diag *d)
{
        _cleanup_free_ char *path = with_suffix(file, NEW, "");
        const unsigned n = free_number(file);

        if (!path)
                return -ENOMEM;
        int r = copy_newest_good(file, path, recovery);
        if (r < 0)
                return diag_set(d, -r, "%s: no backup can be copied: %s%s%s", recovery->why.text,
                        strerror(-r), recovery->unusable.text[0] ? ": " : "", recovery->unusable.text);
        if (size_of(file, "", "") > 0)
                recovery->lost = database_newest_of_damaged(file);
        if (recovery->lost <= recovery->kept)
                recovery->lost = 0;
        recovery->sequence = recovery->kept + skipped(file);
        if (size_of(file, "", "") >= 0)
                (void)snprintf(
                        recovery->set_aside, sizeof(recovery->set_aside), "%s.corrupt-%u", name_of(file), n);
        r = make_new(file, path, value_max, recovery, d);
        return r < 0 ? r : replace(file, path, n, d);
}

int recovery_open(const char *file, size_t value_max, struct store **ret, struct recovery *ret_recovery,
        struct diag *d)
{
        struct recovery recovery = { 0 };

        int r = look(file, &recovery.why);
        if (r == 0)
                r = make_file(file, &recovery.why);
        if (r == 0)
                r = store_open(file, STORE_WRITE, value_max, ret, &recovery.why);
        if (r != -EUCLEAN)
                return r < 0 ? diag_set(d, -r, "%s", recovery.why.text) : 0;
        r = recover(file, value_max, &recovery, d);
        if (r == 0)
                r = store_open(file, STORE_WRITE, value_max, ret, d);
        if (r < 0)
                return r;
        *ret_recovery = recovery;
        return 1;
}

/* ---- For people ---- */

static void describe_missing(const struct recovery *r, struct diag *ret)
{
        if (r->lost == r->kept + 1)
                (void)diag_set(ret, 0, "change number %" PRIu64 " is missing", r->lost);
        else if (r->lost > 0)
                (void)diag_set(ret, 0,
                        "the changes from number %" PRIu64 " to at least %" PRIu64 " are missing",
                        r->kept + 1, r->lost);
        else
                (void)diag_set(ret, 0,
                        "the changes after number %" PRIu64 " are missing, how many is not known", r->kept);
}

void recovery_describe(const struct recovery *r, struct diag *ret)
{
        char date[DATE_TEXT_MAX], loaded[160] = "there was no good backup, so the registry began empty";
        struct diag missing;

        describe_missing(r, &missing);
        if (r->backup[0])
                (void)snprintf(loaded, sizeof(loaded), "%s was loaded, with its last change at %s",
                        r->backup, date_format((int64_t)r->backup_time, date));
        (void)diag_set(ret, 0, "%s; %s%s%s%s; %s%s%s; numbers go on from %" PRIu64, r->why.text,
                r->set_aside[0] ? "it was set aside as " : "", r->set_aside, r->set_aside[0] ? ", and " : "",
                loaded, missing.text, r->unusable.text[0] ? "; backups that are damaged themselves: " : "",
                r->unusable.text, r->sequence);
}
