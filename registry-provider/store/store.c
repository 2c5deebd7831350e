/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening, turns and transactions, scopes, and names. */
#include "store-internal.h"

#include <assert.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/names/fold.h"
#include "moment.h"

struct store *store_writable(const struct store *s)
{
        return (struct store *)s;
}

static int load_counters(struct store *s)
{
        sqlite3_stmt *last = database_statement(s->db, HISTORY_LAST, false);
        sqlite3_stmt *layer = database_statement(s->db, LAYER_LAST, false);

        while (database_row(s->db, last))
                s->sequence = database_column_u64(last, 0);
        while (database_row(s->db, layer))
                s->next_layer = sqlite3_column_int64(layer, 0) + 1;
        if (s->db->error == 0 && s->next_layer <= BASE_LAYER_ID)
                s->db->error = diag_set(&s->db->why, EUCLEAN, "%s: the base layer is missing", s->db->path);
        return s->db->error;
}

static int on_commit(void *userdata, sqlite3 *sqlite, _unused_ const char *database, int pages)
{
        struct store *s = userdata;
        int written = 0, unused;

        /* Where nothing else is in the log, it was begun anew. */
        (void)sqlite3_db_status(sqlite, SQLITE_DBSTATUS_CACHE_WRITE, &written, &unused, 1);
        s->log_begun += pages <= written || (unsigned)pages < s->log_pages;
        s->log_pages = (unsigned)pages;
        return SQLITE_OK;
}

int store_open(const char *file, enum store_mode mode, size_t value_max, struct store **ret, struct diag *d)
{
        _cleanup_(database_closep) struct database *db = NULL;

        int r = database_open(file, mode, &db, d);
        if (r < 0)
                return r;
        _cleanup_store_ struct store *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->db = STEAL_PTR(db);
        s->value_max = value_max;
        s->cache.max = CACHE_BYTES_DEFAULT;
        s->is_shared = mode == STORE_READ_ONLY;
        (void)clock_boot_id(NULL, s->recorder.boot);
        (void)sqlite3_wal_hook(s->db->sqlite, on_commit, s);
        r = load_counters(s);
        if (r < 0)
                return diag_set(d, -r, "%s", s->db->why.text);
        *ret = STEAL_PTR(s);
        return 0;
}

struct store *store_close(struct store *s)
{
        if (!s)
                return NULL;
        s->db = database_close(s->db);
        s->moment = moment_free(s->moment);
        arena_done(&s->arena);
        recorder_done(&s->recorder);
        cache_done(&s->cache);
        for (int64_t i = 0; i < s->n_layers; i++)
                free(s->layers[i]);
        free(s->layers);
        free(s);
        return NULL;
}

/* ---- Errors ---- */

/* An error stays until nobody can take what is missing for what is not there: in a transaction until it is
 * rolled back, else until the outermost scope ends. Until then no statement runs, except what undoes. */
static void clear_error(struct store *s)
{
        s->db->error = 0;
}

static void forget_error(struct store *s)
{
        if (s->scopes == 0 && s->depth == 0)
                clear_error(s);
}

int store_error(const struct store *s, struct diag *d)
{
        int r = s->db->error;

        return r == 0 ? 0 : diag_set(d, -r, "%s", s->db->why.text);
}

/* ---- Turns and transactions ---- */

/* The pages that a turn changes stay in memory until its end (cache_spill). Where they fill SQLite's cache
 * it keeps no other one, and reads the roots of the tables from the file for each row. */
#define ROWS_OF_LARGE_TURN 5000u

static void set_large(struct store *s, bool is_large)
{
        s->is_large = is_large;
        (void)sqlite3_exec(
                s->db->sqlite, is_large ? DATABASE_CACHE_LARGE : DATABASE_CACHE, NULL, NULL, NULL);
        s->cache.max = is_large ? s->cache.max * CACHE_LARGE_TIMES : s->cache.max / CACHE_LARGE_TIMES;
        if (s->cache.arena.total > s->cache.max)
                cache_clear(&s->cache);
}

static void turn_ends(struct store *s)
{
        s->turn = TURN_NONE;
        s->recorder.pruning.in_turn = false;
        s->turn_rows = 0;
        s->is_preview = false;
        if (s->is_large)
                set_large(s, false);
}

static void undo_turn(struct store *s)
{
        if (!sqlite3_get_autocommit(s->db->sqlite))
                (void)database_force(s->db, ROLLBACK);
        cache_clear(&s->cache);
        s->sequence = s->sequence_begun;
        s->recorder.author = 0;
        s->recorder.run = 0;
        /* It is counted again. */
        if (s->recorder.pruning.in_turn)
                s->recorder.pruning = (struct pruning){ 0 };
        turn_ends(s);
}

