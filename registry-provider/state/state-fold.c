/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

#include "snapshot.h"

static int random_mark(uint64_t *ret)
{
        ssize_t n;
        do
                n = getrandom(ret, sizeof(*ret), 0);
        while (n < 0 && errno == EINTR);
        return n == sizeof(*ret) ? 0 : n < 0 ? -errno : -EIO;
}

/* The old journal is as long as it will ever be. */
static void remember_journal(struct state *st)
{
        struct state_file *f = state_find_file(st, FILE_JOURNAL, st->journal.header.generation);
        struct stat info;

        if (f && !f->aside && st->journal.fd >= 0 && fstat(st->journal.fd, &info) == 0)
                state_remember(f, &info);
}

int state_begin_journal(struct state *st, struct diag *d)
{
        struct journal_header h = {
                /* Never a number twice: a file of a failed attempt may come back after a power cut. It holds
                 * no frames, and the one that says the same of its previous journal and has the higher
                 * number is taken. */
                .generation = st->highest + 1,
                .previous = st->journal.header.generation,
                .previous_frames = st->journal.frames,
        };
        struct file_id id = { .kind = FILE_JOURNAL, .generation = h.generation };
        struct journal next;
        struct stat info;
        bool named = false;

        int r = random_mark(&h.mark);
        if (r == 0)
                r = state_reserve_files(st, 2);
        if (r == 0) {
                st->highest++;
                r = journal_create(st->dir_fd, &h, &next, &named);
        }
        if (r == 0 && fstat(next.fd, &info) < 0) {
                r = -errno;
                journal_done(&next);
        }
        if (r < 0) {
                if (named)
                        st->lost = true;
                return state_error(st, d, -r, &id, "the journal cannot be begun: %s", strerror(-r));
        }
        remember_journal(st);
        journal_done(&st->journal);
        st->journal = next;
        st->lost = false;
        state_note_file(st, FILE_JOURNAL, h.generation, &info);
        return 0;
}

static int sink(const void *data, size_t n, void *userdata)
{
        return write_all(*(int *)userdata, data, n);
}

struct contents {
        const struct store *store;
        const struct state_hives *hives;
        const struct layers *layers;
};

/* A snapshot under its temporary name, whole and synced. */
struct snapshot_file {
        struct file_id id;
        char temporary[FILE_NAME_SIZE];
        struct stat info;
        uint32_t crc;
};

static int write_contents(struct state *st, const struct contents *c, struct snapshot_file *f)
{
        _cleanup_close_ int fd =
                openat(st->dir_fd, f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        int r = snapshot_write(c->store, c->hives, c->layers, f->id.generation, sink, &fd, &f->crc);
        if (r < 0)
                return r;
        return fsync(fd) < 0 || fstat(fd, &f->info) < 0 ? -errno : 0;
}

static void drop_snapshot(struct state *st, const struct snapshot_file *f)
{
        (void)unlinkat(st->dir_fd, f->temporary, 0);
}

static int write_snapshot(
        struct state *st, const struct contents *c, uint64_t generation, struct snapshot_file *ret)
{
        *ret = (struct snapshot_file){ .id = { .kind = FILE_SNAPSHOT, .generation = generation } };
        file_temporary_name(FILE_SNAPSHOT, generation, ret->temporary);
        /* Left over from an attempt for the same generation that could not clean up. */
        drop_snapshot(st, ret);
        int r = write_contents(st, c, ret);
        if (r < 0)
                drop_snapshot(st, ret);
        return r;
}

static int publish_snapshot(struct state *st, const struct snapshot_file *f)
{
        char name[FILE_NAME_SIZE];

        file_name(FILE_SNAPSHOT, f->id.generation, name);
        int r = state_reserve_files(st, 1);
        if (r == 0)
                r = file_rename(st->dir_fd, f->temporary, name);
        if (r < 0) {
                drop_snapshot(st, f);
                /* Somebody else's file has the name: the next generation has another. */
                if (r == -EEXIST)
                        st->lost = true;
                return r;
        }
        if (fsync(st->dir_fd) < 0) {
                r = -errno;
                /* The snapshot may or may not be there after a power cut. Both are right as long as this
                 * generation's journal has no frames: so it gets none. */
                st->lost = true;
                (void)unlinkat(st->dir_fd, name, 0);
                return r;
        }
        state_note_file(st, FILE_SNAPSHOT, f->id.generation, &f->info);
        struct state_file *noted = &st->files[st->n_files - 1];
        noted->crc = f->crc;
        noted->crc_known = true;
        return 0;
}

/* The snapshot is what may not fit, so it is written first: without it no journal is begun. It gets its name
 * last: a snapshot without its generation's journal would be damage. */
static int write_generation(struct state *st, const struct contents *c, struct diag *d)
{
        uint64_t current = st->journal.header.generation;
        /* A journal whose snapshot failed and that has no frames yet is as good as a new one. */
        bool begun = st->journal.fd >= 0 && !st->lost && st->journal.frames == 0 && st->snapshot < current;
        struct snapshot_file f;

        int r = write_snapshot(st, c, begun ? current : st->highest + 1, &f);
        if (r == 0 && !begun) {
                r = state_begin_journal(st, d);
                if (r < 0) {
                        drop_snapshot(st, &f);
                        return r;
                }
        }
        if (r == 0)
                r = publish_snapshot(st, &f);
        if (r < 0)
                return state_error(st, d, -r, &f.id, "cannot be written: %s", strerror(-r));
        st->snapshot = f.id.generation;
        return 0;
}

/* The same text each time: it is one problem, however often it is tried. */
static void report_failure(struct state *st, int error)
{
        struct diag d;

        /* Then it is that one batch which does not fit, and who began it tells of it. */
        if (st->outgrown)
                return;
        st->fold_failed = true;
        if (!st->events.fold_failed)
                return;
        (void)diag_set(&d, error, "%s: the journal cannot be folded into a snapshot (%s): %s", st->dir,
                strerror(error),
                state_owes_snapshot(st) ? "until it can, no change is accepted"
                                        : "it goes on growing, and nothing is lost");
        st->events.fold_failed(d.text, st->events.userdata);
}

static void report_success(struct state *st)
{
        if (st->fold_failed && st->events.folded)
                st->events.folded(st->events.userdata);
        st->fold_failed = false;
}

int state_write_generation(struct state *st, const struct store *store, const struct state_hives *hives,
        const struct layers *layers, struct diag *d)
{
        const struct contents c = { store, hives, layers };

        int r = write_generation(st, &c, d);
        if (r < 0) {
                report_failure(st, -r);
                return r;
        }
        st->unfolded = 0;
        st->sequence = store_last_sequence(store);
        st->owed = st->edited = false;
        st->single = st->outgrown;
        report_success(st);
        state_tidy(st);
        return 0;
}
