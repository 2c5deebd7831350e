/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening, turns and transactions, and what is read. */
#include "store-internal.h"

#include <assert.h>
#include <string.h>

#include "../../schema/names/fold.h"

/* A look-up changes nothing that its caller could see. */
static struct store *writable(const struct store *s)
{
        return (struct store *)s;
}

static int load_counters(struct store *s)
{
        sqlite3_stmt *last = database_statement(s->db, HISTORY_LAST, false);
        sqlite3_stmt *layer = database_statement(s->db, LAYER_LAST, false);

        while (database_row(s->db, last))
                s->sequence = column_u64(last, 0);
        while (database_row(s->db, layer))
                s->next_layer = sqlite3_column_int64(layer, 0) + 1;
        if (s->db->error == 0 && s->next_layer <= BASE_LAYER_ID)
                s->db->error = diag_set(&s->db->why, EUCLEAN, "%s: the base layer is missing", s->db->path);
        return s->db->error;
}

static int on_commit(void *userdata, _unused_ sqlite3 *sqlite, _unused_ const char *database, int pages)
{
        struct store *s = userdata;

        s->log_pages = (unsigned)pages;
        return SQLITE_OK;
}

int store_open(const char *file, enum store_mode mode, size_t value_max, struct store **ret, struct diag *d)
{
        _cleanup_store_ struct store *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->value_max = value_max;
        (void)clock_boot_id(NULL, s->boot);
        int r = database_open(file, mode, &s->db, d);
        if (r < 0)
                return r;
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
        arena_done(&s->arena);
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

static void turn_ends(struct store *s)
{
        s->turn = TURN_NONE;
        s->pruning.in_turn = false;
        if (s->is_preview)
                (void)database_spill(s->db, true);
        s->is_preview = false;
}

static void undo_turn(struct store *s)
{
        if (!sqlite3_get_autocommit(s->db->sqlite))
                (void)database_force(s->db, ROLLBACK);
        s->sequence = s->sequence_begun;
        s->author = 0;
        /* It is counted again. */
        if (s->pruning.in_turn)
                s->pruning = (struct pruning){ 0 };
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
        int r = begin_with(s, BEGIN_WRITE);
        if (r == 0) {
                sqlite3_stmt *row = database_statement(s->db, HISTORY_NOTE, false);
                bind_u64(row, 1, s->sequence);
                bind_u64(row, 2, clock_of(CLOCK_REALTIME));
                bind_u64(row, 3, STORE_NOTE);
                bind_text(row, 4, "a commit failed", strlen("a commit failed"));
                r = database_run(s->db, row);
        }
        if (r == 0)
                r = database_do(s->db, COMMIT);
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
        s->marks[s->depth++] =
                (struct mark){ .sequence = s->sequence, .author = s->author, .is_nested = is_nested };
        if (s->depth == 1) {
                s->time = clock_of(CLOCK_REALTIME);
                s->begun_by = author;
                s->meanwhile = NULL;
        }
        return 0;
}

void store_set_author(struct store *s, const struct store_author *author)
{
        s->meanwhile = author;
}

int store_begin_preview(struct store *s)
{
        assert(s->turn != TURN_WRITING);
        int r = s->db->error ? s->db->error : database_spill(s->db, false);
        if (r == 0)
                r = store_begin(s, NULL);
        s->is_preview = true;
        if (r < 0) {
                turn_ends(s);
                forget_error(s);
        }
        return r;
}

void store_rollback(struct store *s)
{
        assert(s->depth > 0);
        const struct mark *mark = &s->marks[--s->depth];
        if (mark->is_nested && !is_lost(s)) {
                s->sequence = mark->sequence;
                /* Its row may be another one's than the last author's. */
                if (s->author != mark->author)
                        s->author = 0;
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

int store_sync(struct store *s, struct diag *d)
{
        assert(s->depth == 0);
        if (!s->pending)
                return 0;
        int r = is_lost(s) ? s->lost : commit_turn(s);
        s->pending = false;
        if (r < 0) {
                (void)diag_set(d, -r, "the changes could not be stored: %s", s->why_lost.text);
                s->lost = 0;
                clear_error(s);
        }
        return r;
}

unsigned store_log_pages(const struct store *s)
{
        return s->log_pages;
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
        writable(s)->scopes++;
        return (struct store_scope){ .store = writable(s), .mark = s->arena.total };
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

void *store_take(const struct store *s, size_t size)
{
        void *taken = arena_take(&writable(s)->arena, size);

        if (!taken)
                (void)database_no_memory(s->db);
        return taken;
}

const void *store_copy(const struct store *s, const void *data, size_t size)
{
        const void *copied = arena_copy(&writable(s)->arena, data, size);

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
                if (begin_with(writable(s), BEGIN) < 0)
                        return NULL;
                writable(s)->turn = TURN_READING;
        }
        return database_statement(s->db, id, is_volatile);
}

/* ---- Names ---- */

bool store_fold(const char *name, size_t len, struct folded *ret)
{
        if (len > NAME_BYTES_MAX)
                return false;
        ret->len = fold_text(name, len, ret->text, sizeof(ret->text));
        return len == 0 || ret->len > 0;
}

int64_t store_layer_id(struct store *s, const char *name)
{
        struct folded folded;
        int64_t id = 0;

        if (strcmp(name, STORE_BASE_LAYER) == 0)
                return BASE_LAYER_ID;
        if (!store_fold(name, strlen(name), &folded))
                return 0;
        sqlite3_stmt *q = store_query(s, LAYER_ID, false);
        bind_text(q, 1, folded.text, folded.len);
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

const char *store_layer_name(struct store *s, int64_t id)
{
        int r = id > 0 && id < s->n_layers && s->layers[id] ? 0 : -EUCLEAN;

        if (r < 0 && id > 0 && id <= LAYER_IDS_MAX) {
                sqlite3_stmt *q = store_query(s, LAYER_NAME, false);
                (void)sqlite3_bind_int64(q, 1, id);
                while (database_row(s->db, q))
                        r = keep_layer_name(s, id, (const char *)sqlite3_column_text(q, 0));
        }
        if (r == 0)
                return s->layers[id];
        if (s->db->error == 0)
                s->db->error = diag_set(&s->db->why, EUCLEAN, "%s: there is no layer number %lld",
                        s->db->path, (long long)id);
        return "";
}

/* ---- Look-ups ---- */

/* One connection has two databases; most have nothing volatile. */
#define EACH_DATABASE(s, is_volatile)                                                                       \
        unsigned is_volatile = 0;                                                                           \
        is_volatile < 1u + (s)->db->has_volatile;                                                           \
        is_volatile++

const struct store_key *store_key(const struct store *s, const struct guid *guid)
{
        struct store_key *key = NULL;

        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, KEY_GET, is_volatile);
                bind_guid(q, 1, guid);
                while (database_row(s->db, q)) {
                        key = store_take(s, sizeof(*key));
                        if (!key)
                                continue;
                        int size = sqlite3_column_bytes(q, 2);
                        *key = (struct store_key){ .guid = *guid,
                                .name = store_column_text(s, q, 1),
                                .sd = size > 0 ? store_copy(s, sqlite3_column_blob(q, 2), (size_t)size)
                                               : NULL,
                                .sd_size = (size_t)size,
                                .is_link = sqlite3_column_int(q, 3) & KEY_FLAG_LINK,
                                .is_volatile = is_volatile,
                                .last_write = column_u64(q, 4) };
                        column_guid(q, 0, &key->parent);
                }
        }
        return s->db->error ? NULL : key;
}

static bool any_row(const struct store *s, enum statement id, const struct guid *guid)
{
        bool any = false;

        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, id, is_volatile);
                bind_guid(q, 1, guid);
                while (database_row(s->db, q))
                        any = true;
        }
        return any;
}

