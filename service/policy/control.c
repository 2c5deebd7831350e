/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/layout.h"

/* O_NONBLOCK and O_NOCTTY: should something else than a control stand at its path, opening it neither hangs
 * nor takes a terminal. */
#define OPEN_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

struct control {
        char *name;
        char *path;
        int fd; /* O_RDONLY, or O_PATH where it may not be read; -1: not there */
        dev_t dev;
        ino_t ino;
        int read_error; /* positive errno: why the descriptor is only an O_PATH one */
        bool changed;   /* since the last control_refresh() */
        bool once;      /* the descriptor is O_RDWR, and what is done is done to its file */
        off_t size;     /* of that */
};

static int check_parts(const char *name, struct diag *d)
{
        for (const char *part = name;;) {
                size_t n = strcspn(part, ".");
                if (n == 0)
                        return diag_set(d, EINVAL,
                                "sysctl name '%s': has an empty part, expected names with one dot between them",
                                name);
                if (n <= 2 && strspn(part, "/") >= n)
                        return diag_set(d, EINVAL,
                                "sysctl name '%s': the part '%.*s' stands for '%s', expected a name", name,
                                (int)n, part, n == 1 ? "." : "..");
                if (part[n] == '\0')
                        return 0;
                part += n + 1;
        }
}

static char *path_of(const char *root, const char *name)
{
        _cleanup_free_ char *path = malloc(sizeof(LAYOUT_SYSCTL "/") + strlen(name));
        if (!path)
                return NULL;
        char *to = stpcpy(path, LAYOUT_SYSCTL "/");
        for (; *name != '\0'; name++)
                *to++ = *name == '.' ? '/' : *name == '/' ? '.' : *name;
        *to = '\0';
        return file_path(root, path);
}

int control_new(const char *root, const char *name, struct control **ret, struct diag *d)
{
        int r = check_parts(name, d);
        if (r < 0)
                return r;
        _cleanup_control_ struct control *c = malloc(sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct control){ .name = strdup(name), .path = path_of(root, name), .fd = -1 };
        if (!c->name || !c->path)
                return -ENOMEM;
        *ret = STEAL_PTR(c);
        return 0;
}

struct control *control_free(struct control *c)
{
        if (!c)
                return NULL;
        closep(&c->fd);
        free(c->name);
        free(c->path);
        free(c);
        return NULL;
}

const char *control_name(const struct control *c)
{
        return c->name;
}

const char *control_path(const struct control *c)
{
        return c->path;
}

/* What open(2) itself says where it refuses such a file. Never EINVAL: that is a value the kernel refuses.
 */
static int check_kind(const struct stat *st)
{
        if (S_ISREG(st->st_mode))
                return 0;
        return S_ISLNK(st->st_mode) ? -ELOOP : S_ISDIR(st->st_mode) ? -EISDIR : -ENXIO;
}

static void let_go(struct control *c)
{
        if (c->fd < 0)
                return;
        closep(&c->fd);
        c->fd = -1;
        c->changed = true;
}

static int open_kind(const char *path, int flags, struct stat *ret_st)
{
        _cleanup_close_ int fd = open(path, flags);
        if (fd < 0 || fstat(fd, ret_st) < 0)
                return -errno;
        int r = check_kind(ret_st);
        return r < 0 ? r : steal_fd(&fd);
}

static int take_hold(struct control *c)
{
        int read_error = 0;
        struct stat st;
        int fd = open_kind(c->path, O_RDONLY | OPEN_FLAGS, &st);
        if (fd == -EACCES || fd == -EPERM) {
                read_error = -fd;
                fd = open_kind(c->path, O_PATH | O_CLOEXEC | O_NOFOLLOW, &st);
        }
        if (fd < 0)
                return fd;
        c->fd = fd;
        c->dev = st.st_dev;
        c->ino = st.st_ino;
        c->read_error = read_error;
        c->changed = true;
        return 0;
}

/* Sees to it that the descriptor is of the file that is at the path now. 0, -ENOENT, or negative errno. */
static int hold_current(struct control *c)
{
        struct stat st;
        if (c->once)
                return 0;
        int r = c->fd < 0 ? 0 : lstat(c->path, &st) < 0 ? -errno : check_kind(&st);
        if (r == 0 && c->fd >= 0 && st.st_dev == c->dev && st.st_ino == c->ino)
                return 0;
        let_go(c);
        if (r == 0)
                r = take_hold(c);
        return r == -ENOTDIR ? -ENOENT : r;
}

