/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-rows.h"

#include <string.h>

#include "store-internal.h"

/* What a look-up has found is not so any more. */
static void forget(struct store *s, enum cache_kind kind, const struct guid *guid, const struct folded *name)
{
        const struct cache_name cached = { kind, guid, name ? name->text : "", name ? name->len : 0 };

        cache_forget(&s->cache, &cached);
}

int rows_take_layer(struct store *s, const char *name, int64_t *ret)
{
        struct folded folded;
        size_t len = strlen(name);

        *ret = store_layer_id(s, name);
        if (*ret != 0 || s->db->error < 0)
                return s->db->error;
        if (!path_component_is_storable(name, len) || !store_fold(name, len, &folded))
                return -EINVAL;
        sqlite3_stmt *row = database_statement(s->db, LAYER_INSERT, false);
        if (!row)
                return s->db->error;
        (void)sqlite3_bind_int64(row, 1, s->next_layer);
        bind_text(row, 2, folded.text, folded.len);
        bind_text(row, 3, name, len);
        *ret = s->next_layer++;
        return database_run(s->db, row);
}

/* ---- Keys ---- */

static void bind_sd(sqlite3_stmt *q, int column, const void *sd, size_t size)
{
        if (size > 0)
                bind_data(q, column, sd, size);
        else
                (void)sqlite3_bind_null(q, column);
}

int rows_put_key(struct store *s, const struct store_op *create)
{
        sqlite3_stmt *q = database_statement(s->db, KEY_INSERT, create->is_volatile);

        if (!q)
                return s->db->error;
        bind_guid(q, 1, &create->guid);
        bind_guid(q, 2, &create->target);
        bind_text(q, 3, create->name, strlen(create->name));
        bind_sd(q, 4, create->data, create->size);
        bind_u64(q, 5, create->is_link ? KEY_FLAG_LINK : 0);
        bind_u64(q, 6, create->time);
        forget(s, CACHE_KEY, &create->guid, NULL);
        return database_run(s->db, q);
}

int rows_put_sd(struct store *s, const struct guid *key, const void *sd, size_t size, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(s->db, KEY_SET_SD, is_volatile);

        if (!q)
                return s->db->error;
        bind_guid(q, 1, key);
        bind_sd(q, 2, sd, size);
        forget(s, CACHE_KEY, key, NULL);
        return database_run(s->db, q);
}

int rows_put_time(struct store *s, const struct guid *key, uint64_t time, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(s->db, KEY_SET_TIME, is_volatile);

        if (!q)
                return s->db->error;
        bind_guid(q, 1, key);
        bind_u64(q, 2, time);
        forget(s, CACHE_KEY, key, NULL);
        return database_run(s->db, q);
}

/* ---- What layers have ---- */

/* What path entries and values begin with. NULL: the error is in db->error. */
static sqlite3_stmt *bind_named(struct store *s, enum statement id, bool is_volatile,
        const struct store_op *op, const struct folded *folded, int64_t layer)
{
        sqlite3_stmt *q = database_statement(s->db, id, is_volatile);

        if (!q)
                return NULL;
        bind_guid(q, 1, &op->guid);
        bind_text(q, 2, folded->text, folded->len);
        (void)sqlite3_bind_int64(q, 3, layer);
        bind_text(q, 4, op->name, strlen(op->name));
        bind_u64(q, 5, op->sequence);
        return q;
}

int rows_put_entry(struct store *s, const struct store_op *op, int64_t layer, bool is_volatile)
{
        struct folded folded;

        if (!store_fold(op->name, strlen(op->name), &folded))
                return -EINVAL;
        sqlite3_stmt *q = bind_named(s, ENTRY_PUT, is_volatile, op, &folded, layer);
        if (!q)
                return s->db->error;
        bind_guid(q, 6, op->code == STORE_CREATE_ENTRY ? &op->target : &(struct guid){ 0 });
        forget(s, CACHE_ENTRIES, &op->guid, &folded);
        return database_run(s->db, q);
}

