/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read. */
#include "store-internal.h"

#include <assert.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/names/fold.h"
#include "moment.h"

/* ---- Look-ups ---- */

void store_forget(struct store *s, enum cache_kind kind, const struct guid *guid, const struct folded *name)
{
        const struct cache_name cached = { kind, guid, name ? name->text : "", name ? name->len : 0 };

        cache_forget(&s->cache, &cached);
}

void store_forget_all(struct store *s)
{
        cache_clear(&s->cache);
}

void store_know_key(struct store *s, const struct guid *key)
{
        cache_begin_key(&s->cache, key);
}

void store_remember_value(
        struct store *s, const struct store_op *op, const struct folded *folded, int64_t layer)
{
        const struct cache_name cached = { CACHE_VALUES, &op->guid, folded->text, folded->len };
        const struct store_value_entry now = { .name = op->name,
                .layer = store_layer_name(s, layer),
                .sequence = op->sequence,
                .size = op->size,
                .data = op->data ? op->data : "",
                .type = op->type };

        if (s->db->error == 0)
                cache_put(&s->cache, &cached, &now);
        else
                cache_forget(&s->cache, &cached);
}

/* One connection has two databases; most have nothing volatile. */
#define EACH_DATABASE(s, is_volatile)                                                                       \
        unsigned is_volatile = 0;                                                                           \
        is_volatile < 1u + (s)->db->has_volatile;                                                           \
        is_volatile++

/* True: this is what is there. While there is an error that is nothing. */
static bool is_known(const struct store *s, const struct cache_name *name, const void **ret)
{
        assert(s->scopes > 0);
        *ret = NULL;
        return s->db->error < 0 || cache_get(&s->cache, name, &store_writable(s)->arena, ret);
}

/* The file's row is another one's than the moment's that is shown. */
static bool is_hidden(const struct store *s, bool is_volatile, enum cache_kind kind, const struct guid *guid,
        const struct folded *folded, int64_t layer)
{
        return s->moment && !is_volatile &&
               moment_hides(s, kind, guid, folded ? folded->text : "", folded ? folded->len : 0, layer);
}

static const void *keep(const struct store *s, const struct cache_name *name, const void *found)
{
        if (s->db->error < 0)
                return NULL;
        cache_put(&store_writable(s)->cache, name, found);
        return found;
}

const struct store_key *store_key(const struct store *s, const struct guid *guid)
{
        const struct cache_name name = { CACHE_KEY, guid, "", 0 };
        struct store_key *key = NULL;
        const void *known;

        if (is_known(s, &name, &known))
                return known;
        moment_need(s, guid);
        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, KEY_GET, is_volatile);
                database_bind_guid(q, 1, guid);
                while (database_row(s->db, q)) {
                        if (is_hidden(s, is_volatile, CACHE_KEY, guid, NULL, 0))
                                continue;
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
                                .is_volatile = is_volatile && !s->moment,
                                .last_write = database_column_u64(q, 4) };
                        database_column_guid(q, 0, &key->parent);
                }
        }
        return keep(s, &name, key);
}

bool store_is_volatile(const struct store *s, const struct guid *guid)
{
        const struct store_key *key = s->db->has_volatile && !s->moment ? store_key(s, guid) : NULL;
        return key && key->is_volatile;
}

bool store_any_row(const struct store *s, enum statement id, const struct guid *guid)
{
        bool any = false;

        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, id, is_volatile);
                database_bind_guid(q, 1, guid);
                while (database_row(s->db, q))
                        any = true;
        }
        return any;
}

bool store_key_is_referenced(const struct store *s, const struct guid *guid)
{
        return store_any_row(s, ENTRY_PARENT_OF, guid);
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
        row->layer = store_layer_name(s, sqlite3_column_int64(q, 0));
        row->name = store_column_text(s, q, 1);
        row->sequence = database_column_u64(q, 2);
        return row->name != NULL;
}

/* Whether it is a link, a key says for good: one that came since was none yet, and one that was dropped
 * since is not known to the row. */
