/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "state-internal.h"

#define BATCH_MAX ((size_t)64 << 20)
/* Memory that a big batch made grow is not kept. */
#define BATCH_KEEP ((size_t)1 << 20)
/* How many sequence numbers are set aside at once, so that changes in memory only cost a write to the disk
 * once in so many. */
#define SEQUENCE_BLOCK 1024u
/* Above this size (folds failed for long) a sync writes a snapshot. */
#define JOURNAL_MAX ((size_t)1 << 30)

static int take_lock(struct state *st, struct diag *d)
{
        st->lock_fd = open_regular(st->dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600, NULL, d);
        if (st->lock_fd < 0) {
                diag_prefix(d, "%s", st->dir);
                return st->lock_fd;
        }
        if (flock(st->lock_fd, LOCK_EX | LOCK_NB) == 0)
                return 0;
        int error = errno == EWOULDBLOCK ? EBUSY : errno;
        return diag_set(d, error, "%s/lock: %s", st->dir,
                error == EBUSY ? "another peios-registryd uses this directory" : strerror(error));
}

static int open_directory(struct state *st, struct diag *d)
{
        int r = st->read_only ? 0 : make_dirs(st->dir);
        if (r < 0)
                return diag_set(d, -r, "%s: cannot be made: %s", st->dir, strerror(-r));
        st->dir_fd = open(st->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (st->dir_fd >= 0)
                return st->read_only ? 0 : take_lock(st, d);
        int error = errno;
        return diag_set(d, error, "%s: cannot be opened: %s", st->dir, strerror(error));
}

/* The directory's own name, and its parents' that were made with it. Best effort: where one of them cannot
 * be opened it was not made here. */
static void sync_parents(const struct state *st)
{
        static const char *const parents[] = { "..", "../..", "../../.." };
        for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
                _cleanup_close_ int fd = openat(st->dir_fd, parents[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd >= 0)
                        (void)fsync(fd);
        }
}

static int reopen_journal(struct state *st, bool torn)
{
        char name[FILE_NAME_SIZE];
        struct stat info;

        file_name(FILE_JOURNAL, st->journal.header.generation, name);
        st->journal.fd = open_regular(st->dir_fd, name, O_RDWR | O_NOFOLLOW, 0, &info, NULL);
        if (st->journal.fd < 0)
                return st->journal.fd;
        const struct state_file *f = state_find_file(st, FILE_JOURNAL, st->journal.header.generation);
        if (info.st_ino != f->ino || info.st_size != (off_t)st->journal.allocated)
                return -ESTALE;
        if (!torn)
                return 0;
        int r = journal_cut(&st->journal);
        return r < 0 ? r : fdatasync(st->journal.fd) < 0 ? -errno : 0;
}

/* Makes the directory ready for writing after it was loaded. */
static int settle(struct state *st, const struct state_loaded *loaded, struct diag *d)
{
        if (loaded->fresh) {
                sync_parents(st);
                return state_begin_journal(st, d);
        }
        if (loaded->damaged) {
                st->lost = st->owed = true;
                /* The registry can be read without it. It has been reported, and is tried again with the
                 * next sync. */
                (void)!state_write_generation(st, st->store, st->hives, st->layers, NULL);
                return 0;
        }
        int r = reopen_journal(st, loaded->torn);
        if (r < 0) {
                struct file_id id = { .kind = FILE_JOURNAL, .generation = st->journal.header.generation };
                return state_error(st, d, -r, &id, "cannot be opened for writing: %s", strerror(-r));
        }
        return 0;
}

int state_open(const char *dir, bool read_only, struct store *store, struct state_hives *hives,
        struct layers *layers, const struct state_events *events, struct state **ret, struct diag *d)
{
        struct state_loaded loaded;
        _cleanup_(state_closep) struct state *st = malloc(sizeof(*st));
        if (!st)
                return -ENOMEM;
        *st = (struct state){
                .dir_fd = -1,
                .lock_fd = -1,
                .read_only = read_only,
                .events = events ? *events : (struct state_events){ 0 },
                .store = store,
                .hives = hives,
                .layers = layers,
                .journal = JOURNAL_NONE,
        };
        st->dir = strdup(dir);
        if (!st->dir)
                return -ENOMEM;
        int r = open_directory(st, d);
        if (r < 0)
                return r;
        r = state_list_files(st);
        if (r < 0)
                return diag_set(d, -r, "%s: cannot be listed: %s", dir, strerror(-r));
        r = state_load(st, store, hives, layers, &loaded, d);
        if (r == 0 && !read_only)
                r = settle(st, &loaded, d);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(st);
        return 0;
}

struct state *state_close(struct state *st)
{
        if (!st)
                return NULL;
        journal_done(&st->journal);
        closep(&st->lock_fd);
        closep(&st->dir_fd);
        buf_done(&st->batch);
        free(st->files);
        free(st->dir);
        free(st);
        return NULL;
}

static void set_batch_end(struct state *st, size_t len)
{
        st->batch.error = 0;
        st->batch.len = len;
        if (st->batch.data)
                st->batch.data[len] = '\0';
}

/* What is left out goes with the records before it: a batch that holds nothing is never synced. */
static int outgrow(struct state *st, size_t before)
{
        if (!st->large || before == 0)
                return -EFBIG;
        st->outgrown = true;
        return 0;
}

static void make_room(struct state *st)
{
        static const char room[FRAME_HEADER_SIZE];
        if (st->batch.len == 0)
                buf_add(&st->batch, room, sizeof(room));
}

int state_add(struct state *st, const struct state_record *r)
{
        struct state_record again;
        size_t before = st->batch.len, used;
        int e = 0;

        if (st->read_only)
                return -EROFS;
        if (r->kind == STATE_OP && r->op.size > BATCH_MAX)
                return -EFBIG;
        make_room(st);
        size_t start = st->batch.len;
        state_encode(&st->batch, r);
        if (st->batch.error)
                e = -ENOMEM;
        /* What could not be read again must not get into the journal. */
        else if (state_decode(st->batch.data + start, st->batch.len - start, &again, &used) < 0)
                e = -EINVAL;
        else if (st->outgrown || st->batch.len > BATCH_MAX + FRAME_HEADER_SIZE)
                e = outgrow(st, before);
        if (e < 0 || st->outgrown)
                set_batch_end(st, before);
        return e;
}

void state_allow_large(struct state *st, bool allow)
{
        st->large = allow;
}

size_t state_pending(const struct state *st)
{
        return st->batch.len > 0 ? st->batch.len - FRAME_HEADER_SIZE : 0;
}

void state_forget(struct state *st, size_t mark)
{
        /* What was left out is behind all that was not. */
        if (mark < state_pending(st))
                st->outgrown = false;
        set_batch_end(st, mark > 0 ? mark + FRAME_HEADER_SIZE : 0);
        if (mark == 0 && st->batch.size > BATCH_KEEP)
                buf_done(&st->batch);
}

/* When an error leaves it unknown whether a frame is on the disk, the caller undoes the batch in memory, and
 * it must not come back after a restart. The file cannot be trusted to forget it: after a failed
 * fdatasync(2) nobody knows what later writes and truncations to the same pages will do. So the next journal
 * begins at once, whose header says how many frames of this one count; until it is durable, every sync
 * fails. */
static int append(struct state *st, uint64_t sequence, struct diag *d)
{
        struct file_id id = { .kind = FILE_JOURNAL, .generation = st->journal.header.generation };
        size_t before = st->journal.end;
        bool unknown;

        make_room(st);
        if (st->batch.error)
                return -ENOMEM;
        int r = journal_append(&st->journal, &st->batch, sequence, &unknown);
        if (r == 0) {
                st->unfolded += st->journal.end - before;
                st->sequence = sequence;
                return 0;
        }
        (void)state_error(st, d, -r, &id, "the change cannot be written and is undone: %s", strerror(-r));
        if (unknown) {
                st->lost = true;
                (void)!journal_cut(&st->journal);
                (void)!state_begin_journal(st, NULL);
        }
        return r;
}

bool state_owes_snapshot(const struct state *st)
{
        return st->owed || st->outgrown || st->unfolded > JOURNAL_MAX;
}

static int sync_batch(struct state *st, uint64_t sequence, struct diag *d)
{
        if (!st->lost && !journal_is_ours(&st->journal))
                state_mark_edited(
                        st, state_find_file(st, FILE_JOURNAL, st->journal.header.generation), "changed");
        /* The store holds the batch already: a snapshot of it is as good as a frame. */
        if (state_owes_snapshot(st))
                return state_write_generation(st, st->store, st->hives, st->layers, d);
        int r = st->lost ? state_begin_journal(st, d) : 0;
        return r < 0 ? r : append(st, sequence, d);
}

int state_sync(struct state *st, struct diag *d)
{
        uint64_t last = store_last_sequence(st->store), sequence = st->sequence;
        bool has_records = state_pending(st) > 0;

        if (st->read_only || (!has_records && last <= sequence))
                return 0;
        if (last > sequence)
                sequence = has_records ? last : last + SEQUENCE_BLOCK;
        int r = sync_batch(st, sequence, d);
        state_forget(st, 0);
        return r;
}

static bool takes_frames(const struct state *st)
{
        return !st->read_only && !st->lost && !state_owes_snapshot(st) && journal_is_ours(&st->journal);
}

void state_record_sequence(struct state *st)
{
        uint64_t last = store_last_sequence(st->store);

        if (last == st->sequence || state_pending(st) > 0 || !takes_frames(st))
                return;
        (void)!append(st, last, NULL);
        state_forget(st, 0);
}

size_t state_journal_size(const struct state *st)
{
        return st->owed || st->edited || st->single ? SIZE_MAX : st->unfolded;
}

int state_fold(struct state *st, const struct store *store, const struct state_hives *hives,
        const struct layers *layers, struct diag *d)
{
        if (st->read_only)
                return diag_set(d, EROFS, "%s: is opened read-only", st->dir);
        if (state_pending(st) > 0)
                return diag_set(d, EBUSY, "%s: a batch waits to be written", st->dir);
        return state_write_generation(st, store, hives, layers, d);
}
