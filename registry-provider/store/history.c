/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the history. */
#include "history.h"

#include <stdio.h>
#include <string.h>

#include "../../schema/base/hashmap.h"
#include "store-tables.h"

/* ---- Rows ---- */

static const char *text_or_null(const struct store *s, sqlite3_stmt *q, int column)
{
        return sqlite3_column_type(q, column) == SQLITE_NULL ? NULL : store_column_text(s, q, column);
}

static uint32_t id_or_unset(sqlite3_stmt *q, int column)
{
        return sqlite3_column_type(q, column) == SQLITE_NULL ? AUDIT_ID_UNSET
                                                             : (uint32_t)sqlite3_column_int64(q, column);
}

/* Nothing is said of who it was. */
static const struct store_author somebody = { .reason = "", .actor = ACTOR_UNKNOWN };

struct author {
        int64_t id;
        struct store_author author;
        const char *boot;
};

static bool is_nobody(const char *reason)
{
        return reason &&
               (strcmp(reason, recorder_registry.reason) == 0 || strcmp(reason, STORE_REASON_ENDED) == 0);
}

static const struct author *read_author(const struct store *s, int64_t id)
{
        struct author *a = store_take(s, sizeof(*a));

        if (!a)
                return NULL;
        *a = (struct author){ .id = id, .author = somebody, .boot = "" };
        sqlite3_stmt *q = store_query(s, AUTHOR_GET, false);
        (void)sqlite3_bind_int64(q, 1, id);
        while (database_row(store_database(s), q)) {
                a->boot = store_column_text(s, q, 0);
                a->author.reason = store_column_text(s, q, 1);
                a->author.file = text_or_null(s, q, 2);
                struct actor *actor = &a->author.actor;
                store_column_seal(q, 3, &a->author.seal);
                actor->pid = id_or_unset(q, 5);
                actor->uid = id_or_unset(q, 6);
                actor->loginuid = id_or_unset(q, 7);
                actor->session = id_or_unset(q, 8);
                store_column_into(q, 9, actor->comm, sizeof(actor->comm));
                store_column_into(q, 10, actor->exe, sizeof(actor->exe));
                store_column_into(q, 11, actor->context, sizeof(actor->context));
                actor->nobody = is_nobody(a->author.reason);
        }
        return a;
}

static const void *column_data(const struct store *s, sqlite3_stmt *q, int column, size_t *ret_size)
{
        *ret_size = (size_t)sqlite3_column_bytes(q, column);
        return store_copy(s, sqlite3_column_blob(q, column), *ret_size);
}

static void read_was(const struct store *s, sqlite3_stmt *q, struct history_was *ret)
{
        ret->is = sqlite3_column_type(q, 13) != SQLITE_NULL;
        ret->time = database_column_u64(q, 17);
        if (!ret->is)
                return;
        ret->name = store_column_text(s, q, 12);
        ret->sequence = database_column_u64(q, 13);
        database_column_guid(q, 14, &ret->target);
        ret->type = (uint32_t)sqlite3_column_int64(q, 15);
        ret->data = column_data(s, q, 16, &ret->size);
}

/* Of a statement whose columns are HISTORY_COLUMNS; it is reset before anything else is asked. `known`: an
 * author who may be the row's. NULL: there is no row, or the error is in db->error. */
static struct history_row *read_row(const struct store *s, sqlite3_stmt *q, const struct author **known)
{
        struct history_row *row = NULL;
        int64_t author = 0, layer = 0;