static void see_target(const struct store *s, struct store_path_entry *e, bool is_known)
{
        e->dangling = !moment_has_key(s, &e->target);
        if (is_known && !e->dangling)
                return;
        const struct store_key *key = e->dangling ? NULL : store_key(s, &e->target);
        e->is_link = key && key->is_link;
}

static struct row *read_path_entry(const struct store *s, sqlite3_stmt *q, _unused_ size_t data_max)
{
        struct store_path_entry *e = store_take(s, sizeof(*e));

        if (!e)
                return NULL;
        const bool is_known = sqlite3_column_type(q, 5) != SQLITE_NULL;
        *e = (struct store_path_entry){ .hidden = sqlite3_column_type(q, 4) == SQLITE_NULL,
                .dangling = !is_known,
                .is_link = sqlite3_column_int(q, 5) & KEY_FLAG_LINK };
        database_column_guid(q, 4, &e->target);
        if (e->hidden)
                e->dangling = false;
        else if (s->moment)
                see_target(s, e, is_known);
        return read_row(s, q, (struct row *)e) ? (struct row *)e : NULL;
}

static struct row *read_value(const struct store *s, sqlite3_stmt *q, size_t data_max)
{
        struct store_value_entry *e = store_take(s, sizeof(*e));

        if (!e)
                return NULL;
        *e = (struct store_value_entry){ .type = (uint32_t)sqlite3_column_int64(q, 4),
                .size = (size_t)sqlite3_column_bytes(q, 5) };
        bool wanted = data_max > 0 && e->size <= data_max;
        if (wanted && !(e->data = store_copy(s, sqlite3_column_blob(q, 5), e->size)))
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

typedef struct row *(*read_row_t)(const struct store *s, sqlite3_stmt *q, size_t data_max);

static const struct row *get_chain(
        const struct store *s, enum cache_kind kind, const struct guid *guid, const char *name, size_t len)
{
        const enum statement id = kind == CACHE_ENTRIES ? ENTRY_GET : VALUE_GET;
        const read_row_t read = kind == CACHE_ENTRIES ? read_path_entry : read_value;
        const struct row *chain = NULL;
        struct folded folded;
        const void *known;

        if (!store_fold(name, len, &folded))
                return NULL;
        const struct cache_name cached = { kind, guid, folded.text, folded.len };
        if (is_known(s, &cached, &known))
                return known;
        moment_need(s, guid);
        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, id, is_volatile);
                database_bind_guid(q, 1, guid);
                database_bind_text(q, 2, folded.text, folded.len);
                while (database_row(s->db, q)) {
                        if (is_hidden(s, is_volatile, kind, guid, &folded, sqlite3_column_int64(q, 0)))
                                continue;
                        struct row *row = read(s, q, SIZE_MAX);
                        if (row)
                                insert(&chain, row);
                }
        }
        return keep(s, &cached, chain);
}

const struct store_path_entry *store_lookup(
        const struct store *s, const struct guid *parent, const char *name, size_t len)
{
        return (const struct store_path_entry *)get_chain(s, CACHE_ENTRIES, parent, name, len);
}

const struct store_value_entry *store_value(
        const struct store *s, const struct guid *key, const char *name, size_t len)
{
        return (const struct store_value_entry *)get_chain(s, CACHE_VALUES, key, name, len);
}

const struct store_blanket *store_blankets(const struct store *s, const struct guid *key)
{
        const struct cache_name name = { CACHE_BLANKETS, key, "", 0 };
        const struct store_blanket *list = NULL;
        const void *known;

        if (is_known(s, &name, &known))
                return known;
        moment_need(s, key);
        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = store_query(s, BLANKET_LIST, is_volatile);
                const struct store_blanket **at = &list;
                database_bind_guid(q, 1, key);
                while (database_row(s->db, q)) {
                        if (is_hidden(s, is_volatile, CACHE_BLANKETS, key, NULL, sqlite3_column_int64(q, 0)))
                                continue;
                        struct store_blanket *b = store_take(s, sizeof(*b));
                        if (!b)
                                continue;
                        *b = (struct store_blanket){
                                .layer = store_layer_name(s, sqlite3_column_int64(q, 0)),
                                .sequence = database_column_u64(q, 1),
                        };
                        while (*at && (*at)->sequence > b->sequence)
                                at = (const struct store_blanket **)&(*at)->next;
                        b->next = *at;
                        *at = b;
                        at = &b->next;
                }
        }
        return keep(s, &name, list);
}

