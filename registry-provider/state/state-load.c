/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading: the newest good snapshot, then the journals from its generation on, in the order that their
 * headers give. What cannot be used is marked, and set aside when a new generation has been written: until
 * then every file stays where it is, so that a crash in between loses nothing. */

#include "state-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/names/path.h"
#include "../../schema/values/value.h"
#include "snapshot.h"

struct load {
        struct state *st;
        struct replay to;
        struct state_loaded result;
        uint64_t sequence; /* the last frame's counter */
        struct diag *d;
};

static void mark_damaged(struct load *l, struct state_file *f)
{
        f->aside = true;
        l->result.damaged = true;
}

/* All else that the file says counts. */
static void check_left_out(struct load *l, struct state_file *f, const char *kind)
{
        if (l->to.left_out == 0)
                return;
        mark_damaged(l, f);
        state_report(l->st, kind, &f->id,
                "has %zu values that cannot be, with a type code above %u, a name of more than %u bytes or one "
                "layer more than %u; they are left out, all else is used, and the file is set aside",
                l->to.left_out, VALUE_TYPE_MAX, NAME_BYTES_MAX, STORE_VALUE_LAYERS_MAX);
        l->to.left_out = 0;
}

static int load_snapshot(struct load *l, struct state_file *f, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        char name[FILE_NAME_SIZE];
        struct stat info;

        int r = state_read_file(l->st, &f->id, &text, &info, d);
        if (r == 0) {
                state_remember(f, &info);
                r = snapshot_check(text.data, text.len, &f->crc, d);
        }
        if (r < 0)
                return r;
        f->crc_known = true;
        file_name(f->id.kind, f->id.generation, name);
        return snapshot_read(name, text.data, text.len, f->id.generation, &l->to, d);
}

static int load_newest_snapshot(struct load *l)
{
        for (size_t i = l->st->n_files; i-- > 0;) {
                struct state_file *f = &l->st->files[i];
                struct diag why = { "" };
                if (f->id.kind != FILE_SNAPSHOT)
                        continue;
                int r = load_snapshot(l, f, &why);
                if (r == 0) {
                        l->st->snapshot = f->id.generation;
                        check_left_out(l, f, "corrupt-snapshot");
                        return 0;
                }
                if (r != -EBADMSG)
                        return state_error(
                                l->st, l->d, -r, &f->id, "%s", why.text[0] ? why.text : strerror(-r));
                mark_damaged(l, f);
                state_report(l->st, "corrupt-snapshot", &f->id,
                        "cannot be used: %s; it is set aside, and the generation before it is loaded with "
                        "all changes since",
                        why.text);
        }
        return 0;
}

static int read_header(struct state *st, struct state_file *f)
{
        uint8_t header[JOURNAL_HEADER_SIZE];
        char name[FILE_NAME_SIZE];

        file_name(f->id.kind, f->id.generation, name);
        _cleanup_close_ int fd = open_regular(st->dir_fd, name, O_RDONLY, 0, NULL, NULL);
        if (fd == -ENOENT || fd == -ELOOP || fd == -EISDIR || fd == -EINVAL)
                return -EBADMSG;
        if (fd < 0)
                return fd;
        ssize_t n = pread(fd, header, sizeof(header), 0);
        if (n < 0)
                return -EBADMSG;
        int r = journal_header_parse(header, (size_t)n, &f->header);
        f->header_good = r == 0 && f->header.generation == f->id.generation;
        return r;
}

static int read_headers(struct load *l)
{
        for (size_t i = 0; i < l->st->n_files; i++) {
                struct state_file *f = &l->st->files[i];
                if (f->id.kind != FILE_JOURNAL || f->id.generation < l->st->snapshot)
                        continue;
                int r = read_header(l->st, f);
                if (r == -EPROTONOSUPPORT)
                        return state_error(l->st, l->d, EPROTONOSUPPORT, &f->id,
                                "another format version than %u: written by another peios-registryd",
                                JOURNAL_FORMAT_VERSION);
                if (r < 0 && r != -EBADMSG)
                        return state_error(l->st, l->d, -r, &f->id, "cannot be opened: %s", strerror(-r));
        }
        return 0;
}

/* A journal's number of frames counts only if a later one gives it. Of two that do, the lower one is left
 * over from a failed attempt to begin it. */
static struct state_file *next_journal(const struct state *st, uint64_t generation)
{
        for (size_t i = st->n_files; i-- > 0;) {
                struct state_file *f = &st->files[i];
                if (f->id.kind == FILE_JOURNAL && f->header_good && f->header.previous == generation &&
                        f->id.generation > generation)
                        return f;
        }
        return NULL;
}

static void report_torn(struct load *l, const struct state_file *f, size_t size)
{
        l->result.torn = true;
        state_report(l->st, "torn-tail", &f->id,
                "the last batch is incomplete (from byte %zu of %zu on), as a power cut leaves it; nobody "
                "was told that it is done, and it is %s",
                l->st->journal.end, size, l->st->read_only ? "not used" : "cut off");
}

static void report_damage(struct load *l, const struct state_file *f, const char *what)
{
        state_report(l->st, "corrupt-journal", &f->id,
                "%s at byte %zu; the %" PRIu64 " batches before it are used, what follows is not, and the "
                "file is set aside",
                what, l->st->journal.end, l->st->journal.frames);
}