        while (database_row(store_database(s), q)) {
                row = store_take(s, sizeof(*row));
                if (!row)
                        continue;
                int64_t flags = sqlite3_column_int64(q, 5);
                *row = (struct history_row){ .id = sqlite3_column_int64(q, 0),
                        .sequence = database_column_u64(q, 1),
                        .time = database_column_u64(q, 2),
                        .op = (enum store_op_code)sqlite3_column_int(q, 4),
                        .is_volatile = flags & HISTORY_VOLATILE,
                        .is_shadowed = flags & HISTORY_SHADOWED,
                        .name = text_or_null(s, q, 8),
                        .has_type = sqlite3_column_type(q, 10) != SQLITE_NULL,
                        .type = (uint32_t)sqlite3_column_int64(q, 10) };
                author = sqlite3_column_int64(q, 3);
                layer = sqlite3_column_int64(q, 7);
                database_column_guid(q, 6, &row->key);
                database_column_guid(q, 9, &row->target);
                row->data = column_data(s, q, 11, &row->size);
                read_was(s, q, &row->was);
        }
        if (!row)
                return NULL;
        if (layer != 0)
                row->layer = store_layer_name(s, layer);
        if (!*known || (*known)->id != author)
                *known = read_author(s, author);
        if (!*known || store_database(s)->error)
                return NULL;
        row->author = &(*known)->author;
        row->boot = (*known)->boot;
        return row;
}

static struct history_row *row_by(const struct store *s, enum statement id, int64_t number)
{
        const struct author *author = NULL;
        sqlite3_stmt *q = store_query(s, id, false);

        (void)sqlite3_bind_int64(q, 1, number);
        return read_row(s, q, &author);
}

const struct history_row *history_before(const struct store *s, int64_t id)
{
        return row_by(s, HISTORY_BEFORE, id);
}

int64_t history_last(const struct store *s)
{
        sqlite3_stmt *q = store_query(s, HISTORY_LAST_NUMBER, false);
        int64_t id = 0;

        while (database_row(store_database(s), q))
                id = sqlite3_column_int64(q, 0);
        return id;
}

static bool puts_entry(const struct history_row *row)
{
        return row->op == STORE_SET_VALUE || row->op == STORE_CREATE_ENTRY || row->op == STORE_HIDE_ENTRY ||
               (row->op == STORE_SET_BLANKET && (row->has_type || row->is_volatile));
}

const struct history_row *history_writer(const struct store *s, uint64_t sequence)
{
        /* Numbers and sequences both only rise. */
        int64_t id = sequence > 0 ? history_until(s, HISTORY_BY_SEQUENCE, sequence - 1) + 1 : 0;

        for (const struct history_row *row = id > 0 ? row_by(s, HISTORY_FROM, id) : NULL;
                row && row->sequence == sequence; row = row_by(s, HISTORY_FROM, row->id + 1))
                if (puts_entry(row))
                        return row;
        return NULL;
}

/* ---- Places: keys with their paths ---- */

/* Where a key is, or was. Those whose way to a hive is not known have depth 0. */
struct place {
        struct guid guid;
        const struct place *parent; /* NULL: a hive's root */
        const char *name;
        size_t depth;   /* components of its path */
        size_t matched; /* as many of them as are those of the path asked for; less than both: it is
                           elsewhere */
        const char *path;
};

/* A subtree with more keys than these is looked for in all rows, not key by key. */
#define PLACES_MAX 256u
/* Numbers of rows that are fetched at once for one key. */
#define NUMBERS_N 16u

struct numbers {
        struct guid key;
        int64_t ids[NUMBERS_N];
        size_t n, at;
};

struct search {
        const struct store *store;
        const struct history_query *query;
        struct hashmap places; /* by GUID; in the store's memory */

        const struct place *queue[PLACES_MAX]; /* at the path, on the way to it, and below it */
        size_t n_queue;
        struct numbers numbers[PLACES_MAX + 1];
        size_t n_numbers;
        bool is_long; /* there are more */

        int64_t cursor; /* the last row that was looked at */
        uint64_t deadline;
        const struct author *author;
        struct history_row **rows;
        size_t n, bytes;
};

static bool place_matches(const void *entry, const void *key)
{
        return guid_equal(&((const struct place *)entry)->guid, key);
}

/* Name and parent, from the key, or from the row of its end, or, of a volatile one that went with a restart,
 * of its beginning. */
