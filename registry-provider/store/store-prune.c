/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the history holds is bounded. Rows are numbered without gaps, so that a gap says that something was
 * here; sums are counted once, a part at a time, and kept. */
#include "store-internal.h"

#include <assert.h>

/* So much at once takes a few milliseconds. */
#define ROWS_LOOKED_AT 1000u
#define ROWS_REMOVED 200u
#define BYTES_REMOVED (1024u * 1024u)

struct work {
        const struct store_prune_limits *limits;
        uint64_t oldest; /* that may stay, µs since the epoch */
        int64_t newest;  /* the row that always stays: it has the counter */
        unsigned looked_at, removed;
        uint64_t bytes;
};

struct row {
        int64_t id, author;
        uint64_t time, bytes;
        bool is_policy;
};

/* The first one after that number. */
static bool next_row(struct store *s, int64_t after, struct row *ret)
{
        sqlite3_stmt *q = store_query(s, HISTORY_SIZE, false);
        bool any = false;

        (void)sqlite3_bind_int64(q, 1, after);
        while (database_row(s->db, q)) {
                any = true;
                *ret = (struct row){ .id = sqlite3_column_int64(q, 0),
                        .time = column_u64(q, 1),
                        .author = sqlite3_column_int64(q, 2),
                        .is_policy = sqlite3_column_int64(q, 3) & HISTORY_POLICY,
                        .bytes = column_u64(q, 4) };
        }
        return any;
}

/* False: there are more. */
static bool count(struct store *s)
{
        struct pruning *p = &s->pruning;
        struct row row;

        for (unsigned i = 0; i < ROWS_LOOKED_AT; i++) {
                if (!next_row(s, p->counted, &row))
                        return true;
                p->counted = row.id;
                p->rows[row.is_policy]++;
                p->bytes[row.is_policy] += row.bytes;
        }
        return false;
}

static bool is_over(const struct store *s, const struct store_prune_limits *limits, bool is_policy)
{
        const struct pruning *p = &s->pruning;

        return is_policy ? p->bytes[1] > limits->policy_bytes
                         : p->rows[0] > limits->rows || p->bytes[0] > limits->bytes;
}

static bool is_spent(const struct work *w)
{
        return w->looked_at >= ROWS_LOOKED_AT || w->removed >= ROWS_REMOVED || w->bytes >= BYTES_REMOVED;
}

/* One author's rows come one after the other. */
static int remove_row(struct store *s, const struct row *row)
{
        sqlite3_stmt *q = database_statement(s->db, HISTORY_DELETE, false);

        (void)sqlite3_bind_int64(q, 1, row->id);
        int r = database_run(s->db, q);
        if (r < 0 || row->author == s->recorder.author)
                return r;
        q = database_statement(s->db, AUTHOR_DELETE, false);
        (void)sqlite3_bind_int64(q, 1, row->author);
        (void)sqlite3_bind_int64(q, 2, row->id);
        return database_run(s->db, q);
}

static int remove_oldest(struct store *s, bool is_policy, struct work *w)
{
        struct pruning *p = &s->pruning;
        struct row row;
        int r = 0;

        while (r == 0 && !is_spent(w) && next_row(s, p->passed[is_policy], &row) && row.id != w->newest) {
                w->looked_at++;
                if (row.is_policy == is_policy) {
                        if (row.time >= w->oldest && !is_over(s, w->limits, is_policy))
                                return 0;
                        r = remove_row(s, &row);
                        p->rows[is_policy]--;
                        p->bytes[is_policy] -= row.bytes;
                        w->removed++;
                        w->bytes += row.bytes;
                }
                p->passed[is_policy] = row.id;
        }
        return r < 0 ? r : s->db->error;
}

static int remove_rows(struct store *s, struct work *w)
{
        int r = store_begin(s, NULL);

        if (r < 0)
                return r;
        r = remove_oldest(s, false, w);
        if (r == 0)
                r = remove_oldest(s, true, w);
        if (r < 0 || w->removed == 0)
                store_rollback(s);
        else {
                s->pruning.in_turn = true;
                r = store_commit(s);
        }
        if (r < 0)
                s->pruning = (struct pruning){ 0 };
        return r;
}

int store_prune(struct store *s, const struct store_prune_limits *limits, bool *ret_more)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const uint64_t now = clock_of(CLOCK_REALTIME);
        struct work w = { .limits = limits, .oldest = now > limits->age ? now - limits->age : 0 };
        struct row first;

        assert(s->turn != TURN_WRITING);
        *ret_more = !count(s);
        w.newest = s->pruning.counted;
        if (*ret_more || s->db->error < 0 || !next_row(s, 0, &first))
                return s->db->error;
        if (first.time >= w.oldest && !is_over(s, limits, false) && !is_over(s, limits, true))
                return 0;
        int r = remove_rows(s, &w);
        *ret_more = r == 0 && is_spent(&w);
        return r;
}