void control_open_once(struct control *c)
{
        struct stat st;

        c->fd = open_kind(c->path, O_RDWR | OPEN_FLAGS, &st);
        c->once = c->fd >= 0;
        c->size = c->once ? st.st_size : 0;
}

bool control_refresh(struct control *c)
{
        (void)hold_current(c);
        bool changed = c->changed;
        c->changed = false;
        return changed;
}

bool control_present(const struct control *c)
{
        return c->fd >= 0;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* In place: runs of blanks as one, none at the ends, no newline at the end. Returns the length. */
static size_t normalise(char *s, size_t n)
{
        size_t len = 0;

        while (n > 0 && (is_blank(s[n - 1]) || s[n - 1] == '\n'))
                n--;
        for (size_t i = 0; i < n; i++)
                if (!is_blank(s[i]))
                        s[len++] = s[i];
                else if (len > 0 && s[len - 1] != ' ')
                        s[len++] = ' ';
        return len;
}

bool control_text_equal(const char *found, const char *text)
{
        char want[CONTROL_TEXT_MAX];
        size_t n = strlen(text);

        if (n >= sizeof(want))
                return false;
        memcpy(want, text, n);
        want[normalise(want, n)] = '\0';
        return strcmp(found, want) == 0;
}

int control_read(struct control *c, char *ret, size_t size)
{
        int r = hold_current(c);
        if (r < 0)
                return r;
        if (c->read_error > 0)
                return -c->read_error;

        char raw[CONTROL_TEXT_MAX + 1];
        ssize_t n;
        do
                n = pread(c->fd, raw, sizeof(raw), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t)n == sizeof(raw))
                return -EFBIG;
        if (memchr(raw, '\0', (size_t)n))
                return -EBADMSG;
        size_t len = normalise(raw, (size_t)n);
        if (len >= size)
                return -EFBIG;
        *(char *)mempcpy(ret, raw, len) = '\0';
        return 0;
}

/* The descriptor is opened for each write: it costs a few µs, and a held one could be a dead inode's. */
static int write_line(const struct control *c, const char *text)
{
        struct stat st = { .st_size = c->size };
        _cleanup_close_ int opened = c->once ? -1 : open_kind(c->path, O_WRONLY | OPEN_FLAGS, &st);
        const int fd = c->once ? c->fd : opened;
        char line[CONTROL_TEXT_MAX + 1];
        size_t n = (size_t)(stpcpy(stpcpy(line, text), "\n") - line);
        ssize_t written;

        if (fd < 0)
                return fd;
        do
                written = pwrite(fd, line, n, 0);
        while (written < 0 && errno == EINTR);
        if (written < 0)
                return -errno;
        /* The rest in a second write would be another value. */
        if ((size_t)written != n)
                return -EIO;
        /* Files below another root keep the tail of what was longer; a sysctl has no size. */
        return st.st_size > (off_t)n && ftruncate(fd, (off_t)n) < 0 ? -errno : 0;
}

/* A file's mode says EACCES: this is the kernel's own check behind it. */
const char *control_strerror(int error)
{
        return error == EPERM
                       ? "Operation not permitted: the kernel asks for a capability that this service was "
                         "not given, see SECURITY in peios-audit-policyd(8)"
                       : strerror(error);
}

static void set_error(struct control_result *ret, int r)
{
        if (r == -ENOENT || r == -ENOTDIR) {
                ret->outcome = CONTROL_ABSENT;
                return;
        }
        ret->outcome = r == -EINVAL || r == -ERANGE ? CONTROL_REFUSED : CONTROL_FAILED;
        ret->error = -r;
}

void control_apply(struct control *c, const char *text, struct control_result *ret)
{
        ret->error = 0;
        ret->found[0] = ret->now[0] = '\0';

        char want[CONTROL_TEXT_MAX];
        size_t n = strlen(text);
        if (n >= sizeof(want)) {
                set_error(ret, -E2BIG);
                return;
        }
        memcpy(want, text, n);
        want[normalise(want, n)] = '\0';

        int r = control_read(c, ret->found, sizeof(ret->found));
        if (r == -ENOENT || !control_present(c)) {
                set_error(ret, r);
                return;
        }
        if (r == 0 && strcmp(ret->found, want) == 0) {
                ret->outcome = CONTROL_HOLDS;
                (void)strcpy(ret->now, ret->found);
                return;
        }
        r = write_line(c, text);
        int read = control_read(c, ret->now, sizeof(ret->now));
        if (r == 0 && read == -ENOENT)
                r = read;
        if (r < 0)
                set_error(ret, r);
        else
                ret->outcome = read < 0 || strcmp(ret->now, want) == 0 ? CONTROL_WRITTEN : CONTROL_DIFFERENT;
}