/* ---- Enumeration ---- */

/* One name that is listed. */
struct listed {
        const struct row *chain;
        const char *folded;
        size_t len;
};

struct list {
        struct listed *names;
        size_t n;
};

static struct listed *list_add(struct list *l)
{
        return array_grow(&l->names, l->n, sizeof(*l->names)) == 0 ? &l->names[l->n++] : NULL;
}

static int compare_listed(const void *a, const void *b)
{
        return strcmp(((const struct listed *)a)->folded, ((const struct listed *)b)->folded);
}

/* Which rows, and how they are read; `after` (the folded name; NULL where the statement does not take one)
 * and `max` names: a part of them. */
struct listing {
        enum statement id;
        enum cache_kind kind;
        read_row_t read;
        const struct folded *after;
        size_t max;
        size_t data_max;
};

/* The file's rows that are not shown are passed over. */
static bool next_listed(const struct store *s, sqlite3_stmt *q, const struct listing *l, bool is_volatile,
        const struct guid *guid)
{
        while (database_row(s->db, q)) {
                if (!s->moment || is_volatile)
                        return true;
                const char *text = (const char *)sqlite3_column_text(q, FOLDED_COLUMN);
                size_t len = (size_t)sqlite3_column_bytes(q, FOLDED_COLUMN);
                if (!text || !moment_hides(s, l->kind, guid, text, len, sqlite3_column_int64(q, 0)))
                        return true;
        }
        return false;
}