static bool find_key(
        const struct store *s, const struct guid *guid, const char **ret_name, struct guid *ret_parent)
{
        static const enum statement ends[] = { HISTORY_KEY_LAST, HISTORY_KEY_FIRST };
        const struct store_key *key = store_key(s, guid);
        bool found = key != NULL;

        *ret_name = key ? key->name : NULL;
        *ret_parent = key ? key->parent : (struct guid){ 0 };
        for (size_t i = 0; !found && i < ARRAY_SIZE(ends); i++) {
                sqlite3_stmt *q = store_query(s, ends[i], false);
                database_bind_guid(q, 1, guid);
                while (database_row(store_database(s), q))
                        if (sqlite3_column_int(q, 2)) {
                                *ret_name = store_column_text(s, q, 0);
                                database_column_guid(q, 1, ret_parent);
                                found = true;
                        }
        }
        return found && *ret_name;
}

static size_t matched(const struct search *x, const struct place *p)
{
        const struct path *path = x->query->path;
        size_t above = p->parent ? p->parent->matched : 0, len;

        if (above == path->n || above != p->depth - 1)
                return above;
        const char *component = path_component(path, above, &len);
        return fold_equal(component, len, p->name, strlen(p->name)) ? above + 1 : above;
}

static struct place *add_place(struct search *x, const struct guid *guid, const char *name)
{
        struct place *p = store_take(x->store, sizeof(*p));

        if (!p)
                return NULL;
        *p = (struct place){ .guid = *guid, .name = name };
        if (hashmap_put(&x->places, guid_hash(guid), p) < 0) {
                (void)database_no_memory(store_database(x->store));
                return NULL;
        }
        return p;
}

/* All places on the way up are remembered. NULL: out of memory. */
static const struct place *place_of(struct search *x, const struct guid *guid)
{
        struct place *way[PATH_DEPTH_MAX];
        const struct place *above = NULL;
        struct guid at = *guid;
        bool is_known = true;
        size_t n = 0;

        while (is_known && !guid_is_zero(&at) && n < ARRAY_SIZE(way) &&
                !(above = hashmap_get(&x->places, guid_hash(&at), place_matches, &at))) {
                const char *name;
                struct guid parent;
                is_known = find_key(x->store, &at, &name, &parent);
                way[n] = add_place(x, &at, name);
                if (!way[n++])
                        return NULL;
                at = parent;
        }
        is_known &= n < ARRAY_SIZE(way) && (!above || above->depth > 0);
        for (; n > 0; above = way[n]) {
                struct place *p = way[--n];
                p->parent = above;
                p->depth = is_known ? (above ? above->depth : 0) + 1 : 0;
                p->matched = is_known ? matched(x, p) : 0;
        }
        return above;
}

static bool is_inside(const struct search *x, const struct place *p)
{
        return p && p->matched == x->query->path->n && (x->query->subtree || p->depth == p->matched);
}

static bool has_keyless(const struct search *x)
{
        return x->query->subtree && x->query->path->n == 1;
}

static const char *path_of(const struct search *x, struct place *p)
{
        size_t len = 0;

        for (const struct place *q = p; q; q = q->parent)
                len += strlen(q->name) + 1;
        char *path = p->path ? NULL : store_take(x->store, len);
        if (!path)
                return p->path;
        path[--len] = '\0';
        for (const struct place *q = p; q; q = q->parent) {
                size_t n = strlen(q->name);
                memcpy(path + (len -= n), q->name, n);
                if (q->parent)
                        path[--len] = '\\';
        }
        return p->path = path;
}

/* ---- Which keys ---- */

static void add_numbers(struct search *x, const struct guid *key)
{
        x->numbers[x->n_numbers++].key = *key;
}

