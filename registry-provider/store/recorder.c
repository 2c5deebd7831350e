/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the history are written, undone, marked, and removed. */
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store-tables.h"

const struct store_author recorder_registry = { .reason = "registry",
        .actor = { AUDIT_ID_UNSET, AUDIT_ID_UNSET, AUDIT_ID_UNSET, AUDIT_ID_UNSET, .nobody = true } };

void recorder_begin(struct recorder *rec, const struct store_author *author)
{
        rec->time = clock_of(CLOCK_REALTIME);
        rec->begun_by = author ? author : &recorder_registry;
        rec->meanwhile = NULL;
}

void recorder_done(struct recorder *rec)
{
        free(rec->last_file);
}

static bool is_last_author(const struct recorder *rec, const struct store_author *a)
{
        return rec->author != 0 &&
               strcmp(a->file ? a->file : "", rec->last_file ? rec->last_file : "") == 0 &&
               seal_equal(&a->seal, &rec->last_seal) && strcmp(a->reason, rec->last_reason) == 0 &&
               memcmp(&a->actor, &rec->last_actor, sizeof(a->actor)) == 0;
}

static void bind_id(sqlite3_stmt *statement, int column, uint32_t id)
{
        if (id != AUDIT_ID_UNSET)
                database_bind_u64(statement, column, id);
        else
                (void)sqlite3_bind_null(statement, column);
}

static void bind_known(sqlite3_stmt *statement, int column, const char *text)
{
        if (text && text[0])
                database_bind_text(statement, column, text, strlen(text));
        else
                (void)sqlite3_bind_null(statement, column);
}

/* One row serves all that one author does one after the other. */
static int know_author(struct recorder *rec, struct database *db)
{
        const struct store_author *a = rec->meanwhile ? rec->meanwhile : rec->begun_by;

        if (is_last_author(rec, a))
                return 0;
        sqlite3_stmt *row = database_statement(db, AUTHOR_INSERT, false);
        database_bind_text(row, 1, rec->boot, strlen(rec->boot));
        database_bind_text(row, 2, a->reason, strlen(a->reason));
        bind_known(row, 3, a->file);
        store_bind_seal(row, 4, &a->seal);
        bind_id(row, 6, a->actor.pid);
        bind_id(row, 7, a->actor.uid);
        bind_id(row, 8, a->actor.loginuid);
        bind_id(row, 9, a->actor.session);
        bind_known(row, 10, a->actor.comm);
        bind_known(row, 11, a->actor.exe);
        bind_known(row, 12, a->actor.context);
        int r = database_run(db, row);
        if (r == 0) {
                rec->author = sqlite3_last_insert_rowid(db->sqlite);
                rec->last_actor = a->actor;
                rec->last_seal = a->seal;
                free(rec->last_file);
                rec->last_file = a->file ? strdup(a->file) : NULL;
                (void)snprintf(rec->last_reason, sizeof(rec->last_reason), "%s", a->reason);
                if (a->file && !rec->last_file)
                        return database_no_memory(db);
        }
        return r;
}

static void bind_was(sqlite3_stmt *row, const struct recorder_row *e)
{
        const struct history_was *was = &e->was;

        if (was->name)
                database_bind_text(row, 13, was->name, strlen(was->name));
        database_bind_u64(row, 14, was->sequence);
        database_bind_guid(row, 15, &was->target);
        database_bind_u64(row, 16, was->type);
        database_bind_data(row, 17, was->data, was->size);
}

static unsigned flags_of(const struct recorder_row *e)
{
        const bool is_policy =
                e->is_policy || e->op == STORE_SET_FILE || e->op == STORE_FORGET_FILE || e->op == STORE_NOTE;

        return (e->is_volatile ? HISTORY_VOLATILE : 0u) | (is_policy ? HISTORY_POLICY : 0u);
}

static bool begins_run(struct recorder *rec, const struct guid *key, uint16_t op)
{
        const bool is = rec->run == 0 || rec->run == HISTORY_RUN_MAX || !guid_equal(&rec->run_of, key) ||
                        op == STORE_CREATE_KEY || op == STORE_DROP_KEY;

        rec->run_of = *key;
        rec->run = is ? 1 : rec->run + 1;
        return is;
}

