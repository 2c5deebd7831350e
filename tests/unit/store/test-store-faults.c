/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each call fails, once, three times, for good: who asked hears why, nothing half done is in force, the
 * store goes on when the disk does, and what was refused does not come back, whenever the process is killed
 * or the power is cut from then on.
 *
 * `test-store-faults STATES` looks at so many states after each failure. */

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../schema/base/macro.h"
#include "suite.h"
#include "disk.h"
#include "store-work.h"

#define TURNS_MAX 8u
#define SPANS_MAX 32u

static unsigned states_each = 6;
static unsigned failures, refusals, states;

/* What may be found from a position in the log on: the contents; or those with a turn that is not answered
 * yet; or those with one that was refused and that nothing has been written over yet. */
struct span {
        size_t position;
        uint64_t digests[3];
};

static const struct kind {
        const char *name;
        enum disk_call call;
        int error;
        const char *says;
} kinds[] = {
        { "open, EIO", DISK_OPEN, EIO, "" },
        { "read, EIO", DISK_READ, EIO, "I/O error" },
        { "write, EIO", DISK_WRITE, EIO, "I/O error" },
        { "write, ENOSPC", DISK_WRITE, ENOSPC, "full" },
        { "sync, EIO", DISK_SYNC, EIO, "I/O error" },
        { "sync, ENOSPC", DISK_SYNC, ENOSPC, "I/O error" },
        { "truncate, EIO", DISK_TRUNCATE, EIO, "I/O error" },
        { "delete, EIO", DISK_DELETE, EIO, "I/O error" },
        { "map, EIO", DISK_MAP, EIO, "I/O error" },
        { "map, ENOSPC", DISK_MAP, ENOSPC, "I/O error" },
};

struct world {
        char *directory, file[64];        /* whose disk fails */
        char *sound, base[64], other[64]; /* a store to begin with, and one to compare with */
        struct store *store;
        sqlite3 *upkeep;
        const struct kind *kind;
        char what[128]; /* fails, for people */
        unsigned times;
        struct work_turn turns[TURNS_MAX]; /* that are in force */
        bool reopened[TURNS_MAX];          /* before the turn */
        size_t n_turns;
        uint64_t digest; /* of what is in force */
        struct span spans[SPANS_MAX];
        size_t n_spans;
        uint64_t random;
};

/* ---- What should be there ---- */

static void copy_file(const char *from, const char *to)
{
        char buffer[4096];
        FILE *in = fopen(from, "r"), *out = fopen(to, "w");
        size_t n;

        ck_assert(in && out);
        while ((n = fread(buffer, 1, sizeof(buffer), in)) > 0)
                ck_assert_uint_eq(fwrite(buffer, 1, n, out), n);
        ck_assert(fclose(in) == 0 && fclose(out) == 0);
}

static struct store *open_sound(const char *file)
{
        struct store *s;

        ck_assert_int_eq(work_open(file, &s), 0);
        return s;
}

/* What the turns and this one come to where nothing fails. */
static uint64_t digest_with(const struct world *w, const struct work_turn *turn)
{
        copy_file(w->base, w->other);
        struct store *s = open_sound(w->other);
        for (size_t i = 0; i <= w->n_turns; i++) {
                if (w->reopened[i]) {
                        store_close(s);
                        s = open_sound(w->other);
                }
                work_repeat(s, i < w->n_turns ? &w->turns[i] : turn);
        }
        uint64_t digest = work_digest(w->other);
        store_close(s);
        return digest;
}

static uint64_t digest_now(const struct world *w)
{
        disk_spare(true);
        uint64_t digest = work_digest(w->file);
        disk_spare(false);
        return digest;
}

static uint64_t healed(const struct world *w)
{
        disk_spare(true);
        uint64_t n = work_number(w->file, "SELECT count(*) FROM history WHERE op = 4098");
        disk_spare(false);
        return n;
}