/* Of a statement whose first column is a key: those that are inside, or on the way. */
static void add_to_queue(struct search *x, sqlite3_stmt *q)
{
        while (database_row(store_database(x->store), q)) {
                struct guid guid;
                database_column_guid(q, 0, &guid);
                bool is_new = !hashmap_get(&x->places, guid_hash(&guid), place_matches, &guid);
                const struct place *p = place_of(x, &guid);
                if (!is_new || !p || p->depth == 0 || (p->matched < p->depth && !is_inside(x, p)))
                        continue;
                if (x->n_queue == PLACES_MAX) {
                        x->is_long = true;
                        (void)sqlite3_reset(q);
                        return;
                }
                x->queue[x->n_queue++] = p;
        }
}

/* Of the children now and in the past: those of the path's next component's name, or all of them. */
static void add_children(struct search *x, const struct guid *parent, const char *name, size_t len)
{
        const struct store *s = x->store;
        struct folded folded;

        if (name && !store_fold(name, len, &folded))
                return;
        for (unsigned i = 0; i < 2u + store_database(s)->has_volatile && !x->is_long; i++) {
                bool is_past = i == 0;
                sqlite3_stmt *q = store_query(s,
                        is_past ? (name ? HISTORY_GONE_NAMED : HISTORY_GONE)
                                : (name ? ENTRY_TARGETS_NAMED : ENTRY_TARGETS),
                        i == 2);
                database_bind_guid(q, 1, parent);
                if (name)
                        database_bind_text(q, 2, folded.text, folded.len);
                add_to_queue(x, q);
        }
}

static void find_places(struct search *x)
{
        const struct path *path = x->query->path;
        size_t len;

        add_to_queue(x, store_query(x->store, KEY_ROOTS, false));
        const char *hive = path_component(path, 0, &len);
        add_children(x, &(struct guid){ 0 }, hive, len);
        for (size_t i = 0; i < x->n_queue && !x->is_long; i++) {
                const struct place *p = x->queue[i];
                if (is_inside(x, p))
                        add_numbers(x, &p->guid);
                if (p->depth < path->n) {
                        const char *name = path_component(path, p->depth, &len);
                        add_children(x, &p->guid, name, len);
                } else if (x->query->subtree)
                        add_children(x, &p->guid, NULL, 0);
        }
        if (has_keyless(x))
                add_numbers(x, &(struct guid){ 0 });
}

/* ---- Which rows ---- */

static bool comes_before(const struct search *x, int64_t a, int64_t b)
{
        return x->query->backwards ? a > b : a < b;
}

static void fetch_numbers(struct search *x, struct numbers *numbers)
{
        sqlite3_stmt *q = store_query(
                x->store, x->query->backwards ? HISTORY_NUMBERS_DOWN : HISTORY_NUMBERS_UP, false);

        numbers->n = numbers->at = 0;
        if (!q)
                return;
        database_bind_guid(q, 1, &numbers->key);
        (void)sqlite3_bind_int64(q, 2, x->cursor);
        (void)sqlite3_bind_int64(q, 3, NUMBERS_N);
        while (database_row(store_database(x->store), q))
                numbers->ids[numbers->n++] = sqlite3_column_int64(q, 0);
}

/* 0: there is none any more. */
static int64_t next_of_keys(struct search *x)
{
        struct numbers *first = NULL;

        for (struct numbers *n = x->numbers; n < x->numbers + x->n_numbers; n++) {
                if (n->at == NUMBERS_N)
                        fetch_numbers(x, n);
                if (n->at < n->n && (!first || comes_before(x, n->ids[n->at], first->ids[first->at])))
                        first = n;
        }
        return first ? first->ids[first->at++] : 0;
}

/* The same among all rows; *ret_late: the time is over, and x->cursor is where. */
static int64_t next_of_all(struct search *x, sqlite3_stmt *q, bool *ret_late)
{
        while (database_row(store_database(x->store), q)) {
                int64_t id = sqlite3_column_int64(q, 0);
                struct guid key;
                database_column_guid(q, 1, &key);
                if (guid_is_zero(&key) ? has_keyless(x) : is_inside(x, place_of(x, &key)))
                        return id;
                x->cursor = id;
                *ret_late = clock_usec() > x->deadline;
                if (*ret_late)
                        return 0;
        }
        return 0;
}

