/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restoration.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "../store/backup.h"
#include "../store/halt.h"
#include "../store/inspect.h"
#include "registry-compare.h"

/* Beside the database, as backups are: there is no other place that is ours alone and has room. */
#define COPY "restore.new"

struct restoration {
        int fd;
        _Atomic uint64_t asked_at; /* of the file, µs; 0: nothing */
        struct path key;           /* empty: all */
        struct store *then;
        struct registry_differences differences;
        unsigned tries;
};

void restoration_clean_up(const char *file)
{
        _cleanup_free_ char *path = backup_beside(file, COPY);

        if (path)
                (void)unlink(path);
}

int restoration_new(int fd, struct path *key, struct restoration **ret)
{
        struct restoration *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        t->fd = fd;
        t->key = *key;
        *key = (struct path){ 0 };
        *ret = t;
        return 0;
}

struct restoration *restoration_free(struct restoration *t)
{
        if (!t)
                return NULL;
        t->then = store_close(t->then);
        path_done(&t->key);
        registry_differences_done(&t->differences);
        free(t);
        return NULL;
}

/* ---- The copy ---- */

/* No more than it had at the begin, wherever its reader or writer has moved to. */
static int copy_bytes(struct restoration *t, int to, off_t size)
{
        char bytes[64 * 1024];

        for (off_t at = 0; at < size;) {
                const size_t most = size - at < (off_t)sizeof(bytes) ? (size_t)(size - at) : sizeof(bytes);
                t->asked_at = clock_usec();
                const ssize_t n = pread(t->fd, bytes, most, at);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                int r = halt_is_called() ? -ECANCELED : file_write_all(to, bytes, (size_t)n);
                if (r < 0)
                        return r;
                at += n;
        }
        return 0;
}

static int look_at(int fd, off_t *ret_size, struct diag *d)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return diag_set(d, errno, "the copy: %s", strerror(errno));
        if (!S_ISREG(st.st_mode))
                return registry_fail(d, REGISTRY_INVALID_VALUE, "the copy is no regular file");
        *ret_size = st.st_size;
        return 0;
}

static int take_copy(struct restoration *t, const char *file, const char *path, struct diag *d)
{
        off_t size = 0;

        int r = look_at(t->fd, &size, d);
        if (r == 0)
                r = backup_check_room(file, (uint64_t)size, d);
        if (r != 0)
                return r;
        _cleanup_close_ int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0)
                return diag_set(d, errno, "%s: %s", path, strerror(errno));
        r = copy_bytes(t, to, size);
        return r < 0 ? diag_set(d, -r, "the copy cannot be read, or not be written to %s: %s", path,
                               strerror(-r))
                     : 0;
}

/* What is wrong with it is said without the name that it has here. */
static int refuse(const char *path, const char *text, struct diag *d)
{
        const size_t len = strlen(path);
        const char *what = strncmp(text, path, len) == 0 && text[len] == ':' ? text + len + 2 : text;
        _cleanup_free_ char *said = strdup(what);

        return registry_fail(
                d, REGISTRY_INVALID_VALUE, "the copy is not as it should be: %s", said ? said : "");
}

static int inspect(const char *path, struct diag *d)
{
        _cleanup_(diags_done) struct diags found = { 0 };

        int r = inspect_file(path, &found, d);
        if (r == -EUCLEAN || r == -EPROTONOSUPPORT || r == -ENOENT)
                return refuse(path, d->text, d);
        return r == 0 && found.n > 0 ? refuse(path, found.list[0], d) : r;
}

static int open_copy(struct restoration *t, const char *file, const char *path, struct diag *d)
{
        (void)unlink(path);
        t->asked_at = clock_usec();
        int r = take_copy(t, file, path, d);
        t->asked_at = 0;
        if (r == 0)
                r = inspect(path, d);
        if (r == 0)
                r = store_open(path, STORE_AT_BOOT, SIZE_MAX, &t->then, d);
        (void)unlink(path);
        return r;
}

/* ---- The difference ---- */

int restoration_compare(struct restoration *t, const char *file, struct diag *d)
{
        _cleanup_store_ struct store *now = NULL;

        t->tries++;
        registry_differences_done(&t->differences);
        int r = store_open(file, STORE_READ_ONLY, SIZE_MAX, &now, d);
        return r < 0 ? r : registry_compare(now, t->then, t->key.text ? &t->key : NULL, &t->differences, d);
}

int restoration_gather(struct restoration *t, const char *file, struct diag *d)
{
        _cleanup_free_ char *path = t->then ? NULL : backup_beside(file, COPY);

        if (!t->then && !path)
                return -ENOMEM;
        int r = t->then ? 0 : open_copy(t, file, path, d);
        return r != 0 ? r : restoration_compare(t, file, d);
}

uint64_t restoration_waited(const struct restoration *t)
{
        const uint64_t asked_at = t->asked_at, now = clock_usec();

        return asked_at > 0 && now > asked_at ? now - asked_at : 0;
}

unsigned restoration_tries(const struct restoration *t)
{
        return t->tries;
}

bool restoration_is_current(const struct restoration *t, const struct registry *r)
{
        return t->differences.sequence == registry_sequence(r);
}

int restoration_apply(struct restoration *t, struct registry *r, struct registry_undone *ret, struct diag *d)
{
        return registry_restore(r, t->then, &t->differences, ret, d);
}
