/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "moment.h"

#include <stdlib.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/date.h"
#include "../../schema/base/hashmap.h"

/* More than an answer can hold is not brought back for one key. */
#define KEY_BYTES_MAX (64u * 1024u * 1024u)

/* What a row changed. */
enum thing_kind {
        THING_ENTRY,
        THING_VALUE,
        THING_BLANKET,
        THING_FILE,
        THING_KEY, /* whether it is there */
        THING_SD,
        THING_TIME,
        THING_GATHERED, /* of a key: all of its rows were looked at */
};

struct thing {
        enum thing_kind kind;
        struct guid key;
        int64_t layer;
        size_t len;
        char folded[];
};

struct moment {
        int64_t row; /* the last one that had happened */
        struct hashmap things;
        struct arena arena;
};

struct probe {
        enum thing_kind kind;
        const struct guid *key;
        int64_t layer;
        const char *folded;
        size_t len;
};

static uint32_t probe_hash(const struct probe *p)
{
        return hashmap_hash(
                p->folded, p->len, guid_hash(p->key) + (uint32_t)p->kind + 16 * (uint32_t)p->layer);
}

static bool thing_matches(const void *entry, const void *key)
{
        const struct thing *t = entry;
        const struct probe *p = key;

        return t->kind == p->kind && t->layer == p->layer && t->len == p->len &&
               guid_equal(&t->key, p->key) && memcmp(t->folded, p->folded, p->len) == 0;
}

static bool has_thing(const struct moment *m, const struct probe *p)
{
        return hashmap_get(&m->things, probe_hash(p), thing_matches, p);
}

/* True: it was not known yet. */
static bool add_thing(const struct store *s, const struct probe *p)
{
        struct moment *m = store_moment(s);

        if (has_thing(m, p))
                return false;
        struct thing *t = arena_take(&m->arena, sizeof(*t) + p->len);
        if (!t || hashmap_put(&m->things, probe_hash(p), t) < 0) {
                (void)database_no_memory(store_database(s));
                return false;
        }
        *t = (struct thing){ .kind = p->kind, .key = *p->key, .layer = p->layer, .len = p->len };
        memcpy(t->folded, p->folded, p->len);
        return true;
}

/* ---- What happened to a key since ---- */

/* Rows of which each is the first since the moment to change something: to undo them is enough. */
struct first_rows {
        int64_t *ids;
        size_t n;
        uint64_t bytes;
};

static bool add_row(struct first_rows *rows, int64_t id)
{
        if (array_grow(&rows->ids, rows->n, sizeof(*rows->ids)) < 0)
                return false;
        rows->ids[rows->n++] = id;
        return true;
}

static bool add_named(
        const struct store *s, enum thing_kind kind, const struct guid *key, sqlite3_stmt *q, int64_t layer)
{
        const char *name = (const char *)sqlite3_column_text(q, 3);
        struct folded folded;

        if (!name || !store_fold(name, (size_t)sqlite3_column_bytes(q, 3), &folded))
                return true;
        return add_thing(s, &(struct probe){ kind, key, layer, folded.text, folded.len });
}

static bool add_plain(const struct store *s, enum thing_kind kind, const struct guid *key, int64_t layer)
{
        return add_thing(s, &(struct probe){ kind, key, layer, "", 0 });
}

/* Whether the row is the first one to change anything of what it changes. */
static bool is_first(const struct store *s, const struct guid *key, sqlite3_stmt *q)
{
        const int64_t layer = sqlite3_column_int64(q, 2), mask = sqlite3_column_int64(q, 4);
        bool is = false;

        switch ((enum store_op_code)sqlite3_column_int(q, 1)) {
        case STORE_CREATE_ENTRY:
        case STORE_HIDE_ENTRY:
        case STORE_DELETE_ENTRY:
                return add_named(s, THING_ENTRY, key, q, layer);
        case STORE_SET_VALUE:
        case STORE_DELETE_VALUE:
                is = add_named(s, THING_VALUE, key, q, layer);
                return add_plain(s, THING_TIME, key, 0) || is;
        case STORE_SET_BLANKET:
                return add_plain(s, THING_BLANKET, key, layer);
        case STORE_CREATE_KEY:
        case STORE_DROP_KEY:
                return add_plain(s, THING_KEY, key, 0);
        case STORE_WRITE_KEY:
                is = (mask & STORE_MASK_SD) && add_plain(s, THING_SD, key, 0);
                return ((mask & STORE_MASK_TIME) && add_plain(s, THING_TIME, key, 0)) || is;
        case STORE_SET_FILE:
        case STORE_FORGET_FILE:
                return add_plain(s, THING_FILE, key, layer);
        case STORE_NOTE:
        case STORE_DELETE_LAYER:
                break;
        }
        return false;
}