/* The transactions that are open stay so for those who began them; each of them fails. */
static void lose_turn(struct store *s)
{
        if (s->db->error == 0)
                s->db->error = diag_set(&s->db->why, EIO, "%s: the transaction is gone", s->db->path);
        s->lost = store_error(s, &s->why_lost);
        undo_turn(s);
}

/* After some errors SQLite has rolled back by itself, with all that the turn had ended before. */
static bool is_lost(struct store *s)
{
        if (s->turn == TURN_WRITING && sqlite3_get_autocommit(s->db->sqlite))
                lose_turn(s);
        return s->lost < 0;
}

/* A turn that holds nothing holds no lock either. */
static void settle(struct store *s)
{
        (void)is_lost(s);
        if (s->depth == 0 && !s->pending) {
                if (s->turn == TURN_WRITING)
                        undo_turn(s);
                s->lost = 0;
        }
        forget_error(s);
}

static void end_reading(struct store *s)
{
        s->turn = TURN_NONE;
        if (s->is_shared)
                cache_clear(&s->cache);
        if (!sqlite3_get_autocommit(s->db->sqlite) && database_force(s->db, COMMIT) < 0)
                (void)database_force(s->db, ROLLBACK);
}

/* One that fails has not begun. */
static int begin_with(struct store *s, enum statement how)
{
        int r = database_do(s->db, how);

        if (r < 0 && !sqlite3_get_autocommit(s->db->sqlite))
                (void)database_force(s->db, ROLLBACK);
        return r;
}

/* What a failed commit has left in the log may be there whole: the next commit writes over it. Until that
 * is done nothing may be written, or a kill would bring the refused changes back. */
static int heal(struct store *s)
{
        const struct recorder_row note = { .op = STORE_NOTE, .name = "a commit failed" };

        recorder_begin(&s->recorder, NULL);
        int r = begin_with(s, BEGIN_WRITE);
        if (r == 0)
                r = recorder_add(&s->recorder, s->db, s->sequence, &note);
        if (r == 0)
                r = database_do(s->db, COMMIT);
        if (r < 0) {
                s->recorder.author = 0;
                s->recorder.run = 0;
        }
        if (r < 0 && !sqlite3_get_autocommit(s->db->sqlite))
                (void)database_force(s->db, ROLLBACK);
        s->must_heal = r < 0;
        return r;
}

static int begin_turn(struct store *s)
{
        if (s->turn == TURN_READING)
                end_reading(s);
        if (s->db->error == 0 && s->db->damage.text[0])
                s->db->error = diag_set(&s->db->why, EUCLEAN, "%s", s->db->damage.text);
        int r = s->db->error == 0 && s->must_heal ? heal(s) : s->db->error;
        if (r == 0)
                r = begin_with(s, BEGIN_WRITE);
        if (r < 0)
                return r;
        s->turn = TURN_WRITING;
        s->sequence_begun = s->sequence;
        return 0;
}

int store_begin(struct store *s, const struct store_author *author)
{
        assert(s->depth < MARKS_MAX);
        int r = is_lost(s) ? s->lost : s->db->error;
        if (r == 0 && s->turn != TURN_WRITING)
                r = begin_turn(s);
        /* The first one of a turn ends it. Inside savepoints SQLite keeps a copy of each page that changes.
         */
        bool is_nested = s->depth > 0 || s->pending;
        if (r == 0 && is_nested)
                r = database_do(s->db, SAVEPOINT);
        if (r < 0) {
                settle(s);
                return r;
        }
        s->marks[s->depth++] = (struct mark){
                .sequence = s->sequence, .author = s->recorder.author, .is_nested = is_nested
        };
        if (s->depth == 1)
                recorder_begin(&s->recorder, author);
        return 0;
}

void store_set_author(struct store *s, const struct store_author *author)
{
        s->recorder.meanwhile = author;
}

int store_begin_preview(struct store *s)
{
        assert(s->turn != TURN_WRITING);
        int r = store_begin(s, NULL);
        s->is_preview = r == 0;
        return r;
}