/* Rows of one name come one after the other. */
static int list_rows(const struct store *s, const struct listing *l, bool is_volatile,
        const struct guid *guid, struct list *list)
{
        sqlite3_stmt *q = store_query(s, l->id, is_volatile);
        struct listed *at = NULL;
        size_t before = list->n;

        database_bind_guid(q, 1, guid);
        if (l->after)
                database_bind_text(q, 2, l->after->text, l->after->len);
        while (next_listed(s, q, l, is_volatile, guid)) {
                const void *folded = sqlite3_column_blob(q, FOLDED_COLUMN);
                const size_t len = (size_t)sqlite3_column_bytes(q, FOLDED_COLUMN);
                struct row *row = l->read(s, q, l->data_max);
                if (!row)
                        continue;
                if (!at || at->len != len || (len > 0 && memcmp(at->folded, folded, len) != 0)) {
                        if (list->n - before == l->max) {
                                (void)sqlite3_reset(q);
                                break;
                        }
                        at = list_add(list);
                        if (!at) {
                                (void)database_no_memory(s->db);
                                continue;
                        }
                        *at = (struct listed){ .folded = store_copy(s, folded, len), .len = len };
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

static const struct row *const *get_list(
        const struct store *s, const struct listing *l, const struct guid *guid, size_t *ret_n)
{
        struct list list = { 0 };
        const struct row **rows = NULL;
        size_t n = 0;

        moment_need(s, guid);
        for (EACH_DATABASE(s, is_volatile)) {
                if (is_volatile)
                        n = list.n;
                (void)list_rows(s, l, is_volatile, guid, &list);
        }
        if (n > 0 && list.n > n)
                join(&list);
        if (list.n > l->max)
                list.n = l->max;
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
        return store_children_after(s, parent, "", 0, SIZE_MAX, ret_n);
}

const struct store_path_entry *const *store_children_after(const struct store *s, const struct guid *parent,
        const char *name, size_t len, size_t max, size_t *ret_n)
{
        struct folded after;
        const struct listing l = { ENTRY_LIST, CACHE_ENTRIES, read_path_entry, &after, max, 0 };

        *ret_n = 0;
        if (!store_fold(name, len, &after))
                return NULL;
        return (const struct store_path_entry *const *)get_list(s, &l, parent, ret_n);
}

const struct store_value_entry *const *store_values(
        const struct store *s, const struct guid *key, size_t data_max, size_t *ret_n)
{
        const struct listing l = { VALUE_LIST, CACHE_VALUES, read_value, NULL, SIZE_MAX, data_max };

        return (const struct store_value_entry *const *)get_list(s, &l, key, ret_n);
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

struct guids {
        struct guid *list;
        size_t n;
};

/* Of a statement whose first column is a key; each once. */
static void add_keys(const struct store *s, sqlite3_stmt *q, struct guids *to)
{
        while (database_row(s->db, q)) {
                struct guid guid;
                size_t i = 0;
                database_column_guid(q, 0, &guid);
                while (i < to->n && !guid_equal(&to->list[i], &guid))
                        i++;
                struct guid *more = i < to->n ? NULL : append(s, to->list, to->n, sizeof(*more));
                if (!more)
                        continue;
                to->list = more;
                to->list[to->n++] = guid;
        }
}

const struct store_key *const *store_roots(const struct store *s, size_t *ret_n)
{
        struct guids guids = { 0 };
        size_t found = 0;

        for (EACH_DATABASE(s, is_volatile))
                add_keys(s, store_query(s, KEY_ROOTS, is_volatile), &guids);
        sqlite3_stmt *gone = s->moment ? store_query(s, HISTORY_ROOTS_GONE, false) : NULL;
        if (gone) {
                (void)sqlite3_bind_int64(gone, 1, moment_row(s->moment));
                add_keys(s, gone, &guids);
        }
        const struct store_key **keys = store_take(s, (guids.n + 1) * sizeof(*keys));
        /* At an earlier moment, one that is a root now may have been another's subkey. */
        for (size_t i = 0; keys && i < guids.n; i++)
                if ((keys[found] = store_key(s, &guids.list[i])) && guid_is_zero(&keys[found]->parent))
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

        moment_need(s, &(struct guid){ 0 });
        sqlite3_stmt *q = store_query(s, FILE_LIST, s->moment != NULL);

        while (database_row(s->db, q)) {
                struct store_file *more = append(s, files, n, sizeof(*files));
                if (!more)
                        continue;
                files = more;
                files[n++] = (struct store_file){
                        .layer = store_layer_name(s, sqlite3_column_int64(q, 0)),
                        .file = store_column_text(s, q, 1),
                        .precedence = (uint32_t)sqlite3_column_int64(q, 2),
                        .enabled = sqlite3_column_int(q, 3),
                };
                store_column_seal(q, 4, &files[n - 1].seal);
        }
        *ret_n = s->db->error ? 0 : n;
        return files;
}

const struct store_held *store_layer(const struct store *s, const char *layer, size_t *ret_n)
{
        static const enum statement ids[] = { [STORE_ENTRY] = ENTRY_OF_LAYER,
                [STORE_VALUE] = VALUE_OF_LAYER,
                [STORE_BLANKET] = BLANKET_OF_LAYER };
        int64_t id = store_layer_id(s, layer);
        struct store_held *held = NULL;
        size_t n = 0;

        for (EACH_DATABASE(s, is_volatile))
                for (size_t kind = 0; id > 0 && kind < ARRAY_SIZE(ids); kind++) {
                        sqlite3_stmt *q = store_query(s, ids[kind], is_volatile);
                        (void)sqlite3_bind_int64(q, 1, id);
                        while (database_row(s->db, q)) {
                                struct store_held *more = append(s, held, n, sizeof(*held));
                                if (!more)
                                        continue;
                                held = more;
                                held[n] = (struct store_held){ .kind = (enum store_kind)kind,
                                        .name = store_column_text(s, q, 2) };
                                database_column_guid(q, 0, &held[n].guid);
                                database_column_guid(q, 1, &held[n].target);
                                n++;
                        }
                }
        *ret_n = s->db->error ? 0 : n;
        return held;
}

bool store_layer_is_used(const struct store *s, const char *layer)
{
        int64_t id = store_layer_id(s, layer);
        bool found = false;

        for (EACH_DATABASE(s, is_volatile)) {
                sqlite3_stmt *q = id > 0 ? store_query(s, LAYER_IS_USED, is_volatile) : NULL;
                (void)sqlite3_bind_int64(q, 1, id);
                while (database_row(s->db, q))
                        found = true;
        }
        return found && s->db->error == 0;
}
