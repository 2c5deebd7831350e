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

static int write_snapshot(struct state *st, const struct contents *c, const char *temporary,
        uint64_t generation, struct stat *ret_info, uint32_t *ret_crc)
{
        _cleanup_close_ int fd =
                openat(st->dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        int r = snapshot_write(c->store, c->hives, c->layers, generation, sink, &fd, ret_crc);
        if (r < 0)
                return r;
        return fsync(fd) < 0 || fstat(fd, ret_info) < 0 ? -errno : 0;
}

static int publish_snapshot(struct state *st, const struct contents *c, uint64_t generation)
{
        char temporary[FILE_NAME_SIZE], name[FILE_NAME_SIZE];
        struct stat info;
        uint32_t crc;

        file_temporary_name(FILE_SNAPSHOT, generation, temporary);
        file_name(FILE_SNAPSHOT, generation, name);
        /* Left over from an attempt for the same generation that could not clean up. */
        (void)unlinkat(st->dir_fd, temporary, 0);
        int r = state_reserve_files(st, 1);
        if (r == 0)
                r = write_snapshot(st, c, temporary, generation, &info, &crc);
        if (r == 0)
                r = file_rename(st->dir_fd, temporary, name);
        if (r < 0) {
                (void)unlinkat(st->dir_fd, temporary, 0);
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
        state_note_file(st, FILE_SNAPSHOT, generation, &info);
        struct state_file *f = &st->files[st->n_files - 1];
        f->crc = crc;
        f->crc_known = true;
        return 0;
}

int state_write_generation(struct state *st, const struct store *store, const struct state_hives *hives,
        const struct layers *layers, struct diag *d)
{
        const struct contents c = { store, hives, layers };
        uint64_t current = st->journal.header.generation;
        /* A journal whose snapshot failed and that has no frames yet is as good as a new one. */
        bool begun = st->journal.fd >= 0 && !st->lost && st->journal.frames == 0 && st->snapshot < current;
        struct diag own;

        d = d ? d : &own;
        int r = begun ? 0 : state_begin_journal(st, d);
        struct file_id id = { .kind = FILE_SNAPSHOT, .generation = st->journal.header.generation };
        if (r == 0) {
                r = publish_snapshot(st, &c, id.generation);
                if (r < 0)
                        (void)state_error(st, d, -r, &id, "cannot be written: %s", strerror(-r));
        }
        if (r < 0) {
                state_report(st, "fold-failed", &id, "the journal cannot be folded: %s", d->text);
                return r;
        }
        st->snapshot = id.generation;
        st->unfolded = 0;
        st->sequence = store_last_sequence(store);
        st->owed = st->edited = false;
        state_tidy(st);
        return 0;
}