void store_rollback(struct store *s)
{
        assert(s->depth > 0);
        const struct mark *mark = &s->marks[--s->depth];
        cache_clear(&s->cache);
        if (mark->is_nested && !is_lost(s)) {
                s->sequence = mark->sequence;
                s->recorder.run = 0;
                /* Its row may be another one's than the last author's. */
                if (s->recorder.author != mark->author)
                        s->recorder.author = 0;
                if (database_force(s->db, ROLLBACK_TO) < 0 || database_force(s->db, RELEASE) < 0)
                        lose_turn(s);
                else if (s->scopes == 0)
                        clear_error(s);
        }
        settle(s);
}

int store_commit(struct store *s)
{
        assert(s->depth > 0);
        int r = is_lost(s) ? s->lost : s->db->error;
        if (r == 0 && s->marks[s->depth - 1].is_nested)
                r = database_do(s->db, RELEASE);
        if (r < 0) {
                store_rollback(s);
                return r;
        }
        s->pending |= --s->depth == 0;
        return 0;
}

bool store_is_pending(const struct store *s)
{
        return s->pending;
}

void store_abandon(struct store *s)
{
        s->depth = 0;
        s->pending = false;
        settle(s);
}

/* A reader's error is none of the turn's. */
static int commit_turn(struct store *s)
{
        int r = database_force(s->db, COMMIT);

        if (r < 0) {
                s->lost = diag_set(&s->why_lost, -r, "%s", s->db->why.text);
                undo_turn(s);
                clear_error(s);
                s->must_heal = true;
                (void)heal(s);
        } else
                turn_ends(s);
        return r;
}

const uint64_t store_sync_bounds[STORE_SYNC_BOUNDS] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000,
        500000, 2500000 };

static void count_sync(struct store_syncs *c, uint64_t usec)
{
        c->n++;
        c->usec += usec;
        for (size_t i = 0; i < STORE_SYNC_BOUNDS; i++)
                c->within[i] += usec <= store_sync_bounds[i];
}

const struct store_syncs *store_syncs(const struct store *s)
{
        return &s->syncs;
}

int store_sync(struct store *s, struct diag *d)
{
        assert(s->depth == 0);
        if (!s->pending)
                return 0;
        const uint64_t begun = clock_usec();
        int r = is_lost(s) ? s->lost : commit_turn(s);
        s->pending = false;
        count_sync(&s->syncs, clock_usec() - begun);
        if (r < 0) {
                (void)diag_set(d, -r, "the changes could not be stored: %s", s->why_lost.text);
                s->lost = 0;
                clear_error(s);
        }
        return r;
}

int store_prune(struct store *s, const struct store_prune_limits *limits, bool *ret_more)
{
        assert(s->turn != TURN_WRITING);
        return recorder_prune(&s->recorder, s, limits, ret_more);
}

int store_record(struct store *s, const struct store_op *op, const struct recorder_row *e)
{
        struct recorder_row row = *e;

        assert(s->depth > 0);
        row.is_policy = op->is_policy;
        if (++s->turn_rows == ROWS_OF_LARGE_TURN)
                set_large(s, true);
        if (s->sequence < op->sequence)
                s->sequence = op->sequence;
        return s->is_preview ? 0 : recorder_add(&s->recorder, s->db, s->sequence, &row);
}

size_t store_value_max(const struct store *s)
{
        return s->value_max;
}

struct database *store_database(const struct store *s)
{
        return s->db;
}

struct moment *store_moment(const struct store *s)
{
        return s->moment;
}

void store_set_moment(struct store *s, struct moment *m)
{
        s->moment = m;
}

unsigned store_log_pages(const struct store *s)
{
        return s->log_pages;
}

unsigned store_log_begun(const struct store *s)
{
        return s->log_begun;
}