static void add_span(struct world *w, size_t position, uint64_t is, uint64_t may_be, uint64_t refused)
{
        ck_assert_uint_lt(w->n_spans, SPANS_MAX);
        w->spans[w->n_spans++] = (struct span){ position, { is, may_be, refused } };
}

/* ---- Turns ---- */

static void assert_refused(const struct world *w, int r, const struct diag *d)
{
        ck_assert_msg(r == -w->kind->error || r == -EIO, "%s: %d %s", w->what, r, d->text);
        ck_assert_msg(
                strstr(d->text, w->file) && strstr(d->text, w->kind->says), "%s: %s", w->what, d->text);
        ck_assert_msg(digest_now(w) == w->digest, "%s: what was refused is there", w->what);
        refusals++;
}

/* `*refused`: what the log may still have. */
static int turn(struct world *w, uint64_t *refused)
{
        struct work_turn t = { .seed = disk_random(&w->random) };
        struct diag d = { 0 };
        size_t before = disk_position();
        uint64_t heals = healed(w);
        int r = work_turn(w->store, &t, &d);
        uint64_t next = digest_with(w, &t);

        add_span(w, before, w->digest, next, *refused);
        if (r == 0) {
                w->turns[w->n_turns++] = t;
                w->digest = *refused = next;
                ck_assert_msg(digest_now(w) == next, "%s: what was answered is not there", w->what);
        } else {
                assert_refused(w, r, &d);
                bool is_gone = healed(w) > heals || disk_position() == before;
                ck_assert_msg(is_gone || w->times > 1, "%s: nothing is written over it", w->what);
                *refused = is_gone ? w->digest : next;
        }
        add_span(w, disk_position(), w->digest, w->digest, *refused);
        return r;
}

