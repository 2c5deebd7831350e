/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The power is cut at every write: the store opens, and has each turn that was answered, and of the one that
 * was not all or nothing.
 *
 * Numbers are the same each time; `test-store-power ROUNDS` does more of them. */

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../schema/base/macro.h"
#include "suite.h"
#include "disk.h"
#include "store-work.h"

#define TURNS 16u
#define MARKS_MAX (TURNS + 2)

static unsigned rounds = 4;

/* What was there when a turn was answered. */
struct mark {
        size_t position;
        uint64_t sequence, digest;
};

struct history {
        struct mark marks[MARKS_MAX];
        size_t n;
        struct disk_log *log;
};

struct world {
        char *directory, file[64];
        struct store *store;
        sqlite3 *upkeep, *reader; /* as a maintenance thread has, and who looks with another program */
        uint64_t random;
};

static unsigned states;

/* ---- Two threads take turns at each call that changes a file ---- */

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        pthread_t thread;
        sqlite3 *connection; /* what the other one works for; NULL: it has nothing to do */
        bool others, ends;
        uint64_t random;
} baton = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void hand_over(bool to_the_other)
{
        (void)pthread_mutex_lock(&baton.lock);
        baton.others = to_the_other;
        (void)pthread_cond_broadcast(&baton.changed);
        while (baton.others == to_the_other && !baton.ends)
                (void)pthread_cond_wait(&baton.changed, &baton.lock);
        (void)pthread_mutex_unlock(&baton.lock);
}

static void take_turns(bool must)
{
        if (baton.connection && (must || disk_random(&baton.random) % 4 == 0))
                hand_over(!baton.others);
}