static int replay_good(struct load *l, struct state_file *f, const struct frame *frame, size_t end)
{
        struct journal *j = &l->st->journal;

        int r = replay_frame(&l->to, frame);
        if (r == -EBADMSG)
                report_damage(l, f, "there is a batch that contradicts what is before it");
        if (r == -EFBIG)
                return state_error(
                        l->st, l->d, EFBIG, &f->id, "a value is larger than the configured limit");
        if (r < 0)
                return r;
        l->sequence = frame->sequence;
        l->st->unfolded += end - j->end;
        j->end = end;
        j->frames++;
        return 0;
}

/* The end of the good frames: 0 where it may be, else -EBADMSG. */
static int judge_end(
        struct load *l, struct state_file *f, enum frame_result result, bool is_last, size_t size)
{
        if (is_last && result == FRAME_TORN)
                report_torn(l, f, size);
        if (is_last && result != FRAME_CORRUPT)
                return 0;
        report_damage(l, f,
                result == FRAME_END    ? "the file was cut off"
                : result == FRAME_TORN ? "there is a damaged batch"
                                       : "there is a damaged batch, with good ones behind it,");
        return -EBADMSG;
}

/* Applies the journal's frames up to `limit`. -EBADMSG if there are fewer good ones. */
static int replay_journal(struct load *l, struct state_file *f, const struct buf *text, uint64_t limit)
{
        struct journal *j = &l->st->journal;

        while (j->frames < limit) {
                struct frame frame;
                size_t end = j->end;
                enum frame_result result =
                        frame_next(&f->header, text->data, text->len, j->frames + 1, &end, &frame);
                if (result != FRAME_GOOD)
                        return judge_end(l, f, result, limit == UINT64_MAX, text->len);
                int r = replay_good(l, f, &frame, end);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int load_journal(struct load *l, struct state_file *f, uint64_t limit)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct stat info;

        int r = state_read_file(l->st, &f->id, &text, &info, l->d);
        if (r == -EBADMSG)
                state_report(
                        l->st, "corrupt-journal", &f->id, "cannot be read: %s; it is set aside", l->d->text);
        if (r < 0)
                return r;
        state_remember(f, &info);
        l->st->journal.header = f->header;
        l->st->journal.frames = 0;
        l->st->journal.end = JOURNAL_HEADER_SIZE;
        l->st->journal.allocated = text.len;
        r = replay_journal(l, f, &text, limit);
        check_left_out(l, f, "corrupt-journal");
        return r;
}

/* What is left of a failed attempt to begin a journal. */
static bool holds_nothing(struct load *l, const struct state_file *f)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct stat info;
        struct frame frame;
        size_t offset = JOURNAL_HEADER_SIZE;

        return f->header_good && state_read_file(l->st, &f->id, &text, &info, NULL) == 0 &&
               frame_next(&f->header, text.data, text.len, 1, &offset, &frame) == FRAME_END;
}

/* Journals from generation `first` on are not reached. */
static void mark_unreachable(struct load *l, uint64_t first)
{
        for (size_t i = 0; i < l->st->n_files; i++) {
                struct state_file *f = &l->st->files[i];
                if (f->id.kind != FILE_JOURNAL || f->aside || f->id.generation < first ||
                        holds_nothing(l, f))
                        continue;
                mark_damaged(l, f);
                state_report(l->st, "corrupt-journal", &f->id, "cannot be used: %s; it is set aside",
                        f->header_good ? "what comes before it is damaged or missing"
                                       : "its header is damaged");
        }
}

static int load_journals(struct load *l)
{
        uint64_t first = l->st->snapshot ? l->st->snapshot : 1;
        struct state_file *f = state_find_file(l->st, FILE_JOURNAL, first);

        l->st->journal.header.generation = l->st->snapshot;
        if (!f) {
                struct file_id id = { .kind = FILE_JOURNAL, .generation = first };
                l->result.damaged = true;
                state_report(l->st, "corrupt-journal", &id, "is missing: the changes in it are lost");
        }
        while (f && f->header_good) {
                struct state_file *next = next_journal(l->st, f->id.generation);
                int r = load_journal(l, f, next ? next->header.previous_frames : UINT64_MAX);
                first = f->id.generation + 1;
                if (r == -EBADMSG) {
                        mark_damaged(l, f);
                        break;
                }
                if (r < 0)
                        return r;
                f = next;
        }
        /* Not every frame's: what one set aside, the last one may have given back. */
        store_raise_sequence(l->to.store, l->sequence);
        mark_unreachable(l, first);
        return 0;
}

int state_load(struct state *st, struct store *store, struct state_hives *hives, struct layers *layers,
        struct state_loaded *ret, struct diag *d)
{
        struct diag own;
        struct load l = { .st = st, .to = { store, hives, layers, 0 }, .d = d ? d : &own };

        l.result.fresh = st->n_files == 0;
        int r = l.result.fresh ? 0 : load_newest_snapshot(&l);
        if (r == 0 && !l.result.fresh)
                r = read_headers(&l);
        if (r == 0 && !l.result.fresh)
                r = load_journals(&l);
        if (r < 0)
                return r;
        st->sequence = store_last_sequence(store);
        *ret = l.result;
        return 0;
}
