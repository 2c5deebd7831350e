/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fswatch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "../base/array.h"
#include "../base/log.h"
#include "../overlay.h"

/* Reading raises OPEN, ACCESS and CLOSE_NOWRITE: those are not asked for. */
#define ENTRY_MASK                                                                                          \
        (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define CONTENTS_MASK (ENTRY_MASK | IN_CLOSE_WRITE | IN_MODIFY)

struct folder {
        struct folders *all;
        dev_t dev;
        ino_t ino;
        sd_event_source *source; /* NULL: gone */
        uint32_t mask;
        bool is_wanted, everything;
        char **names;
        size_t n_names;
};

static void forget_names(struct folder *folder)
{
        for (size_t i = 0; i < folder->n_names; i++)
                free(folder->names[i]);
        folder->n_names = 0;
        folder->everything = false;
}

static struct folder *folder_free(struct folder *folder)
{
        if (!folder)
                return NULL;
        forget_names(folder);
        free(folder->names);
        sd_event_source_disable_unref(folder->source);
        free(folder);
        return NULL;
}
DEFINE_CLEANUP(struct folder *, folder_free, folder_freep);

static bool has_name(const struct folder *folder, const char *name)
{
        for (size_t i = 0; i < folder->n_names; i++)
                if (strcmp(folder->names[i], name) == 0)
                        return true;
        return false;
}

/* An event without a name is the folder's own: it went away, moved, or has other permissions. */
static int on_event(_unused_ sd_event_source *s, const struct inotify_event *e, void *userdata)
{
        struct folder *folder = userdata;
        struct folders *all = folder->all;

        if (e->mask & (IN_IGNORED | IN_UNMOUNT))
                folder->source = sd_event_source_disable_unref(folder->source);
        if (e->mask & IN_Q_OVERFLOW || folder->everything || e->len == 0 || has_name(folder, e->name))
                all->changed(all->userdata);
        return 0;
}

static struct folder *find(const struct folders *f, const struct stat *st)
{
        for (size_t i = 0; i < f->n; i++)
                if (f->list[i]->source && f->list[i]->dev == st->st_dev && f->list[i]->ino == st->st_ino)
                        return f->list[i];
        return NULL;
}

/* The wider watch first, so that there is none for no moment. */
static int watch(struct folder *folder, int fd, uint32_t mask)
{
        sd_event_source *source = NULL;

        if (folder->source && (folder->mask | mask) == folder->mask)
                return 0;
        int r = sd_event_add_inotify_fd(
                folder->all->event, &source, fd, folder->mask | mask, on_event, folder);
        if (r < 0)
                return r;
        sd_event_source_disable_unref(folder->source);
        folder->source = source;
        folder->mask |= mask;
        return 0;
}

static int add_folder(struct folders *f, int fd, const struct stat *st, uint32_t mask, struct folder **ret)
{
        _cleanup_(folder_freep) struct folder *folder = calloc(1, sizeof(*folder));
        if (!folder || array_grow(&f->list, f->n, sizeof(struct folder *)) < 0)
                return -ENOMEM;
        *folder = (struct folder){ .all = f, .dev = st->st_dev, .ino = st->st_ino };
        int r = watch(folder, fd, mask);
        if (r < 0)
                return r;
        *ret = f->list[f->n++] = STEAL_PTR(folder);
        return 0;
}

static int add_name(struct folder *folder, const char *name)
{
        struct folders *f = folder->all;

        if (has_name(folder, name))
                return 0;
        if (f->n_names >= FOLDERS_NAMES_MAX)
                return -EFBIG;
        if (array_grow(&folder->names, folder->n_names, sizeof(char *)) < 0 ||
                !(folder->names[folder->n_names] = strdup(name)))
                return -ENOMEM;
        folder->n_names++;
        f->n_names++;
        return 0;
}

static int add(struct folders *f, int fd, const char *name, uint32_t mask)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        struct folder *folder = find(f, &st);
        bool is_known = folder && folder->is_wanted;
        if (!is_known && f->n_wanted >= FOLDERS_MAX)
                return -EFBIG;
        int r = folder ? watch(folder, fd, mask) : add_folder(f, fd, &st, mask, &folder);
        if (r < 0)
                return r;
        f->n_wanted += !is_known;
        folder->is_wanted = true;
        folder->everything |= !name;
        return name ? add_name(folder, name) : 0;
}

static void note(struct folders *f, int fd, int error)
{
        char link[64], path[PATH_MAX] = "";

        if (error == -EFBIG) {
                (void)diag_set(&f->problem, EFBIG,
                        "more than %u folders, or %u names in them, would have to be watched", FOLDERS_MAX,
                        FOLDERS_NAMES_MAX);
                return;
        }
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        if (readlink(link, path, sizeof(path) - 1) < 0)
                path[0] = '\0';
        (void)diag_set(&f->problem, -error, "%s cannot be watched: %s", path[0] ? path : "a folder",
                error == -ENOSPC ? "fs.inotify.max_user_watches is reached" : strerror(-error));
}