bool store_key_is_referenced(const struct store *s, const struct guid *guid)
{
        return any_row(s, ENTRY_PARENT_OF, guid);
}

/* Of a path entry and of a value: layer, name, sequence, folded name. */
#define FOLDED_COLUMN 3

/* What both kinds of entries begin with. */
struct row {
        const char *name;
        const char *layer;
        const struct row *next;
        uint64_t sequence;
};
_Static_assert(offsetof(struct store_path_entry, next) == offsetof(struct row, next) &&
                       offsetof(struct store_value_entry, next) == offsetof(struct row, next) &&
                       offsetof(struct store_path_entry, sequence) == offsetof(struct row, sequence) &&
                       offsetof(struct store_value_entry, sequence) == offsetof(struct row, sequence),
        "both kinds of entries begin alike");

static bool read_row(const struct store *s, sqlite3_stmt *q, struct row *row)
{
        row->layer = store_layer_name(writable(s), sqlite3_column_int64(q, 0));
        row->name = store_column_text(s, q, 1);
        row->sequence = column_u64(q, 2);
        return row->name != NULL;
}

static struct row *read_path_entry(const struct store *s, sqlite3_stmt *q, _unused_ bool with_data)
{
        struct store_path_entry *e = store_take(s, sizeof(*e));

        if (!e)
                return NULL;
        *e = (struct store_path_entry){ .hidden = sqlite3_column_type(q, 4) == SQLITE_NULL,
                .dangling = sqlite3_column_int(q, 5) };
        column_guid(q, 4, &e->target);
        return read_row(s, q, (struct row *)e) ? (struct row *)e : NULL;
}

static struct row *read_value(const struct store *s, sqlite3_stmt *q, bool with_data)
{
        struct store_value_entry *e = store_take(s, sizeof(*e));