static void *run_upkeep(void *userdata)
{
        (void)userdata;
        (void)pthread_mutex_lock(&baton.lock);
        while (!baton.others && !baton.ends)
                (void)pthread_cond_wait(&baton.changed, &baton.lock);
        (void)pthread_mutex_unlock(&baton.lock);
        while (!baton.ends) {
                (void)sqlite3_exec(baton.connection, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
                baton.connection = NULL;
                hand_over(false);
        }
        return NULL;
}

static void begin_upkeep(uint64_t random)
{
        baton.random = random;
        baton.others = baton.ends = false;
        disk_pause = take_turns;
        ck_assert_int_eq(pthread_create(&baton.thread, NULL, run_upkeep, NULL), 0);
}

static void wait_for_upkeep(void)
{
        while (baton.connection)
                hand_over(true);
}

static void end_upkeep(void)
{
        wait_for_upkeep();
        (void)pthread_mutex_lock(&baton.lock);
        baton.ends = true;
        (void)pthread_cond_broadcast(&baton.changed);
        (void)pthread_mutex_unlock(&baton.lock);
        ck_assert_int_eq(pthread_join(baton.thread, NULL), 0);
        disk_pause = NULL;
}

/* ---- Work ---- */

static void world_open(struct world *w)
{
        ck_assert_int_eq(work_open(w->file, &w->store), 0);
        ck_assert_int_eq(sqlite3_open(w->file, &w->upkeep), SQLITE_OK);
        ck_assert_int_eq(sqlite3_open(w->file, &w->reader), SQLITE_OK);
}

static void world_close(struct world *w)
{
        wait_for_upkeep();
        ck_assert_int_eq(sqlite3_close(w->upkeep), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(w->reader), SQLITE_OK);
        w->store = store_close(w->store);
}

static void answered(const struct world *w, struct history *h)
{
        ck_assert_uint_lt(h->n, MARKS_MAX);
        h->marks[h->n++] = (struct mark){ .position = disk_position(),
                .sequence = work_number(w->file, "SELECT max(sequence) FROM history"),
                .digest = work_digest(w->file) };
}

/* Nothing that a close does is done, as if the process were killed. */
static void world_kill(struct world *w)
{
        wait_for_upkeep();
        disk_fail(DISK_CALLS, 1, UINT32_MAX, EIO);
        world_close(w);
        (void)disk_mend();
}

/* What the upkeep begins goes on during the turns that follow; where it comes to an end before them, the log
 * is begun anew. */
static void between_turns(struct world *w)
{
        uint64_t what = disk_random(&w->random) % 24;

        if (what < 8 && !baton.connection)
                baton.connection = w->upkeep;
        if (what < 4)
                wait_for_upkeep();
        if (what == 8)
                (void)sqlite3_exec(w->reader, "BEGIN; SELECT count(*) FROM key", NULL, NULL, NULL);
        if (what > 8 && what < 14)
                (void)sqlite3_exec(w->reader, "COMMIT", NULL, NULL, NULL);
        if (what < 22)
                return;
        if (what == 22)
                world_close(w);
        else
                world_kill(w);
        world_open(w);
}

static void work(struct world *w, struct history *h, unsigned turns)
{
        struct diag d;

        for (unsigned i = 0; i < turns; i++) {
                struct work_turn turn = { .seed = disk_random(&w->random) };
                ck_assert_int_eq(work_turn(w->store, &turn, &d), 0);
                answered(w, h);
                between_turns(w);
        }
}

/* ---- What is found ---- */

static const struct mark *find_mark(const struct history *h, size_t position)
{
        const struct mark *last = &h->marks[0];

        for (size_t i = 1; i < h->n && h->marks[i].position <= position; i++)
                last = &h->marks[i];
        return last;
}

/* As the boot reads it, and leaves it. */
static void check_boot(const struct world *w, uint64_t sequence, const char *what)
{
        struct store *s;
        struct diag d = { 0 };
        int r = store_open(w->file, STORE_AT_BOOT, WORK_VALUE_MAX, &s, &d);

        ck_assert_msg(r == 0, "%s: at boot: %s", what, d.text);
        ck_assert_msg(store_last_sequence(s) >= sequence, "%s: at boot: %lu is lost", what, sequence);
        ck_assert_int_eq(work_read(s), 0);
        (void)store_close(s);
}

static void check_state(const struct world *w, const struct history *h, size_t position, const char *what)
{
        const struct mark *mark = find_mark(h, position), *next = mark + (mark + 1 < h->marks + h->n);
        struct store *s;

        states++;
        if (mark->sequence > 0)
                check_boot(w, mark->sequence, what);
        ck_assert_msg(work_open(w->file, &s) == 0, "%s: it does not open", what);
        ck_assert_uint_ge(store_last_sequence(s), mark->sequence);
        uint64_t digest = work_digest(w->file);
        ck_assert_msg(digest == mark->digest || digest == next->digest,
                "%s: the contents are not of turn %td", what, mark - h->marks);
        work_check(w->file);
        (void)store_close(s);
}

/* At each position of the log one kind of loss, which is another one in the next round. */
static void cut_everywhere(const struct history *h, uint64_t seed, unsigned kind, bool again);

static void record(struct world *w, struct history *h, uint64_t seed, unsigned turns)
{
        struct diag d;

        disk_record(w->directory);
        begin_upkeep(seed);
        w->random = seed;
        world_open(w);
        h->marks[h->n++] =
                (struct mark){ .digest = work_digest(w->file), .sequence = store_last_sequence(w->store) };
        ck_assert_int_eq(work_begin(w->store, &d), 0);
        answered(w, h);
        work(w, h, turns);
        world_close(w);
        end_upkeep();
        h->log = disk_stop();
}

/* Who finds that works with it, and the power is cut once more. */
static void go_on_and_cut(struct world *w, uint64_t seed, unsigned kind)
{
        struct history h = { 0 };

        record(w, &h, seed, 3);
        cut_everywhere(&h, seed, kind, false);
        disk_log_free(h.log);
}

static void cut_everywhere(const struct history *h, uint64_t seed, unsigned kind, bool again)
{
        struct disk_replay *r = disk_replay_new(h->log);
        struct world w = { .directory = disk_scratch() };
        char what[128];

        (void)snprintf(w.file, sizeof(w.file), "%s/registry.db", w.directory);
        for (size_t i = 0; i <= h->log->n; i++) {
                enum disk_loss loss = (enum disk_loss)((kind + i) % DISK_LOSSES_N);
                uint64_t random = seed + i + 1;
                (void)snprintf(
                        what, sizeof(what), "seed %lu, position %zu, loss %u, %s", seed, i, loss, w.file);
                disk_replay_to(r, i);
                disk_replay_write(r, loss, &random, w.directory);
                check_state(&w, h, i, what);
                disk_scratch_remove(w.directory, false);
                if (again && i % 256 == 0) {
                        random = seed + i + 1;
                        disk_replay_write(r, loss, &random, w.directory);
                        go_on_and_cut(&w, random, kind);
                        disk_scratch_remove(w.directory, false);
                }
        }
        disk_scratch_remove(w.directory, true);
        free(w.directory);
        disk_replay_free(r);
}

TEST(power_is_cut)
{
        for (unsigned i = 0; i < rounds; i++) {
                struct history h = { 0 };
                struct world w = { .directory = disk_scratch() };
                (void)snprintf(w.file, sizeof(w.file), "%s/registry.db", w.directory);
                /* With no room in memory pages would reach the log before a turn ends. */
                (void)sqlite3_soft_heap_limit64(i % 2);
                record(&w, &h, i + 1, TURNS);
                (void)sqlite3_soft_heap_limit64(0);
                cut_everywhere(&h, i + 1, i, true);
                printf("seed %u: %zu turns, %zu calls; %u states\n", i + 1, h.n, h.log->n, states);
                disk_log_free(h.log);
                disk_scratch_remove(w.directory, true);
                free(w.directory);
        }
        ck_assert_uint_ge(states, 2000);
}

Suite *test_suite(void)
{
        if (suite_argument)
                rounds = (unsigned)strtoul(suite_argument, NULL, 10);
        return suite_with("store-power", disk_install, NULL);
}