int recorder_add(struct recorder *rec, struct database *db, uint64_t sequence, const struct recorder_row *e)
{
        const struct guid *key = e->key ? e->key : &(struct guid){ 0 };
        int r = know_author(rec, db);
        sqlite3_stmt *row = r == 0 ? database_statement(db, HISTORY_ADD, false) : NULL;

        if (!row)
                return db->error;
        (void)sqlite3_clear_bindings(row);
        database_bind_u64(row, 1, sequence);
        database_bind_u64(row, 2, rec->time);
        (void)sqlite3_bind_int64(row, 3, rec->author);
        database_bind_u64(row, 4, e->op);
        database_bind_u64(row, 5, flags_of(e) | (begins_run(rec, key, e->op) ? HISTORY_RUN : 0u));
        database_bind_guid(row, 6, key);
        if (e->layer)
                (void)sqlite3_bind_int64(row, 7, e->layer);
        if (e->name)
                database_bind_text(row, 8, e->name, strlen(e->name));
        if (e->folded)
                database_bind_text(row, 9, e->folded, e->folded_len);
        if (e->target)
                database_bind_guid(row, 10, e->target);
        if (e->is_volatile)
                return database_run(db, row);
        if (e->has_type)
                database_bind_u64(row, 11, e->type);
        if (e->has_type && e->data)
                database_bind_data(row, 12, e->data, e->size);
        if (e->was.is)
                bind_was(row, e);
        if (e->was.time != 0)
                database_bind_u64(row, 18, e->was.time);
        return database_run(db, row);
}

void recorder_was_value(const struct store_value_entry *e, uint64_t time, struct history_was *ret)
{
        *ret = (struct history_was){ .time = time };
        if (e)
                *ret = (struct history_was){ .is = true,
                        .name = e->name,
                        .sequence = e->sequence,
                        .type = e->type,
                        .data = e->data,
                        .size = e->size,
                        .time = time };
}

void recorder_was_entry(const struct store_path_entry *e, struct history_was *ret)
{
        *ret = (struct history_was){
                .is = true, .name = e->name, .sequence = e->sequence, .target = e->target
        };
}

/* ---- Undoing: in the file's tables, or, where the store shows an earlier moment, in those in memory ----
 */

static bool in_memory(const struct store *s)
{
        return store_moment(s) != NULL;
}

/* What the layer had before, as the operation that would put it. */
static struct store_op op_of(const struct history_row *row, uint16_t code)
{
        const struct history_was *was = &row->was;

        return (struct store_op){ .code = code,
                .guid = row->key,
                .target = was->target,
                .name = was->name,
                .type = was->type,
                .data = was->data,
                .size = was->size,
                .sequence = was->sequence,
                .time = was->time };
}

static int undo_entry(struct store *s, const struct history_row *row, int64_t layer)
{
        struct store_op op =
                op_of(row, guid_is_zero(&row->was.target) ? STORE_HIDE_ENTRY : STORE_CREATE_ENTRY);
        struct folded folded;

        if (row->was.is)
                return store_put_entry(s, &op, layer, in_memory(s));
        if (!row->name || !store_fold(row->name, strlen(row->name), &folded))
                return -EUCLEAN;
        return store_delete(s, ENTRY_DELETE, &row->key, &folded, layer, in_memory(s));
}

static int undo_value(struct store *s, const struct history_row *row, int64_t layer)
{
        struct store_op op = op_of(row, STORE_SET_VALUE);
        struct folded folded;
        int r;

        if (row->was.is)
                r = store_put_value(s, &op, layer, in_memory(s), false);
        else if (row->name && store_fold(row->name, strlen(row->name), &folded))
                r = store_delete(s, VALUE_DELETE, &row->key, &folded, layer, in_memory(s));
        else
                r = -EUCLEAN;
        return r < 0 ? r : store_put_time(s, &row->key, row->was.time, in_memory(s));
}

static int undo_blanket(struct store *s, const struct history_row *row, int64_t layer)
{
        struct store_op op = op_of(row, STORE_SET_BLANKET);

        return row->was.is ? store_put_blanket(s, &op, layer, in_memory(s))
                           : store_delete(s, BLANKET_DELETE, &row->key, NULL, layer, in_memory(s));
}

