/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "names/fold.h"
#include "yaml/yaml.h"

#define SUFFIX ".yaml"

struct lister {
        struct overlay_file *list;
        size_t n, size, max;
        size_t n_errors; /* directories, which the limit does not count */
        bool truncated;
};

static void file_done(struct overlay_file *f)
{
        free(f->name);
        free(f->path);
        free(f->error);
}

static void free_files(struct overlay_file *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                file_done(&list[i]);
        free(list);
}

static void lister_done(struct lister *l)
{
        free_files(l->list, l->n);
}

void overlay_done(struct overlay *o)
{
        free_files(o->list, o->n);
        for (unsigned i = 0; i < OVERLAY_DIRS_MAX; i++)
                closep(&o->fds[i]);
        *o = (struct overlay)OVERLAY_INIT;
}

/* Of one name the last directory's file comes first, so that it is the one that stays. */
static int compare(const void *a, const void *b)
{
        const struct overlay_file *x = a, *y = b;
        int c = strcmp(x->name, y->name);
        return c != 0 ? c : (int)y->dir - (int)x->dir;
}

/* Sorted, each name once, and no more than the limit. */
static void settle(struct lister *l)
{
        size_t kept = 0;

        if (l->n > 1)
                qsort(l->list, l->n, sizeof(*l->list), compare);
        for (size_t i = 0; i < l->n; i++) {
                struct overlay_file *f = &l->list[i];
                bool hidden = kept > 0 && f->name[0] && strcmp(f->name, l->list[kept - 1].name) == 0;
                bool over = !hidden && kept >= l->max + l->n_errors;
                l->truncated = l->truncated || over;
                if (hidden || over)
                        file_done(f);
                else
                        l->list[kept++] = *f;
        }
        l->n = kept;
}

static int make_space(struct lister *l)
{
        if (l->n == l->size && l->n > 2 * l->max)
                settle(l);
        if (l->n < l->size)
                return 0;
        size_t size = l->size ? l->size * 2 : 16;
        struct overlay_file *list = realloc(l->list, size * sizeof(*list));
        if (!list)
                return -ENOMEM;
        l->list = list;
        l->size = size;
        return 0;
}

/* `name` "" stands for the directory itself; `error` NULL for a file to be read. */
static int add(struct lister *l, const char *dir, const char *name, unsigned number, const char *error)
{
        if (make_space(l) < 0)
                return -ENOMEM;
        struct overlay_file f = { .name = strdup(name), .dir = number };
        f.error = error ? strdup(error) : NULL;
        if (asprintf(&f.path, "%s%s%s", dir, *name ? "/" : "", name) < 0)
                f.path = NULL;
        if (!f.name || !f.path || (error && !f.error)) {
                file_done(&f);
                return -ENOMEM;
        }
        l->list[l->n++] = f;
        l->n_errors += *name == '\0';
        return 0;
}

static int add_failure(struct lister *l, const char *dir, unsigned number, int error)
{
        struct diag d;
        (void)diag_set(&d, error, "%s: cannot be read: %s", dir, strerror(error));
        return add(l, dir, "", number, d.text);
}

static bool is_text(const char *name, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
                        return false;
        return utf8_valid_prefix(name, n) == n;
}

bool overlay_takes(const char *name)
{
        size_t n = strlen(name), suffix = strlen(SUFFIX);

        return name[0] != '.' && n > suffix && strcmp(name + n - suffix, SUFFIX) == 0;
}

static int add_name(struct lister *l, const char *dir, const char *name, unsigned number)
{
        size_t n = strlen(name);

        if (!overlay_takes(name))
                return 0;
        if (is_text(name, n))
                return add(l, dir, name, number, NULL);
        /* Such a name would make every message and bus reply that shows it invalid. */
        struct yaml_shown shown = yaml_show(name, n);
        struct diag d;
        (void)diag_set(
                &d, EINVAL, "%s/%s: the file's name is no plain UTF-8 text, expected one", dir, shown.text);
        return add(l, dir, shown.text, number, d.text);
}

/* Not by readdir(), whose stream would be another descriptor and 32 kB. */
static int list_directory(struct lister *l, int fd, const char *dir, unsigned number)
{
        alignas(struct dirent64) char entries[4096];
        ssize_t n;

        while ((n = getdents64(fd, entries, sizeof(entries))) > 0)
                for (const char *at = entries; at < entries + n;) {
                        const struct dirent64 *e = (const void *)at;
                        int r = add_name(l, dir, e->d_name, number);
                        if (r < 0)
                                return r;
                        at += e->d_reclen;
                }
        return n < 0 ? add_failure(l, dir, number, errno) : 0;
}

static int open_and_list(struct lister *l, const char *root, const char *dir, unsigned number, int *ret_fd)
{
        _cleanup_free_ char *path = file_path(root, dir);
        if (!path)
                return -ENOMEM;
        *ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*ret_fd < 0)
                return errno == ENOENT ? 0 : add_failure(l, dir, number, errno);
        return list_directory(l, *ret_fd, dir, number);
}

static int add_truncated(struct lister *l, const char *const *dirs, unsigned n_dirs)
{
        const unsigned last = n_dirs - 1;
        _cleanup_buf_ struct buf others = BUF_INIT;
        struct diag d;

        for (unsigned i = 0; i < last; i++)
                buf_printf(&others, "%s%s", i > 0 ? " and " : "", dirs[i]);
        (void)diag_set(&d, EFBIG, "%s: more than %zu files with those of %s, the last are not read",
                dirs[last], l->max, buf_str(&others));
        return others.error < 0 ? others.error : add(l, dirs[last], "", last, d.text);
}

int overlay_list(const char *root, const char *const *dirs, unsigned n_dirs, size_t max, struct overlay *ret)
{
        _cleanup_(overlay_done) struct overlay o = OVERLAY_INIT;
        _cleanup_(lister_done) struct lister l = { .max = max };
        int r = 0;

        o.n_dirs = n_dirs;
        for (unsigned i = n_dirs; r == 0 && i-- > 0;)
                r = open_and_list(&l, root, dirs[i], i, &o.fds[i]);
        if (r < 0)
                return r;
        settle(&l);
        if (l.truncated) {
                r = add_truncated(&l, dirs, n_dirs);
                if (r < 0)
                        return r;
                settle(&l);
        }
        o.list = STEAL_PTR(l.list);
        o.n = l.n;
        l.n = 0;
        *ret = o;
        o = (struct overlay)OVERLAY_INIT;
        return 0;
}

/* An empty file is none, unlike elsewhere: it is what a full disk, a power cut or the first step of an
 * editor leaves behind. */
static bool is_mask(const struct stat *st)
{
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

int overlay_read(const struct overlay *o, const struct overlay_file *f, size_t limit, struct buf *ret,
        struct stat *ret_st, struct diag *d)
{
        const int fd = o->fds[f->dir];
        const bool may_mask = f->dir + 1 == o->n_dirs;
        struct stat st;
        struct diag why = { 0 };

        if (may_mask && fstatat(fd, f->name, &st, 0) == 0 && is_mask(&st))
                return -ENOENT;
        int r = file_read(fd, f->name, limit, ret, ret_st, &why);
        if (r == -ENOENT && fstatat(fd, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return diag_set(
                        d, ELOOP, "%s: a link to a file that is not there, expected a file", f->path);
        if (r == -ENOENT || r == -ENOMEM || r == 0)
                return r;
        /* file_read() knows the name, not the directory. */
        int dir = (int)(strlen(f->path) - strlen(f->name));
        return diag_set(d, -r, "%.*s%s", dir, f->path, why.text);
}
