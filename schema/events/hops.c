/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../overlay.h"

#define LINKS_MAX 40 /* the kernel's own limit for one path */
#define MASK_TARGET "/dev/null"

struct walk {
        struct folders *folders;
        int fd;     /* where it is */
        char *rest; /* of the way */
        unsigned links;
};

static void walk_done(struct walk *w)
{
        closep(&w->fd);
        free(w->rest);
}
#define _cleanup_walk_ _cleanup_(walk_done)

static int move(struct walk *w, int fd)
{
        if (fd < 0)
                return -errno;
        closep(&w->fd);
        w->fd = fd;
        return 0;
}

/* An absolute way begins at the root. */
static int set_way(struct walk *w, char *way)
{
        free(w->rest);
        w->rest = way;
        return way[0] == '/' ? move(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) : 0;
}

/* "" at the end. */
static void take_name(struct walk *w, char name[static NAME_MAX + 1])
{
        const char *from = w->rest + strspn(w->rest, "/");
        size_t n = strcspn(from, "/");

        (void)snprintf(name, NAME_MAX + 1, "%.*s", (int)n, from);
        (void)memmove(w->rest, from + n, strlen(from + n) + 1);
}

static bool is_at_end(const struct walk *w)
{
        return w->rest[strspn(w->rest, "/")] == '\0';
}

/* `link` is in the folder where the walk is; what remains of the way is behind its target. */
static int follow_link(struct walk *w, int at, const char *link)
{
        char target[PATH_MAX];
        char *way;

        ssize_t n = readlinkat(at, link, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';
        if (strcmp(target, MASK_TARGET) == 0)
                return -ENOENT;
        if (++w->links > LINKS_MAX)
                return -ELOOP;
        if ((size_t)n + strlen(w->rest) >= PATH_MAX)
                return -ENAMETOOLONG;
        return asprintf(&way, "%s/%s", target, w->rest) < 0 ? -ENOMEM : set_way(w, way);
}

static int enter(struct walk *w, const char *name)
{
        struct stat st;

        int r = folders_add(w->folders, w->fd, name, FOLDER_ENTRY);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return follow_link(w, fd, "");
        if (S_ISREG(st.st_mode) && is_at_end(w))
                r = folders_add(w->folders, w->fd, name, FOLDER_CONTENTS);
        return r < 0 ? r : move(w, steal_fd(&fd));
}

/* 0 at the end of the way, or what ended it before. */
static int walk(struct walk *w)
{
        char name[NAME_MAX + 1];
        int r = 0;

        for (take_name(w, name); r == 0 && name[0]; take_name(w, name)) {
                if (strcmp(name, ".") == 0)
                        continue;
                r = strcmp(name, "..") == 0 ? move(w, openat(w->fd, "..", O_PATH | O_CLOEXEC))
                                            : enter(w, name);
        }
        return r;
}

static int watch_link(struct folders *f, int dir, const char *name)
{
        _cleanup_walk_ struct walk w = {
                .folders = f, .fd = fcntl(dir, F_DUPFD_CLOEXEC, 3), .rest = strdup("")
        };

        if (!w.rest)
                return -ENOMEM;
        int r = w.fd < 0 ? -errno : follow_link(&w, dir, name);
        if (r == 0)
                r = walk(&w);
        return r == -ENOMEM ? r : 0;
}

static void closedirp(DIR **d)
{
        if (*d)
                (void)closedir(*d);
}

static int watch_links(struct folders *f, int dir)
{
        _cleanup_close_ int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(closedirp) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
        const struct dirent *e;
        int r = 0;

        /* Who reads it says what is wrong with it. */
        if (!d)
                return 0;
        (void)steal_fd(&fd);
        while (r == 0 && (e = readdir(d)))
                if ((e->d_type == DT_LNK || e->d_type == DT_UNKNOWN) && overlay_takes(e->d_name))
                        r = watch_link(f, dirfd(d), e->d_name);
        return r;
}

static int watch_all(struct walk *w)
{
        int r = walk(w);
        if (r == 0)
                r = folders_add(w->folders, w->fd, NULL, FOLDER_CONTENTS);
        return r < 0 ? r : watch_links(w->folders, w->fd);
}

int hops_follow(struct folders *f, const char *path)
{
        _cleanup_walk_ struct walk w = { .folders = f, .fd = -1 };
        char *way = strdup(path);

        if (!way)
                return -ENOMEM;
        folders_begin(f);
        int r = set_way(&w, way);
        if (r == 0 && w.fd < 0)
                r = move(&w, open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (r == 0)
                r = watch_all(&w);
        folders_end(f);
        return r == -ENOMEM ? r : 0;
}