static void find_first_rows(const struct store *s, const struct guid *key, struct first_rows *ret)
{
        struct database *db = store_database(s);
        sqlite3_stmt *q = store_query(s, HISTORY_OF_KEY, false);

        database_bind_guid(q, 1, key);
        (void)sqlite3_bind_int64(q, 2, store_moment(s)->row);
        while (database_row(db, q)) {
                if ((sqlite3_column_int64(q, 5) & HISTORY_VOLATILE) || !is_first(s, key, q))
                        continue;
                ret->bytes += database_column_u64(q, 6);
                if (ret->bytes > KEY_BYTES_MAX && db->error == 0)
                        db->error = diag_set(&db->why, EFBIG,
                                "what was changed in the key since takes more than %u bytes", KEY_BYTES_MAX);
                if (!add_row(ret, sqlite3_column_int64(q, 0)))
                        (void)database_no_memory(db);
        }
}

/* What was dropped since may be there again. */
static int undo(struct store *s, int64_t id)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct history_row *row = history_before(s, id + 1);

        if (!row)
                return store_database(s)->error;
        int r = row->op == STORE_DROP_KEY ? store_run(s, KEY_DELETE, &row->key, true) : 0;
        return r < 0 ? r : history_undo(s, row);
}

static void copy_key(struct store *s, const struct guid *key)
{
        const enum statement id = guid_is_zero(key) ? FILES_COPY : KEY_COPY;
        sqlite3_stmt *q = store_query(s, id, false);

        if (id == KEY_COPY)
                database_bind_guid(q, 1, key);
        (void)!database_run(store_database(s), q);
}

void moment_need(const struct store *reader, const struct guid *key)
{
        struct store *s = store_writable(reader);
        struct first_rows rows = { 0 };

        if (!store_moment(s) || store_database(s)->error < 0 || !add_plain(s, THING_GATHERED, key, 0))
                return;
        copy_key(s, key);
        find_first_rows(s, key, &rows);
        int r = store_database(s)->error;
        while (r == 0 && rows.n > 0)
                r = undo(s, rows.ids[--rows.n]);
        if (r < 0 && store_database(s)->error == 0)
                store_database(s)->error = diag_set(
                        &store_database(s)->why, -r, "the history cannot be undone: %s", strerror(-r));
        free(rows.ids);
}

bool moment_hides(const struct store *s, enum cache_kind kind, const struct guid *key, const char *folded,
        size_t len, int64_t layer)
{
        static const enum thing_kind kinds[] = {
                [CACHE_ENTRIES] = THING_ENTRY, [CACHE_VALUES] = THING_VALUE, [CACHE_BLANKETS] = THING_BLANKET
        };

        return kind == CACHE_KEY ||
               has_thing(store_moment(s), &(struct probe){ kinds[kind], key, layer, folded, len });
}

/* Of many keys no more than this is wanted. */
bool moment_has_key(const struct store *s, const struct guid *key)
{
        const struct moment *m = store_moment(s);
        bool is_past = has_thing(m, &(struct probe){ THING_GATHERED, key, 0, "", 0 }), has = false;
        sqlite3_stmt *q;

        if (!is_past) {
                q = store_query(s, HISTORY_KEY_NEXT, false);
                database_bind_guid(q, 1, key);
                (void)sqlite3_bind_int64(q, 2, m->row);
                while (database_row(store_database(s), q)) {
                        is_past = true;
                        has = sqlite3_column_int(q, 0) == STORE_DROP_KEY;
                }
                if (is_past)
                        return has;
        }
        q = store_query(s, KEY_IS, is_past);
        database_bind_guid(q, 1, key);
        while (database_row(store_database(s), q))
                has = true;
        return has;
}

