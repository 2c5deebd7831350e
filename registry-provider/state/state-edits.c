/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>

#include "state-internal.h"

static bool is_current(const struct state *st, const struct state_file *f)
{
        return f->id.kind == FILE_JOURNAL && f->id.generation == st->journal.header.generation;
}

void state_mark_edited(struct state *st, struct state_file *f, const char *how)
{
        f->aside = true;
        st->edited = true;
        /* Without a journal since the snapshot, memory holds more than the disk. */
        if (f->id.kind == FILE_JOURNAL && f->id.generation >= st->snapshot)
                st->owed = true;
        if (is_current(st, f))
                st->lost = true;
        state_report(st, "edited", &f->id,
                "%s by somebody else; what the registry holds is not changed by it, and the next fold sets "
                "the file aside",
                how);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The same size and another time: only the contents can tell. The current journal's time always changes. */
static bool contents_changed(struct state *st, struct state_file *f, const struct stat *info)
{
        if (same_time(&f->changed, &info->st_ctim) || is_current(st, f))
                return false;
        if (!state_is_intact(st, f))
                return true;
        state_remember(f, info);
        return false;
}

static void check(struct state *st, struct state_file *f)
{
        char name[FILE_NAME_SIZE];
        struct stat info;
        off_t size = is_current(st, f) ? (off_t)st->journal.allocated : f->size;

        file_name(f->id.kind, f->id.generation, name);
        if (fstatat(st->dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
                if (errno == ENOENT)
                        state_mark_edited(st, f, "removed");
        } else if (info.st_ino != f->ino || info.st_dev != f->dev) {
                state_mark_edited(st, f, "replaced");
        } else if (info.st_size != size || contents_changed(st, f, &info)) {
                state_mark_edited(st, f, "changed");
        }
}

void state_check_edits(struct state *st)
{
        if (st->read_only)
                return;
        for (size_t i = 0; i < st->n_files; i++)
                if (!st->files[i].aside)
                        check(st, &st->files[i]);
}