void store_checkpoint(struct store *s)
{
        assert(s->turn != TURN_WRITING);
        /* Where it fails the log stays as it is, and upkeep will say what is wrong. */
        if (s->turn == TURN_NONE)
                (void)sqlite3_wal_checkpoint_v2(
                        s->db->sqlite, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

uint64_t store_take_sequence(struct store *s)
{
        return ++s->sequence;
}

uint64_t store_last_sequence(const struct store *s)
{
        return s->sequence;
}

/* ---- Scopes ---- */

struct store_scope store_scope_begin(const struct store *s)
{
        store_writable(s)->scopes++;
        return (struct store_scope){ .store = store_writable(s), .mark = s->arena.total };
}

void store_scope_end(struct store_scope *scope)
{
        struct store *s = scope->store;

        arena_trim(&s->arena, scope->mark);
        if (--s->scopes > 0)
                return;
        if (s->turn == TURN_READING)
                end_reading(s);
        settle(s);
}

const char *store_damage(const struct store *s)
{
        return s->db->damage.text;
}

void store_set_damage(struct store *s, const char *why)
{
        if (s->db->damage.text[0] == '\0')
                (void)diag_set(&s->db->damage, EUCLEAN, "%s", why);
}

const char *store_failure(const struct store *s)
{
        return s->db->why.text;
}

void store_limit_cache(struct store *s, size_t bytes)
{
        s->cache.max = bytes;
        cache_clear(&s->cache);
}

void *store_take(const struct store *s, size_t size)
{
        void *taken = arena_take(&store_writable(s)->arena, size);

        if (!taken)
                (void)database_no_memory(s->db);
        return taken;
}

const void *store_copy(const struct store *s, const void *data, size_t size)
{
        const void *copied = arena_copy(&store_writable(s)->arena, data, size);

        if (!copied)
                (void)database_no_memory(s->db);
        return copied;
}

const char *store_column_text(const struct store *s, sqlite3_stmt *statement, int column)
{
        const void *text = sqlite3_column_text(statement, column);
        return store_copy(s, text, text ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}

sqlite3_stmt *store_query(const struct store *s, enum statement id, bool is_volatile)
{
        assert(s->scopes > 0);
        if (s->turn == TURN_NONE) {
                if (begin_with(store_writable(s), BEGIN) < 0)
                        return NULL;
                store_writable(s)->turn = TURN_READING;
        }
        return database_statement(s->db, id, is_volatile);
}

/* ---- Names of entries and layers ---- */

bool store_fold(const char *name, size_t len, struct folded *ret)
{
        if (len > NAME_BYTES_MAX)
                return false;
        ret->len = fold_text(name, len, ret->text, sizeof(ret->text));
        return len == 0 || ret->len > 0;
}

int64_t store_layer_id(const struct store *s, const char *name)
{
        struct folded folded;
        int64_t id = 0;

        if (strcmp(name, LAYER_BASE) == 0)
                return BASE_LAYER_ID;
        if (!store_fold(name, strlen(name), &folded))
                return 0;
        sqlite3_stmt *q = store_query(s, LAYER_ID, false);
        database_bind_text(q, 1, folded.text, folded.len);
        while (database_row(s->db, q))
                id = sqlite3_column_int64(q, 0);
        return id;
}

/* NULL: out of memory. */
static char **layer_slot(struct store *s, int64_t id)
{
        if (id < s->n_layers)
                return &s->layers[id];
        int64_t n = id + 16;
        char **layers = reallocarray(s->layers, (size_t)n, sizeof(*layers));
        if (!layers)
                return NULL;
        memset(layers + s->n_layers, 0, (size_t)(n - s->n_layers) * sizeof(*layers));
        s->layers = layers;
        s->n_layers = n;
        return &layers[id];
}

static int keep_layer_name(struct store *s, int64_t id, const char *name)
{
        char **slot = name ? layer_slot(s, id) : NULL;

        if (slot && !*slot)
                *slot = strdup(name);
        return slot && *slot ? 0 : database_no_memory(s->db);
}

const char *store_layer_name(const struct store *s, int64_t id)
{
        int r = id > 0 && id < s->n_layers && s->layers[id] ? 0 : -EUCLEAN;

        if (r < 0 && id > 0 && id <= LAYER_IDS_MAX) {
                sqlite3_stmt *q = store_query(s, LAYER_NAME, false);
                (void)sqlite3_bind_int64(q, 1, id);
                while (database_row(s->db, q))
                        r = keep_layer_name(store_writable(s), id, (const char *)sqlite3_column_text(q, 0));
        }
        if (r == 0)
                return s->layers[id];
        if (s->db->error == 0)
                s->db->error = diag_set(&s->db->why, EUCLEAN, "%s: there is no layer number %lld",
                        s->db->path, (long long)id);
        return "";
}

int store_take_layer(struct store *s, const char *name, int64_t *ret)
{
        struct folded folded;
        size_t len = strlen(name);

        *ret = store_layer_id(s, name);
        if (*ret != 0 || s->db->error < 0)
                return s->db->error;
        if (!path_component_is_storable(name, len) || !store_fold(name, len, &folded))
                return -EINVAL;
        sqlite3_stmt *row = database_statement(s->db, LAYER_INSERT, false);
        (void)sqlite3_bind_int64(row, 1, s->next_layer);
        database_bind_text(row, 2, folded.text, folded.len);
        database_bind_text(row, 3, name, len);
        *ret = s->next_layer++;
        return database_run(s->db, row);
}