        if (!e)
                return NULL;
        *e = (struct store_value_entry){ .type = (uint32_t)sqlite3_column_int64(q, 4),
                .size = (size_t)sqlite3_column_bytes(q, 5) };
        if (with_data && !(e->data = store_copy(s, sqlite3_column_blob(q, 5), e->size)))
                return NULL;
        return read_row(s, q, (struct row *)e) ? (struct row *)e : NULL;
}

static void insert(const struct row **chain, struct row *row)
{
        while (*chain && (*chain)->sequence > row->sequence)
                chain = (const struct row **)&(*chain)->next;
        row->next = *chain;
        *chain = row;
}

typedef struct row *(*read_row_t)(const struct store *s, sqlite3_stmt *q, bool with_data);

static const struct row *get_chain(const struct store *s, enum statement id, read_row_t read,
        const struct guid *guid, const char *name, size_t len)
{
        const struct row *chain = NULL;
        struct folded folded;

        if (!store_fold(name, len, &folded))
                return NULL;
        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, id, is_volatile);
                bind_guid(q, 1, guid);
                bind_text(q, 2, folded.text, folded.len);
                while (database_row(s->db, q)) {
                        struct row *row = read(s, q, true);
                        if (row)
                                insert(&chain, row);
                }
        }
        return s->db->error ? NULL : chain;
}

const struct store_path_entry *store_lookup(
        const struct store *s, const struct guid *parent, const char *name, size_t len)
{
        return (const struct store_path_entry *)get_chain(s, ENTRY_GET, read_path_entry, parent, name, len);
}

const struct store_value_entry *store_value(
        const struct store *s, const struct guid *key, const char *name, size_t len)
{
        return (const struct store_value_entry *)get_chain(s, VALUE_GET, read_value, key, name, len);
}

const struct store_blanket *store_blankets(const struct store *s, const struct guid *key)
{
        const struct store_blanket *list = NULL, **end = &list;

        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, BLANKET_LIST, is_volatile);
                bind_guid(q, 1, key);
                while (database_row(s->db, q)) {
                        struct store_blanket *b = store_take(s, sizeof(*b));
                        if (!b)
                                continue;
                        *b = (struct store_blanket){
                                .layer = store_layer_name(writable(s), sqlite3_column_int64(q, 0)),
                                .sequence = column_u64(q, 1),
                        };
                        *end = b;
                        end = &b->next;
                }
        }
        return s->db->error ? NULL : list;
}

/* ---- Enumeration ---- */

/* One name that is listed. */
struct listed {
        const struct row *chain;
        const char *folded;
};

struct list {
        struct listed *names;
        size_t n, size;
};

static struct listed *list_add(struct list *l)
{
        if (l->n == l->size) {
                size_t size = l->size ? l->size * 2 : 16;
                struct listed *names = reallocarray(l->names, size, sizeof(*names));
                if (!names)
                        return NULL;
                l->names = names;
                l->size = size;
        }
        return &l->names[l->n++];
}

static int compare_listed(const void *a, const void *b)
{
        return strcmp(((const struct listed *)a)->folded, ((const struct listed *)b)->folded);
}

/* Rows of one name come one after the other. */
static int list_rows(
        const struct store *s, sqlite3_stmt *q, read_row_t read, bool with_data, struct list *list)
{
        struct listed *at = NULL;

        while (database_row(s->db, q)) {
                const char *folded = (const char *)sqlite3_column_text(q, FOLDED_COLUMN);
                struct row *row = read(s, q, with_data);
                if (!row || !folded)
                        continue;
                if (!at || strcmp(at->folded, folded) != 0) {
                        at = list_add(list);
                        if (!at) {
                                (void)database_no_memory(s->db);
                                continue;
                        }
                        *at = (struct listed){ .folded = store_column_text(s, q, FOLDED_COLUMN) };
                        if (!at->folded)
                                at->folded = "";
                }
                insert(&at->chain, row);
        }
        return s->db->error;
}

static void merge(const struct row **into, const struct row *chain)
{
        while (chain) {
                struct row *row = (struct row *)chain;
                chain = chain->next;
                insert(into, row);
        }
}

/* What both databases have under one name is one chain. */
static void join(struct list *list)
{
        size_t n = 0;

        qsort(list->names, list->n, sizeof(*list->names), compare_listed);
        for (size_t i = 1; i < list->n; i++)
                if (strcmp(list->names[n].folded, list->names[i].folded) == 0)
                        merge(&list->names[n].chain, list->names[i].chain);
                else
                        list->names[++n] = list->names[i];
        list->n = n + 1;
}