static int undo_write_key(struct store *s, const struct history_row *row)
{
        int r = 0;

        if (row->type & STORE_MASK_SD)
                r = store_put_sd(s, &row->key, row->was.data, row->was.size, in_memory(s));
        if (r == 0 && row->type & STORE_MASK_TIME)
                r = store_put_time(s, &row->key, row->was.time, in_memory(s));
        return r;
}

static int undo_drop_key(struct store *s, const struct history_row *row)
{
        struct store_op op = op_of(row, STORE_CREATE_KEY);

        op.is_link = row->was.type & KEY_FLAG_LINK;
        op.is_volatile = in_memory(s);
        return store_put_key(s, &op);
}

static int undo_file(struct store *s, const struct history_row *row, int64_t layer)
{
        struct store_op op = op_of(row, STORE_SET_FILE);

        if (!row->was.is)
                return store_delete_file(s, layer);
        op.precedence = row->was.type;
        store_parse_file(row->was.data, row->was.size, &op.set, &op.seal);
        return store_put_file(s, &op, layer);
}

int history_undo(struct store *s, const struct history_row *row)
{
        int64_t layer = 0;

        /* A key may go while entries name it. */
        store_forget_all(s);
        int r = row->layer ? store_take_layer(s, row->layer, &layer) : 0;
        if (r < 0 || row->is_volatile)
                return r;
        switch (row->op) {
        case STORE_CREATE_ENTRY:
        case STORE_HIDE_ENTRY:
        case STORE_DELETE_ENTRY:
                return undo_entry(s, row, layer);
        case STORE_CREATE_KEY:
                return store_run(s, KEY_DELETE, &row->key, in_memory(s));
        case STORE_WRITE_KEY:
                return undo_write_key(s, row);
        case STORE_DROP_KEY:
                return undo_drop_key(s, row);
        case STORE_SET_VALUE:
        case STORE_DELETE_VALUE:
                return undo_value(s, row, layer);
        case STORE_SET_BLANKET:
                return undo_blanket(s, row, layer);
        case STORE_SET_FILE:
        case STORE_FORGET_FILE:
                return undo_file(s, row, layer);
        case STORE_NOTE:
                return 0;
        case STORE_DELETE_LAYER:
                break;
        }
        return -EUCLEAN;
}

/* ---- What was not effective ---- */

const struct history_row *history_after(const struct store *s, int64_t id)
{
        struct history_row *row = NULL;
        sqlite3_stmt *q = store_query(s, HISTORY_AFTER, false);

        (void)sqlite3_bind_int64(q, 1, id);
        while (database_row(store_database(s), q)) {
                row = store_take(s, sizeof(*row));
                if (!row)
                        continue;
                *row = (struct history_row){ .id = sqlite3_column_int64(q, 0),
                        .op = (enum store_op_code)sqlite3_column_int(q, 1),
                        .name = store_column_text(s, q, 3) };
                database_column_guid(q, 2, &row->key);
        }
        return store_database(s)->error ? NULL : row;
}

int history_shadowed(struct store *s, int64_t id)
{
        sqlite3_stmt *q = database_statement(store_database(s), HISTORY_SET_FLAG, false);

        (void)sqlite3_bind_int64(q, 1, id);
        (void)sqlite3_bind_int64(q, 2, HISTORY_SHADOWED);
        return database_run(store_database(s), q);
}

/* ---- Removing. Rows are numbered without gaps, so that a gap says that something was here; sums are
 * counted once, a part at a time, and kept. ---- */

/* So long at once, and then to commit that: whoever asks meanwhile waits for it. Where others keep the
 * processor busy it goes on all the same. */
#define PART_USEC 15000u
#define ROWS_AT_LEAST 200u

struct work {
        const struct store_prune_limits *limits;
        uint64_t oldest; /* that may stay, µs since the epoch */
        int64_t newest;  /* the row that always stays: it has the counter */
        uint64_t until;  /* of clock_usec() */
        unsigned looked_at, removed;
};

struct counted {
        int64_t id, author;
        uint64_t time, bytes;
        bool is_policy, begins_run;
};

