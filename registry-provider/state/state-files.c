/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "snapshot.h"

/* A file of ours is never too large to be read: it would be lost. */
#define FILE_BYTES_MAX (SIZE_MAX / 4)

void state_report(
        const struct state *st, const char *kind, const struct file_id *id, const char *format, ...)
{
        char name[FILE_NAME_SIZE];
        struct diag d;
        va_list ap;

        if (!st->events.report)
                return;
        va_start(ap, format);
        (void)vsnprintf(d.text, sizeof(d.text), format, ap);
        va_end(ap);
        file_name(id->kind, id->generation, name);
        diag_prefix(&d, "%s/%s", st->dir, name);
        st->events.report(kind, name, d.text, st->events.userdata);
}

int state_error(
        const struct state *st, struct diag *d, int error, const struct file_id *id, const char *format, ...)
{
        char name[FILE_NAME_SIZE], text[512];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        file_name(id->kind, id->generation, name);
        return diag_set(d, error, "%s/%s: %s", st->dir, name, text);
}

int state_read_file(
        struct state *st, const struct file_id *id, struct buf *ret, struct stat *ret_info, struct diag *d)
{
        char name[FILE_NAME_SIZE];

        file_name(id->kind, id->generation, name);
        int r = read_file(st->dir_fd, name, FILE_BYTES_MAX, ret, ret_info, d);
        switch (r) {
        case -ENOENT: /* a dangling link, or removed since it was listed */
                return diag_set(d, EBADMSG, "%s: is gone", name);
        case -EIO:
        case -EISDIR:
        case -EINVAL:
        case -ELOOP:
                return -EBADMSG;
        default:
                return r;
        }
}

struct state_file *state_find_file(const struct state *st, enum file_kind kind, uint64_t generation)
{
        for (size_t i = 0; i < st->n_files; i++)
                if (st->files[i].id.kind == kind && st->files[i].id.generation == generation)
                        return &st->files[i];
        return NULL;
}

int state_reserve_files(struct state *st, size_t n)
{
        struct state_file *files = reallocarray(st->files, st->n_files + n, sizeof(*files));
        if (!files)
                return -ENOMEM;
        st->files = files;
        return 0;
}

void state_remember(struct state_file *f, const struct stat *info)
{
        f->dev = info->st_dev;
        f->ino = info->st_ino;
        f->size = info->st_size;
        f->changed = info->st_ctim;
}

void state_note_file(struct state *st, enum file_kind kind, uint64_t generation, const struct stat *info)
{
        struct state_file f = { .id = { .kind = kind, .generation = generation } };
        state_remember(&f, info);
        st->files[st->n_files++] = f;
}

int state_list_files(struct state *st)
{
        _cleanup_file_list_ struct file_list l = { 0 };
        int r = file_list_read(st->dir_fd, !st->read_only, &l);
        if (r < 0)
                return r;
        r = state_reserve_files(st, l.n + 1);
        if (r < 0)
                return r;
        for (size_t i = 0; i < l.n; i++) {
                char name[FILE_NAME_SIZE];
                struct stat info;
                file_name(l.list[i].kind, l.list[i].generation, name);
                if (fstatat(st->dir_fd, name, &info, 0) < 0)
                        memset(&info, 0, sizeof(info));
                state_note_file(st, l.list[i].kind, l.list[i].generation, &info);
                st->highest = l.list[i].generation;
        }
        return 0;
}

static bool journal_is_intact(const struct buf *text, const struct file_id *id)
{
        struct journal_header h;
        enum frame_result result;
        struct frame f;
        size_t offset = JOURNAL_HEADER_SIZE;

        if (journal_header_parse(text->data, text->len, &h) < 0 || h.generation != id->generation)
                return false;
        for (uint64_t number = 1;
                (result = frame_next(&h, text->data, text->len, number, &offset, &f)) == FRAME_GOOD;)
                number++;
        return result == FRAME_END;
}

bool state_is_intact(struct state *st, const struct state_file *f)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct stat info;
        uint32_t crc;

        if (state_read_file(st, &f->id, &text, &info, NULL) < 0 || info.st_ino != f->ino ||
                info.st_size != f->size)
                return false;
        if (f->id.kind == FILE_JOURNAL)
                return journal_is_intact(&text, &f->id);
        return snapshot_check(text.data, text.len, &crc, NULL) == 0 && (!f->crc_known || crc == f->crc);
}

static bool set_aside(struct state *st, const struct state_file *f)
{
        char name[FILE_NAME_SIZE];
        file_name(f->id.kind, f->id.generation, name);
        int r = file_set_aside(st->dir_fd, name);
        return r == 0 || r == -ENOENT;
}

static bool remove_old(struct state *st, const struct state_file *f)
{
        char name[FILE_NAME_SIZE];

        if (!state_is_intact(st, f)) {
                state_report(st, f->id.kind == FILE_JOURNAL ? "corrupt-journal" : "corrupt-snapshot", &f->id,
                        "is not as it was written (damaged, or edited); it is no longer needed and is set "
                        "aside");
                return set_aside(st, f);
        }
        file_name(f->id.kind, f->id.generation, name);
        return unlinkat(st->dir_fd, name, 0) == 0;
}

static uint64_t previous_snapshot(const struct state *st)
{
        uint64_t previous = 0;
        for (size_t i = 0; i < st->n_files; i++) {
                const struct state_file *f = &st->files[i];
                if (f->id.kind == FILE_SNAPSHOT && !f->aside && f->id.generation < st->snapshot &&
                        f->id.generation > previous)
                        previous = f->id.generation;
        }
        return previous;
}

void state_tidy(struct state *st)
{
        uint64_t previous = previous_snapshot(st);
        size_t kept = 0;

        for (size_t i = 0; i < st->n_files; i++) {
                const struct state_file *f = &st->files[i];
                bool gone = false;
                if (f->aside)
                        gone = set_aside(st, f);
                else if (f->id.generation < previous)
                        gone = remove_old(st, f);
                if (!gone)
                        st->files[kept++] = *f;
        }
        st->n_files = kept;
        /* A name that comes back after a power cut is tidied up by the next fold. */
        (void)fsync(st->dir_fd);
}
