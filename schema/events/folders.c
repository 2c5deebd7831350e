/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "folders.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

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
        struct folder **list = reallocarray(f->list, f->n + 1, sizeof(struct folder *));
        if (list)
                f->list = list;
        if (!folder || !list)
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
        char **names = reallocarray(folder->names, folder->n_names + 1, sizeof(char *));
        if (!names)
                return -ENOMEM;
        folder->names = names;
        names[folder->n_names] = strdup(name);
        if (!names[folder->n_names])
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