static const struct row *const *get_list(const struct store *s, enum statement id, read_row_t read,
        const struct guid *guid, bool with_data, size_t *ret_n)
{
        struct list list = { 0 };
        const struct row **rows = NULL;
        size_t n = 0;

        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, id, is_volatile);
                bind_guid(q, 1, guid);
                if (is_volatile)
                        n = list.n;
                (void)list_rows(s, q, read, with_data, &list);
        }
        if (n > 0 && list.n > n)
                join(&list);
        if (s->db->error == 0)
                rows = store_take(s, (list.n + 1) * sizeof(*rows));
        for (size_t i = 0; rows && i < list.n; i++)
                rows[i] = list.names[i].chain;
        *ret_n = rows ? list.n : 0;
        free(list.names);
        return rows;
}

const struct store_path_entry *const *store_children(
        const struct store *s, const struct guid *parent, size_t *ret_n)
{
        return (const struct store_path_entry *const *)get_list(
                s, ENTRY_LIST, read_path_entry, parent, true, ret_n);
}

const struct store_value_entry *const *store_values(
        const struct store *s, const struct guid *key, bool with_data, size_t *ret_n)
{
        return (const struct store_value_entry *const *)get_list(
                s, VALUE_LIST, read_value, key, with_data, ret_n);
}

/* An array in the arena grows by being copied. */
static void *append(const struct store *s, void *array, size_t n, size_t size)
{
        if (n > 0 && (n & (n - 1)) != 0)
                return array;
        void *more = store_take(s, (n ? n * 2 : 1) * size);
        if (more && n > 0)
                memcpy(more, array, n * size);
        return more;
}

static int compare_keys(const void *a, const void *b)
{
        return strcmp(
                (*(const struct store_key *const *)a)->name, (*(const struct store_key *const *)b)->name);
}

const struct store_key *const *store_roots(const struct store *s, size_t *ret_n)
{
        struct guid *guids = NULL;
        size_t n = 0, found = 0;

        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, KEY_ROOTS, is_volatile);
                while (database_row(s->db, q)) {
                        struct guid *more = append(s, guids, n, sizeof(*guids));
                        if (!more)
                                continue;
                        guids = more;
                        column_guid(q, 0, &guids[n++]);
                }
        }
        const struct store_key **keys = store_take(s, (n + 1) * sizeof(*keys));
        for (size_t i = 0; keys && i < n; i++)
                if ((keys[found] = store_key(s, &guids[i])))
                        found++;
        if (found > 0)
                qsort(keys, found, sizeof(*keys), compare_keys);
        *ret_n = s->db->error ? 0 : found;
        return keys;
}

const struct store_key *store_root(const struct store *s, const char *name, size_t len)
{
        size_t n;
        const struct store_key *const *roots = store_roots(s, &n);

        for (size_t i = 0; i < n; i++)
                if (fold_equal(roots[i]->name, strlen(roots[i]->name), name, len))
                        return roots[i];
        return NULL;
}

const struct store_file *store_files(const struct store *s, size_t *ret_n)
{
        struct store_file *files = NULL;
        size_t n = 0;
        sqlite3_stmt *q = store_query(s, FILE_LIST, false);

        while (database_row(s->db, q)) {
                struct store_file *more = append(s, files, n, sizeof(*files));
                if (!more)
                        continue;
                files = more;
                files[n++] = (struct store_file){
                        .layer = store_layer_name(writable(s), sqlite3_column_int64(q, 0)),
                        .file = store_column_text(s, q, 1),
                        .precedence = (uint32_t)sqlite3_column_int64(q, 2),
                        .enabled = sqlite3_column_int(q, 3),
                };
        }
        *ret_n = s->db->error ? 0 : n;
        return files;
}

const struct store_held *store_layer(const struct store *s, const char *layer, size_t *ret_n)
{
        static const enum statement ids[] = { [STORE_ENTRY] = ENTRY_OF_LAYER,
                [STORE_VALUE] = VALUE_OF_LAYER,
                [STORE_BLANKET] = BLANKET_OF_LAYER };
        int64_t id = store_layer_id(writable(s), layer);
        struct store_held *held = NULL;
        size_t n = 0;

        for (EACH_DATABASE(s, is_volatile))
                for (size_t kind = 0; id > 0 && kind < ARRAY_SIZE(ids); kind++) {
                        sqlite3_stmt *q = store_query(s, ids[kind], is_volatile);
                        if (q)
                                (void)sqlite3_bind_int64(q, 1, id);
                        while (database_row(s->db, q)) {
                                struct store_held *more = append(s, held, n, sizeof(*held));
                                if (!more)
                                        continue;
                                held = more;
                                held[n] = (struct store_held){ .kind = (enum store_kind)kind,
                                        .name = store_column_text(s, q, 2) };
                                column_guid(q, 0, &held[n].guid);
                                column_guid(q, 1, &held[n].target);
                                n++;
                        }
                }
        *ret_n = s->db->error ? 0 : n;
        return held;
}