int64_t moment_row(const struct moment *m)
{
        return m->row;
}

/* ---- Which moment ---- */

static int64_t column_of(sqlite3_stmt *q, enum history_scale scale)
{
        return sqlite3_column_int64(q, scale == HISTORY_BY_TIME ? 2 : 1);
}

/* Of the first row whose number is at least `id`; id = 0: of the newest one. False: there is none. */
static bool look_at(
        const struct store *s, int64_t id, enum history_scale scale, int64_t *ret_id, uint64_t *ret)
{
        sqlite3_stmt *q = store_query(s, id == 0 ? HISTORY_LAST_NUMBER : HISTORY_NUMBER, false);

        if (q && id > 0)
                (void)sqlite3_bind_int64(q, 1, id);
        if (!database_row(store_database(s), q))
                return false;
        *ret_id = sqlite3_column_int64(q, 0);
        *ret = (uint64_t)column_of(q, scale);
        (void)sqlite3_reset(q);
        return true;
}

int64_t history_until(const struct store *s, enum history_scale scale, uint64_t number)
{
        int64_t low = 0, high, id;
        uint64_t at;

        if (!look_at(s, 0, scale, &high, &at))
                return 0;
        if (at <= number)
                return high;
        /* What is behind `low` is later than the number at `high`. */
        while (high - low > 1) {
                int64_t middle = low + (high - low) / 2;
                if (!look_at(s, middle, scale, &id, &at))
                        return 0;
                if (at <= number)
                        low = id;
                else
                        high = middle;
        }
        return low;
}

/* All of a transaction's rows have one time: nobody ever saw a part of it. `step`: to its end, or to its
 * beginning. */
static int64_t walk(const struct store *s, int64_t row, int64_t step, int64_t max)
{
        uint64_t time, next;
        int64_t id, n = 0;

        if (!look_at(s, row, HISTORY_BY_TIME, &id, &time))
                return row;
        while (n++ < max && row + step > 0 && look_at(s, row + step, HISTORY_BY_TIME, &id, &next) &&
                next == time && id == row + step)
                row = id;
        return row;
}

/* A key that is made has the number before: a transaction's first rows are none of that number's. */
static int64_t find_by_sequence(const struct store *s, uint64_t sequence, int64_t max)
{
        int64_t row = sequence > 0 ? history_until(s, HISTORY_BY_SEQUENCE, sequence - 1) + 1 : 1;
        uint64_t at;

        if (!look_at(s, row, HISTORY_BY_SEQUENCE, &row, &at))
                return history_last(s);
        return at == sequence ? walk(s, row, 1, max) : walk(s, row, -1, max) - 1;
}

/* The row before the oldest one that no gap is behind. */
static int64_t edge(const struct store *s)
{
        int64_t at = history_last(s);
        sqlite3_stmt *q = store_query(s, HISTORY_ALL_DOWN, false);

        (void)sqlite3_bind_int64(q, 1, INT64_MAX);
        while (database_row(store_database(s), q)) {
                if (sqlite3_column_int64(q, 0) < at)
                        break;
                at--;
        }
        (void)sqlite3_reset(q);
        return at;
}

/* The row itself, or another one's number would do for it; and all after it. */
static bool is_kept(const struct store *s, int64_t row)
{
        sqlite3_stmt *q = store_query(s, HISTORY_COUNT_AFTER, false);
        int64_t n = -1, id = 0;
        uint64_t at;

        if (q)
                (void)sqlite3_bind_int64(q, 1, row);
        while (database_row(store_database(s), q))
                n = sqlite3_column_int64(q, 0);
        return n == history_last(s) - row &&
               (row == 0 || (look_at(s, row, HISTORY_BY_TIME, &id, &at) && id == row));
}

static int not_kept(const struct store *s, struct diag *d)
{
        const int64_t row = edge(s);
        uint64_t sequence = 0, time = 0;
        int64_t id;
        char date[DATE_TEXT_MAX];

        (void)look_at(s, row > 0 ? row : 1, HISTORY_BY_SEQUENCE, &id, &sequence);
        (void)look_at(s, row > 0 ? row : 1, HISTORY_BY_TIME, &id, &time);
        (void)diag_set(d, 0, "that moment is not kept any more: the history goes back to number %llu (%s)",
                (unsigned long long)sequence, date_format((int64_t)time, date));
        return HISTORY_NOT_KEPT;
}