/* The first one after that number. */
static bool next_row(struct store *s, int64_t after, struct counted *ret)
{
        sqlite3_stmt *q = store_query(s, HISTORY_SIZE, false);
        bool any = false;

        (void)sqlite3_bind_int64(q, 1, after);
        while (database_row(store_database(s), q)) {
                any = true;
                *ret = (struct counted){ .id = sqlite3_column_int64(q, 0),
                        .time = database_column_u64(q, 1),
                        .author = sqlite3_column_int64(q, 2),
                        .is_policy = sqlite3_column_int64(q, 3) & HISTORY_POLICY,
                        .begins_run = sqlite3_column_int64(q, 3) & HISTORY_RUN,
                        .bytes = database_column_u64(q, 4) };
        }
        return any;
}

static bool is_spent(const struct work *w)
{
        return w->looked_at >= ROWS_AT_LEAST && clock_usec() >= w->until;
}

/* False: there are more. */
static bool count(struct recorder *rec, struct store *s, struct work *w)
{
        struct pruning *p = &rec->pruning;
        struct counted row;

        while (next_row(s, p->counted, &row)) {
                p->counted = row.id;
                p->rows[row.is_policy]++;
                p->bytes[row.is_policy] += row.bytes;
                w->looked_at++;
                if (is_spent(w))
                        return false;
        }
        return true;
}

static bool is_over(const struct recorder *rec, const struct store_prune_limits *limits, bool is_policy)
{
        const struct pruning *p = &rec->pruning;

        return is_policy ? p->bytes[1] > limits->policy_bytes
                         : p->rows[0] > limits->rows || p->bytes[0] > limits->bytes;
}

/* One author's rows come one after the other. The rest of a run begins with its next row. */
static int remove_row(const struct recorder *rec, struct store *s, const struct counted *row)
{
        sqlite3_stmt *q = database_statement(store_database(s), HISTORY_DELETE, false);

        (void)sqlite3_bind_int64(q, 1, row->id);
        int r = database_run(store_database(s), q);
        if (r == 0 && row->begins_run) {
                q = database_statement(store_database(s), HISTORY_BEGIN_RUN, false);
                (void)sqlite3_bind_int64(q, 1, row->id);
                r = database_run(store_database(s), q);
        }
        if (r < 0 || row->author == rec->author)
                return r;
        q = database_statement(store_database(s), AUTHOR_DELETE, false);
        (void)sqlite3_bind_int64(q, 1, row->author);
        (void)sqlite3_bind_int64(q, 2, row->id);
        return database_run(store_database(s), q);
}

static int remove_oldest(struct recorder *rec, struct store *s, bool is_policy, struct work *w)
{
        struct pruning *p = &rec->pruning;
        struct counted row;
        int r = 0;

        while (r == 0 && !is_spent(w) && next_row(s, p->passed[is_policy], &row) && row.id != w->newest) {
                w->looked_at++;
                if (row.is_policy == is_policy) {
                        if (row.time >= w->oldest && !is_over(rec, w->limits, is_policy))
                                return 0;
                        r = remove_row(rec, s, &row);
                        p->rows[is_policy]--;
                        p->bytes[is_policy] -= row.bytes;
                        w->removed++;
                }
                p->passed[is_policy] = row.id;
        }
        return r < 0 ? r : store_database(s)->error;
}

static int remove_rows(struct recorder *rec, struct store *s, struct work *w)
{
        int r = store_begin(s, NULL);

        if (r < 0)
                return r;
        r = remove_oldest(rec, s, false, w);
        if (r == 0)
                r = remove_oldest(rec, s, true, w);
        if (r < 0 || w->removed == 0)
                store_rollback(s);
        else {
                rec->pruning.in_turn = true;
                r = store_commit(s);
        }
        if (r < 0)
                rec->pruning = (struct pruning){ 0 };
        return r;
}

int recorder_prune(
        struct recorder *rec, struct store *s, const struct store_prune_limits *limits, bool *ret_more)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const uint64_t now = clock_of(CLOCK_REALTIME);
        struct work w = { .limits = limits,
                .oldest = now > limits->age ? now - limits->age : 0,
                .until = clock_usec() + PART_USEC };
        struct counted first;

        *ret_more = !count(rec, s, &w);
        w.newest = rec->pruning.counted;
        if (*ret_more || store_database(s)->error < 0 || !next_row(s, 0, &first))
                return store_database(s)->error;
        if (first.time >= w.oldest && !is_over(rec, limits, false) && !is_over(rec, limits, true))
                return 0;
        int r = remove_rows(rec, s, &w);
        *ret_more = r == 0 && is_spent(&w);
        return r;
}
