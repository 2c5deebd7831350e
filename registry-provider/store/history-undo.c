/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of rows of the history: they are marked, or undone. */
#include "history.h"

#include <assert.h>
#include <string.h>

#include "store-internal.h"
#include "store-rows.h"

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
                return rows_put_entry(s, &op, layer, false);
        if (!row->name || !store_fold(row->name, strlen(row->name), &folded))
                return -EUCLEAN;
        return rows_delete(s, ENTRY_DELETE, &row->key, &folded, layer, false);
}

static int undo_value(struct store *s, const struct history_row *row, int64_t layer)
{
        struct store_op op = op_of(row, STORE_SET_VALUE);
        struct folded folded;
        int r;

        if (row->was.is)
                r = rows_put_value(s, &op, layer, false, false);
        else if (row->name && store_fold(row->name, strlen(row->name), &folded))
                r = rows_delete(s, VALUE_DELETE, &row->key, &folded, layer, false);
        else
                r = -EUCLEAN;
        return r < 0 ? r : rows_put_time(s, &row->key, row->was.time, false);
}

static int undo_blanket(struct store *s, const struct history_row *row, int64_t layer)
{
        struct store_op op = op_of(row, STORE_SET_BLANKET);

        return row->was.is ? rows_put_blanket(s, &op, layer, false)
                           : rows_delete(s, BLANKET_DELETE, &row->key, NULL, layer, false);
}

static int undo_write_key(struct store *s, const struct history_row *row)
{
        int r = 0;

        if (row->type & STORE_MASK_SD)
                r = rows_put_sd(s, &row->key, row->was.data, row->was.size, false);
        if (r == 0 && row->type & STORE_MASK_TIME)
                r = rows_put_time(s, &row->key, row->was.time, false);
        return r;
}

static int undo_drop_key(struct store *s, const struct history_row *row)
{
        struct store_op op = op_of(row, STORE_CREATE_KEY);

        op.is_link = row->was.type & KEY_FLAG_LINK;
        return rows_put_key(s, &op);
}

static int undo_file(struct store *s, const struct history_row *row, int64_t layer)
{
        struct store_op op = op_of(row, STORE_SET_FILE);

        if (!row->was.is)
                return rows_delete_file(s, layer);
        op.precedence = row->was.type;
        op.set = row->was.size == 1 && *(const char *)row->was.data != 0;
        return rows_put_file(s, &op, layer);
}

int history_undo(struct store *s, const struct history_row *row)
{
        int64_t layer = 0;

        assert(s->turn == TURN_WRITING && s->depth > 0);
        /* A key may go while entries name it. */
        cache_clear(&s->cache);
        int r = row->layer ? rows_take_layer(s, row->layer, &layer) : 0;
        if (r < 0 || row->is_volatile)
                return r;
        switch (row->op) {
        case STORE_CREATE_ENTRY:
        case STORE_HIDE_ENTRY:
        case STORE_DELETE_ENTRY:
                return undo_entry(s, row, layer);
        case STORE_CREATE_KEY:
                return rows_run(s, KEY_DELETE, &row->key, false);
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

        if (q)
                (void)sqlite3_bind_int64(q, 1, id);
        while (database_row(s->db, q)) {
                row = store_take(s, sizeof(*row));
                if (!row)
                        continue;
                *row = (struct history_row){ .id = sqlite3_column_int64(q, 0),
                        .op = (enum store_op_code)sqlite3_column_int(q, 1),
                        .name = store_column_text(s, q, 3) };
                column_guid(q, 2, &row->key);
        }
        return s->db->error ? NULL : row;
}

int history_shadowed(struct store *s, int64_t id)
{
        sqlite3_stmt *q = database_statement(s->db, HISTORY_SET_FLAG, false);

        if (!q)
                return s->db->error;
        (void)sqlite3_bind_int64(q, 1, id);
        (void)sqlite3_bind_int64(q, 2, HISTORY_SHADOWED);
        return database_run(s->db, q);
}