static int not_yet(uint64_t sequence, uint64_t last, struct diag *d)
{
        (void)diag_set(d, 0, "there is no change number %llu yet, the last one is %llu",
                (unsigned long long)sequence, (unsigned long long)last);
        return HISTORY_TO_COME;
}

int history_find(const struct store *s, enum history_scale scale, uint64_t number, int64_t max, int64_t *ret,
        struct diag *d)
{
        const uint64_t last = store_last_sequence(s);

        if (scale == HISTORY_BY_SEQUENCE && number > last)
                return not_yet(number, last, d);
        if (scale == HISTORY_BY_TIME && number > clock_of(CLOCK_REALTIME)) {
                (void)diag_set(d, 0, "that moment is still to come");
                return HISTORY_TO_COME;
        }
        const int64_t row = scale == HISTORY_BY_TIME ? history_until(s, scale, number)
                                                     : find_by_sequence(s, number, max);
        const bool kept = is_kept(s, row);
        if (store_database(s)->error < 0)
                return diag_set(d, -store_database(s)->error, "%s", store_database(s)->why.text);
        if (!kept)
                return not_kept(s, d);
        *ret = row;
        return 0;
}

static bool has_row(const struct store *s, int64_t row)
{
        uint64_t at;
        int64_t id;

        return look_at(s, row, HISTORY_BY_TIME, &id, &at) && id == row;
}

int history_find_change(const struct store *s, uint64_t sequence, int64_t max, int64_t *ret_after,
        int64_t *ret_until, struct diag *d)
{
        const uint64_t last = store_last_sequence(s);
        int64_t row = sequence > 0 ? history_until(s, HISTORY_BY_SEQUENCE, sequence - 1) + 1 : 1;
        uint64_t at = 0;

        if (sequence > last)
                return not_yet(sequence, last, d);
        const bool has = look_at(s, row, HISTORY_BY_SEQUENCE, &row, &at) && at == sequence;
        const int64_t first = walk(s, row, -1, max), until = walk(s, row, 1, max);
        if (store_database(s)->error < 0)
                return diag_set(d, -store_database(s)->error, "%s", store_database(s)->why.text);
        /* Beside a gap something of it may be missing. */
        if (!has || (first > 1 && !has_row(s, first - 1)) ||
                (until < history_last(s) && !has_row(s, until + 1))) {
                (void)diag_set(
                        d, 0, "change number %llu is not in the history", (unsigned long long)sequence);
                return HISTORY_NOT_KEPT;
        }
        *ret_after = first - 1;
        *ret_until = until;
        return 0;
}

/* ---- Life ---- */

int store_show(struct store *s, int64_t row)
{
        struct moment *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->row = row;
        int r = database_make_tables(store_database(s), true);
        if (r < 0) {
                (void)moment_free(m);
                return r;
        }
        store_database(s)->has_volatile = true;
        store_set_moment(s, m);
        (void)store_scope_begin(s);
        return 0;
}

static int copy_volatile(struct database *to, const struct database *from)
{
        sqlite3_backup *copying = sqlite3_backup_init(to->sqlite, "temp", from->sqlite, "temp");

        if (!copying)
                return database_no_memory(to);
        (void)sqlite3_backup_step(copying, -1);
        if (sqlite3_backup_finish(copying) != SQLITE_OK)
                return database_no_memory(to);
        to->has_volatile = true;
        return 0;
}

int store_freeze(struct store *s, const struct store *of)
{
        const struct database *from = store_database(of);
        int r = from->has_volatile ? copy_volatile(store_database(s), from) : 0;

        if (r < 0)
                return r;
        (void)store_scope_begin(s);
        /* The transaction begins with the first row that is read. */
        sqlite3_stmt *any = store_query(s, LAYER_LAST, false);
        while (database_row(store_database(s), any))
                ;
        return store_error(s, NULL);
}

struct moment *moment_free(struct moment *m)
{
        if (!m)
                return NULL;
        hashmap_done(&m->things);
        arena_done(&m->arena);
        free(m);
        return NULL;
}