/* Who has put a value looks at it next: what it changed effectively. */
static void remember_value(
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
}

int rows_put_value(struct store *s, const struct store_op *op, int64_t layer, bool is_volatile, bool is_only)
{
        struct folded folded;

        if (!store_fold(op->name, strlen(op->name), &folded))
                return -EINVAL;
        sqlite3_stmt *q = bind_named(s, VALUE_PUT, is_volatile, op, &folded, layer);
        if (!q)
                return s->db->error;
        bind_u64(q, 6, op->type);
        bind_data(q, 7, op->data, op->size);
        forget(s, CACHE_VALUES, &op->guid, &folded);
        int r = database_run(s->db, q);
        if (r == 0 && is_only)
                remember_value(s, op, &folded, layer);
        return r;
}

int rows_put_blanket(struct store *s, const struct store_op *op, int64_t layer, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(s->db, BLANKET_PUT, is_volatile);

        if (!q)
                return s->db->error;
        bind_guid(q, 1, &op->guid);
        (void)sqlite3_bind_int64(q, 2, layer);
        bind_u64(q, 3, op->sequence);
        forget(s, CACHE_BLANKETS, &op->guid, NULL);
        return database_run(s->db, q);
}

int rows_put_file(struct store *s, const struct store_op *op, int64_t layer)
{
        sqlite3_stmt *q = database_statement(s->db, FILE_PUT, false);

        if (!q)
                return s->db->error;
        (void)sqlite3_bind_int64(q, 1, layer);
        bind_text(q, 2, op->name, strlen(op->name));
        bind_u64(q, 3, op->precedence);
        bind_u64(q, 4, op->set);
        return database_run(s->db, q);
}

/* ---- Deleting ---- */

int rows_run(struct store *s, enum statement id, const struct guid *key, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(s->db, id, is_volatile);

        if (!q)
                return s->db->error;
        bind_guid(q, 1, key);
        forget(s, CACHE_KEY, key, NULL);
        return database_run(s->db, q);
}

int rows_delete(struct store *s, enum statement id, const struct guid *key, const struct folded *name,
        int64_t layer, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(s->db, id, is_volatile);

        if (!q)
                return s->db->error;
        bind_guid(q, 1, key);
        if (name)
                bind_text(q, 2, name->text, name->len);
        (void)sqlite3_bind_int64(q, name ? 3 : 2, layer);
        forget(s,
                id == ENTRY_DELETE   ? CACHE_ENTRIES
                : id == VALUE_DELETE ? CACHE_VALUES
                                     : CACHE_BLANKETS,
                key, name);
        return database_run(s->db, q);
}

int rows_delete_file(struct store *s, int64_t layer)
{
        sqlite3_stmt *q = database_statement(s->db, FILE_DELETE, false);

        if (!q)
                return s->db->error;
        (void)sqlite3_bind_int64(q, 1, layer);
        return database_run(s->db, q);
}

bool rows_have_value_of_sequence(
        struct store *s, const struct guid *key, uint64_t sequence, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(s->db, VALUE_HAS_SEQUENCE, is_volatile);
        bool found = false;

        bind_guid(q, 1, key);
        bind_u64(q, 2, sequence);
        while (database_row(s->db, q))
                found = true;
        return found;
}

int rows_was_file(struct store *s, int64_t layer, struct recorder_was *ret)
{
        static const char switches[] = { 0, 1 };
        sqlite3_stmt *q = database_statement(s->db, FILE_GET, false);

        if (q)
                (void)sqlite3_bind_int64(q, 1, layer);
        while (database_row(s->db, q))
                *ret = (struct recorder_was){ .is = true,
                        .name = store_column_text(s, q, 0),
                        .type = (uint32_t)sqlite3_column_int64(q, 1),
                        .data = &switches[sqlite3_column_int(q, 2) != 0],
                        .size = 1 };
        return s->db->error;
}