int folders_add(struct folders *f, int fd, const char *name, enum folder_interest interest)
{
        int r = add(f, fd, name, interest == FOLDER_CONTENTS || !name ? CONTENTS_MASK : ENTRY_MASK);
        if (r >= 0 || r == -ENOMEM)
                return r;
        if (!f->problem.text[0])
                note(f, fd, r);
        return 0;
}

void folders_begin(struct folders *f)
{
        f->problem.text[0] = '\0';
        f->n_names = f->n_wanted = 0;
        for (size_t i = 0; i < f->n; i++) {
                forget_names(f->list[i]);
                f->list[i]->is_wanted = false;
        }
}

void folders_end(struct folders *f)
{
        size_t n = 0;

        for (size_t i = 0; i < f->n; i++)
                if (f->list[i]->is_wanted && f->list[i]->source)
                        f->list[n++] = f->list[i];
                else
                        (void)folder_free(f->list[i]);
        f->n = n;
}

void folders_done(struct folders *f)
{
        for (size_t i = 0; i < f->n; i++)
                (void)folder_free(f->list[i]);
        free(f->list);
        f->list = NULL;
        f->n = 0;
}

#define LINKS_MAX 40 /* the kernel's own limit for one path */
#define MASK_TARGET "/dev/null"

/* The way to a folder of configuration, hop by hop: through every parent, and through every link to where it
 * leads. */
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

        /* Whoever reads it says what is wrong with it. */
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

/* Watches all that `path` leads through, the folder at its end, and what the links in there lead through (of
 * those names that overlay_list() takes). What is missing on the way may come: it is watched for as well. A
 * folder is watched before a name is looked up in it, so that what was read afterwards is never older than
 * what is watched. A link to /dev/null leads nowhere. 0 or -ENOMEM. */
static int follow_way(struct folders *f, const char *path)
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

/* Reading the file ourselves raises OPEN, ACCESS and CLOSE_NOWRITE: those are not asked for. */
#define CONTROL_MASK (IN_MODIFY | IN_CLOSE_WRITE)

struct fswatch {
        sd_event *event;
        char *path;
        fswatch_fn fn;
        void *userdata;
        sd_event_source *control;
        struct folders folders;
        sd_event_source *timer;
        uint64_t first; /* of the burst, µs; 0 = none */
};

struct fswatch *fswatch_free(struct fswatch *w)
{
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->control);
        folders_done(&w->folders);
        sd_event_source_disable_unref(w->timer);
        sd_event_unref(w->event);
        free(w->path);
        free(w);
        return NULL;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata);

static int start_timer(struct fswatch *w, uint64_t quiet)
{
        uint64_t now;

        int r = sd_event_now(w->event, CLOCK_MONOTONIC, &now);
        if (r < 0)
                return r;
        if (w->first == 0)
                w->first = now;
        uint64_t at = now + quiet;
        if (at > w->first + FSWATCH_LONGEST_USEC)
                at = w->first + FSWATCH_LONGEST_USEC;
        if (!w->timer)
                return sd_event_add_time(w->event, &w->timer, CLOCK_MONOTONIC, at, 1000, on_timer, w);
        r = sd_event_source_set_time(w->timer, at);
        return r < 0 ? r : sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

/* The look comes before the reading: what changes while that is done counts once more. */
static int on_timer(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct fswatch *w = userdata;

        w->first = 0;
        int r = follow_way(&w->folders, w->path);
        if (r < 0) {
                log_warning("%s cannot be watched: %s; trying again", w->path, strerror(-r));
                r = start_timer(w, FSWATCH_LONGEST_USEC);
        }
        if (r < 0)
                log_warning("%s: cannot set a timer: %s; ignoring", w->path, strerror(-r));
        w->fn(w->userdata);
        return 0;
}

static void on_changed(void *userdata)
{
        struct fswatch *w = userdata;

        int r = start_timer(w, FSWATCH_QUIET_USEC);
        if (r < 0)
                log_warning("%s: cannot set a timer: %s; ignoring", w->path, strerror(-r));
}

static int on_control(_unused_ sd_event_source *s, const struct inotify_event *e, void *userdata)
{
        struct fswatch *w = userdata;

        if (!(e->mask & IN_IGNORED))
                w->fn(w->userdata);
        return 0;
}

int fswatch_new(sd_event *event, enum fswatch_kind kind, const char *path, fswatch_fn fn, void *userdata,
        struct fswatch **ret)
{
        struct fswatch *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        *w = (struct fswatch){ .event = sd_event_ref(event),
                .path = strdup(path),
                .fn = fn,
                .userdata = userdata,
                .folders = { .event = event, .changed = on_changed, .userdata = w } };
        int r = !w->path ? -ENOMEM
                : kind == FSWATCH_CONTROL
                        ? sd_event_add_inotify(event, &w->control, path, CONTROL_MASK, on_control, w)
                        : follow_way(&w->folders, path);
        if (r < 0) {
                (void)fswatch_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

const char *fswatch_problem(const struct fswatch *w)
{
        return w->folders.problem.text;
}