static bool is_value(int op)
{
        return op == STORE_SET_VALUE || op == STORE_DELETE_VALUE;
}

/* Without a look at its data. *ret_bytes: what it takes in the page. */
static bool is_asked_for(const struct search *x, int64_t id, size_t *ret_bytes)
{
        const struct history_query *asked = x->query;
        sqlite3_stmt *q = store_query(x->store, HISTORY_LOOK, false);
        bool is = false;

        (void)sqlite3_bind_int64(q, 1, id);
        while (database_row(store_database(x->store), q)) {
                uint64_t time = database_column_u64(q, 0);
                const char *name = (const char *)sqlite3_column_text(q, 2);
                size_t len = (size_t)sqlite3_column_bytes(q, 2);
                is = time >= asked->since && (asked->until == 0 || time <= asked->until) &&
                     (!asked->name || (is_value(sqlite3_column_int(q, 1)) && name &&
                                              fold_equal(name, len, asked->name, strlen(asked->name))));
                *ret_bytes = sizeof(struct history_row) + 2 * len + (size_t)sqlite3_column_int64(q, 3);
        }
        return is;
}

/* False: the page is full without it. */
static bool add_row(struct search *x, int64_t id)
{
        size_t bytes;

        if (!is_asked_for(x, id, &bytes))
                return true;
        if (x->n > 0 && bytes > x->query->bytes - x->bytes)
                return false;
        sqlite3_stmt *q = store_query(x->store, HISTORY_ROW, false);
        (void)sqlite3_bind_int64(q, 1, id);
        struct history_row *row = read_row(x->store, q, &x->author);
        if (!row)
                return true;
        struct place *p = guid_is_zero(&row->key) ? NULL : (struct place *)place_of(x, &row->key);
        row->path = p ? path_of(x, p) : NULL;
        x->rows[x->n++] = row;
        bytes += row->path ? strlen(row->path) : 0;
        x->bytes += bytes < x->query->bytes - x->bytes ? bytes : x->query->bytes - x->bytes;
        return true;
}

/* Returns whether there may be more. */
static bool find_rows_with(struct search *x, sqlite3_stmt *all)
{
        bool is_late = false;

        while (!is_late && x->n < x->query->limit) {
                int64_t id = x->is_long ? next_of_all(x, all, &is_late) : next_of_keys(x);
                if (id == 0 || store_database(x->store)->error)
                        return is_late;
                if (!add_row(x, id))
                        break;
                x->cursor = id;
                is_late = clock_usec() > x->deadline;
        }
        return true;
}

static bool find_rows(struct search *x)
{
        sqlite3_stmt *all = NULL;

        if (x->is_long) {
                all = store_query(x->store, x->query->backwards ? HISTORY_ALL_DOWN : HISTORY_ALL_UP, false);
                (void)sqlite3_bind_int64(all, 1, x->cursor);
        }
        bool more = find_rows_with(x, all);
        (void)sqlite3_reset(all);
        return more;
}

int history_page(const struct store *s, const struct history_query *q, struct history_page *ret)
{
        _cleanup_free_ struct search *x = calloc(1, sizeof(*x));

        if (!x)
                return database_no_memory(store_database(s));
        x->store = s;
        x->query = q;
        x->cursor = q->cursor != 0 ? q->cursor : q->backwards ? INT64_MAX : 0;
        x->deadline = clock_usec() + (q->look ? q->look : HISTORY_LOOK_USEC);
        x->rows = store_take(s, (q->limit + 1) * sizeof(*x->rows));
        find_places(x);
        for (size_t i = 0; i < x->n_numbers; i++)
                x->numbers[i].at = NUMBERS_N;
        bool more = x->rows && find_rows(x);
        hashmap_done(&x->places);
        *ret = (struct history_page){
                .rows = (const struct history_row *const *)x->rows, .n = x->n, .cursor = more ? x->cursor : 0
        };
        return store_database(s)->error;
}