static void open_upkeep(struct world *w)
{
        disk_spare(true);
        ck_assert_int_eq(sqlite3_open(w->file, &w->upkeep), SQLITE_OK);
        disk_spare(false);
        (void)sqlite3_exec(w->upkeep, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
}

static void reopen(struct world *w)
{
        unsigned attempts = 0;

        ck_assert_int_eq(sqlite3_close(w->upkeep), SQLITE_OK);
        w->store = store_close(w->store);
        while (work_open(w->file, &w->store) < 0)
                ck_assert_uint_lt(attempts++, 4);
        open_upkeep(w);
        w->reopened[w->n_turns] = true;
}

static void work_while_it_fails(struct world *w, uint64_t *refused)
{
        for (unsigned i = 0; i < 3; i++) {
                if (i == 1 && w->times < UINT_MAX)
                        reopen(w);
                (void)turn(w, refused);
                (void)sqlite3_exec(w->upkeep, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
                if (w->kind->call == DISK_WRITE || w->kind->call == DISK_SYNC)
                        ck_assert_msg(work_read(w->store) == 0, "%s: it cannot be read", w->what);
        }
}

static void work_again(struct world *w, uint64_t *refused)
{
        ck_assert_msg(work_read(w->store) == 0, "%s: it cannot be read again", w->what);
        ck_assert_msg(digest_now(w) == w->digest, "%s: it is not what it was", w->what);
        ck_assert_msg(turn(w, refused) == 0, "%s: it does not go on", w->what);
        reopen(w);
        ck_assert_msg(digest_now(w) == w->digest, "%s: it is not what it was when opened again", w->what);
        ck_assert_int_eq(sqlite3_close(w->upkeep), SQLITE_OK);
        w->store = store_close(w->store);
}

/* ---- Whenever it ends ---- */

static void check_state(const struct world *w, size_t position, const char *directory)
{
        const struct span *span = w->spans;
        char file[64];

        (void)snprintf(file, sizeof(file), "%s/registry.db", directory);
        while (span + 1 < w->spans + w->n_spans && span[1].position <= position)
                span++;
        struct store *s = open_sound(file);
        uint64_t digest = work_digest(file);
        ck_assert_msg(digest == span->digests[0] || digest == span->digests[1] || digest == span->digests[2],
                "%s: killed at %zu: not what it was", w->what, position);
        work_check(file);
        store_close(s);
        states++;
}

/* Soon after the first failure more often than later. */
static void end_anywhere(struct world *w, const struct disk_log *log)
{
        struct disk_replay *r = disk_replay_new(log);
        char *directory = disk_scratch();
        size_t position = w->spans[1].position;

        for (unsigned i = 0; i < states_each && position <= log->n; i++) {
                disk_replay_to(r, position);
                disk_replay_write(
                        r, disk_random(&w->random) % 2 ? DISK_KILL : DISK_MIXED, &w->random, directory);
                check_state(w, position, directory);
                disk_scratch_remove(directory, false);
                position += 1 + disk_random(&w->random) % (1 + (log->n - position) / (states_each - i));
        }
        disk_scratch_remove(directory, true);
        free(directory);
        disk_replay_free(r);
}

/* ---- Failures ---- */

static void world_init(struct world *w)
{
        struct diag d;

        w->directory = disk_scratch();
        w->sound = disk_scratch();
        (void)snprintf(w->file, sizeof(w->file), "%s/registry.db", w->directory);
        (void)snprintf(w->base, sizeof(w->base), "%s/base.db", w->sound);
        (void)snprintf(w->other, sizeof(w->other), "%s/other.db", w->sound);
        struct store *s = open_sound(w->base);
        ck_assert_int_eq(work_begin(s, &d), 0);
        for (unsigned i = 0; i < 4; i++) {
                struct work_turn t = { .seed = i + 1 };
                ck_assert_int_eq(work_turn(s, &t, &d), 0);
        }
        store_close(s);
}

static void world_done(struct world *w)
{
        disk_scratch_remove(w->directory, true);
        disk_scratch_remove(w->sound, true);
        free(w->directory);
        free(w->sound);
}

/* Whether it came to the n-th call. */
static bool fails(struct world *w, const struct kind *kind, unsigned nth, unsigned times)
{
        (void)snprintf(w->what, sizeof(w->what), "%s, call %u, %u times", kind->name, nth, times);
        w->kind = kind;
        w->times = times;
        w->n_turns = w->n_spans = 0;
        memset(w->reopened, 0, sizeof(w->reopened));
        w->random = nth + 1;
        copy_file(w->base, w->file);
        disk_record(w->directory);
        w->store = open_sound(w->file);
        open_upkeep(w);
        w->digest = work_digest(w->file);
        uint64_t refused = w->digest;
        add_span(w, 0, w->digest, w->digest, refused);

        disk_fail(kind->call, nth, times, kind->error);
        work_while_it_fails(w, &refused);
        bool struck = disk_mend();
        work_again(w, &refused);
        struct disk_log *log = disk_stop();
        if (struck)
                end_anywhere(w, log);
        failures += struck;
        disk_log_free(log);
        disk_scratch_remove(w->directory, false);
        return struck;
}

static void fail_everywhere(unsigned times)
{
        struct world w = { 0 };

        world_init(&w);
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                for (unsigned n = 1; fails(&w, &kinds[i], n, times); n++)
                        ;
        world_done(&w);
        printf("%u times: %u failures, %u turns refused, %u states\n", times, failures, refusals, states);
}

TEST(once)
{
        fail_everywhere(1);
}

TEST(three_times)
{
        fail_everywhere(3);
}

TEST(for_good)
{
        fail_everywhere(UINT_MAX);
}

/* Nobody notices. */
TEST(short_calls)
{
        static const struct kind none = { "short", DISK_CALLS, 0, "" };
        struct world w = { 0 };

        disk_short(100);
        world_init(&w);
        ck_assert(!fails(&w, &none, UINT_MAX, 1));
        ck_assert_uint_eq(w.n_turns, 4);
        world_done(&w);
}

Suite *test_suite(void)
{
        if (suite_argument)
                states_each = (unsigned)strtoul(suite_argument, NULL, 10);
        return suite_with("store-faults", disk_install, NULL);
}
