/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operations. Each checks, then changes, and leaves one row in the history for each entry that it
 * changed. */
#include "store-tables.h"

#include <string.h>

#include "../../schema/names/fold.h"
#include "../../schema/values/value.h"

/* 0, -ENOENT, or the error. */
static int find_key(struct store *s, const struct guid *guid, const struct store_key **ret)
{
        *ret = store_key(s, guid);
        return store_database(s)->error ? store_database(s)->error : *ret ? 0 : -ENOENT;
}

static int set_time(struct store *s, const struct store_op *op, const struct store_key *key)
{
        if (op->time == 0 || op->time == key->last_write)
                return 0;
        return store_put_time(s, &op->guid, op->time, key->is_volatile);
}

/* ---- Values ---- */

/* Of the chain: `*ret_mine` is the layer's own entry, and whether there is no other one. */
static int check_value(struct store *s, const struct store_op *op, const struct store_value_entry **ret_mine,
        bool *ret_is_only)
{
        const struct store_value_entry *mine = NULL;
        size_t n = 0;

        for (const struct store_value_entry *e = store_value(s, &op->guid, op->name, strlen(op->name)); e;
                e = e->next, n++)
                if (fold_same(e->layer, op->layer))
                        mine = e;
                else if (e->sequence == op->sequence)
                        return -EINVAL;
        for (const struct store_blanket *b = store_blankets(s, &op->guid); b; b = b->next)
                if (b->sequence == op->sequence)
                        return -EINVAL;
        if (op->expected != 0 && (!mine || mine->sequence != op->expected))
                return -EAGAIN;
        if (!mine && n >= STORE_VALUE_LAYERS_MAX)
                return -EDQUOT;
        *ret_mine = mine;
        *ret_is_only = n == (mine ? 1u : 0u);
        return store_database(s)->error;
}

static int set_value(struct store *s, const struct store_op *op)
{
        const struct store_value_entry *mine;
        struct recorder_row e = { .op = op->code,
                .key = &op->guid,
                .name = op->name,
                .has_type = true,
                .type = op->type,
                .data = op->data ? op->data : "",
                .size = op->size };
        const struct store_key *key;
        size_t len = strlen(op->name);
        bool is_only;

        int r = find_key(s, &op->guid, &key);
        if (r < 0)
                return r;
        if (op->size > store_value_max(s))
                return -EFBIG;
        if (len > NAME_BYTES_MAX || (!value_type_known(op->type) && op->type != REG_TOMBSTONE))
                return -EDOM;
        if (!path_value_name_is_storable(op->name, len) || (op->type == REG_TOMBSTONE && op->size > 0) ||
                op->sequence == 0)
                return -EINVAL;
        r = check_value(s, op, &mine, &is_only);
        if (r == 0)
                r = store_take_layer(s, op->layer, &e.layer);
        if (r == 0)
                r = store_put_value(s, op, e.layer, key->is_volatile, is_only);
        if (r == 0)
                r = set_time(s, op, key);
        if (r < 0)
                return r;
        e.is_volatile = key->is_volatile;
        recorder_was_value(mine, key->last_write, &e.was);
        return store_record(s, op, &e);
}

static int remove_value(struct store *s, const struct store_op *op, const struct store_value_entry *mine,
        const struct store_key *key)
{
        struct recorder_row e = { .op = STORE_DELETE_VALUE,
                .is_volatile = key->is_volatile,
                .key = &op->guid,
                .layer = store_layer_id(s, mine->layer),
                .name = mine->name };
        struct folded folded;

        if (!store_fold(mine->name, strlen(mine->name), &folded))
                return -EUCLEAN;
        recorder_was_value(mine, key->last_write, &e.was);
        int r = store_delete(s, VALUE_DELETE, &op->guid, &folded, e.layer, key->is_volatile);
        return r < 0 ? r : store_record(s, op, &e);
}

static int delete_value(struct store *s, const struct store_op *op)
{
        const struct store_value_entry *mine;
        const struct store_key *key;

        int r = find_key(s, &op->guid, &key);
        if (r < 0)
                return r;
        for (mine = store_value(s, &op->guid, op->name, strlen(op->name)); mine; mine = mine->next)
                if (fold_same(mine->layer, op->layer)) {
                        r = remove_value(s, op, mine, key);
                        return r < 0 ? r : set_time(s, op, key);
                }
        return store_database(s)->error;
}

/* ---- Path entries ---- */

/* Where the entry is: beside the key that it names, or, hidden, beside its parent. */
static int entry_is_volatile(
        struct store *s, const struct store_path_entry *e, const struct store_key *parent, bool *ret)
{
        const struct store_key *target = NULL;

        int r = e->hidden || parent->is_volatile ? 0 : find_key(s, &e->target, &target);
        *ret = parent->is_volatile || (target && target->is_volatile);
        return r == -ENOENT ? 0 : r;
}

static int remove_entry(struct store *s, const struct store_op *op, const struct store_path_entry *mine,
        const struct store_key *parent)
{
        struct recorder_row e = { .op = STORE_DELETE_ENTRY,
                .key = &op->guid,
                .layer = store_layer_id(s, mine->layer),
                .name = mine->name };
        struct folded folded;

        if (!store_fold(mine->name, strlen(mine->name), &folded))
                return -EUCLEAN;
        recorder_was_entry(mine, &e.was);
        int r = entry_is_volatile(s, mine, parent, &e.is_volatile);
        if (r == 0)
                r = store_delete(s, ENTRY_DELETE, &op->guid, &folded, e.layer, e.is_volatile);
        return r < 0 ? r : store_record(s, op, &e);
}

static int delete_entry(struct store *s, const struct store_op *op)
{
        const struct store_path_entry *mine;
        const struct store_key *parent;

        int r = find_key(s, &op->guid, &parent);
        if (r < 0)
                return r;
        for (mine = store_lookup(s, &op->guid, op->name, strlen(op->name)); mine; mine = mine->next)
                if (fold_same(mine->layer, op->layer))
                        return remove_entry(s, op, mine, parent);
        return store_database(s)->error;
}

/* Whether the GUID is a key of `parent`, or may become one: all entries that name it are in one place, and
 * none in a volatile key names a persistent one, which a dropped key of the same GUID may have left. */
static int check_parent(struct store *s, const struct guid *guid, const struct guid *parent)
{
        const struct store_key *key = store_key(s, guid);
        struct guid named_in = *parent;

        if (key &&
                (!guid_equal(&key->parent, parent) || (!key->is_volatile && store_is_volatile(s, parent))))
                return -EINVAL;
        for (unsigned i = 0; i < 1u + store_database(s)->has_volatile; i++) {
                sqlite3_stmt *q = database_statement(store_database(s), ENTRY_PARENT_OF, i);
                database_bind_guid(q, 1, guid);
                while (database_row(store_database(s), q))
                        database_column_guid(q, 0, &named_in);
        }
        return store_database(s)->error        ? store_database(s)->error
               : guid_equal(&named_in, parent) ? 0
                                               : -EINVAL;
}

static int replace_entry(struct store *s, const struct store_op *op, const struct store_key *parent,
        const struct store_path_entry *mine)
{
        struct recorder_row e = { .op = op->code,
                .is_volatile = parent->is_volatile,
                .key = &op->guid,
                .name = op->name,
                .target = op->code == STORE_CREATE_ENTRY ? &op->target : NULL };
        const struct store_key *target = NULL;
        bool was_volatile = false;

        int r = store_take_layer(s, op->layer, &e.layer);
        if (r == 0 && e.target)
                r = find_key(s, &op->target, &target);
        if (r == -ENOENT)
                r = 0;
        e.is_volatile |= target && target->is_volatile;
        if (r == 0 && mine) {
                recorder_was_entry(mine, &e.was);
                r = entry_is_volatile(s, mine, parent, &was_volatile);
        }
        if (r == 0 && mine && was_volatile != e.is_volatile) {
                r = remove_entry(s, op, mine, parent);
                e.was = (struct history_was){ 0 };
        }
        if (r == 0)
                r = store_put_entry(s, op, e.layer, e.is_volatile);
        return r < 0 ? r : store_record(s, op, &e);
}

static int create_entry(struct store *s, const struct store_op *op)
{
        const struct store_path_entry *mine = NULL;
        const struct store_key *parent;

        int r = find_key(s, &op->guid, &parent);
        if (r < 0)
                return r;
        if (!path_component_is_storable(op->name, strlen(op->name)) || op->sequence == 0)
                return -EINVAL;
        if (op->code == STORE_CREATE_ENTRY) {
                r = guid_is_zero(&op->target) ? -EINVAL : check_parent(s, &op->target, &op->guid);
                if (r < 0)
                        return r;
        }
        for (const struct store_path_entry *e = store_lookup(s, &op->guid, op->name, strlen(op->name)); e;
                e = e->next)
                if (fold_same(e->layer, op->layer))
                        mine = e;
                else if (e->sequence == op->sequence)
                        return -EINVAL;
        return store_database(s)->error ? store_database(s)->error : replace_entry(s, op, parent, mine);
}

/* ---- Blankets ---- */

static int remove_blanket(struct store *s, const struct store_op *op, const struct store_blanket *mine,
        const struct store_key *key)
{
        const struct recorder_row e = { .op = STORE_SET_BLANKET,
                .is_volatile = key->is_volatile,
                .key = &op->guid,
                .layer = store_layer_id(s, mine->layer),
                .was = { .is = true, .sequence = mine->sequence } };

        int r = store_delete(s, BLANKET_DELETE, &op->guid, NULL, e.layer, key->is_volatile);
        return r < 0 ? r : store_record(s, op, &e);
}

static int put_blanket(struct store *s, const struct store_op *op, const struct store_key *key,
        const struct store_blanket *mine)
{
        struct recorder_row e = { .op = op->code,
                .is_volatile = key->is_volatile,
                .key = &op->guid,
                .has_type = true,
                .type = 1 };

        int r = store_take_layer(s, op->layer, &e.layer);
        if (r == 0)
                r = store_put_blanket(s, op, e.layer, key->is_volatile);
        if (mine)
                e.was = (struct history_was){ .is = true, .sequence = mine->sequence };
        return r < 0 ? r : store_record(s, op, &e);
}

static int set_blanket(struct store *s, const struct store_op *op)
{
        const struct store_blanket *mine = NULL;
        const struct store_key *key;

        int r = find_key(s, &op->guid, &key);
        if (r < 0)
                return r;
        for (const struct store_blanket *b = store_blankets(s, &op->guid); b; b = b->next)
                if (fold_same(b->layer, op->layer))
                        mine = b;
                else if (op->set && b->sequence == op->sequence)
                        return -EINVAL;
        if (store_database(s)->error < 0)
                return store_database(s)->error;
        if (!op->set)
                return mine ? remove_blanket(s, op, mine, key) : 0;
        if (op->sequence == 0 || store_has_number(s, &op->guid, op->sequence, key->is_volatile))
                return -EINVAL;
        return put_blanket(s, op, key, mine);
}

/* ---- Keys ---- */

/* Of an entry that goes from the file. */
static int record_moved(struct store *s, const struct store_op *op, sqlite3_stmt *q)
{
        struct recorder_row e = { .op = STORE_DELETE_ENTRY,
                .layer = sqlite3_column_int64(q, 1),
                .name = (const char *)sqlite3_column_text(q, 2),
                .was = { .is = true, .sequence = database_column_u64(q, 3), .target = op->guid } };
        struct guid parent;

        database_column_guid(q, 0, &parent);
        e.key = &parent;
        e.was.name = e.name;
        return store_record(s, op, &e);
}

/* What named the key before it was there knows now that it is volatile. */
static int make_volatile(struct store *s, const struct store_op *op)
{
        int r = 0;

        store_database(s)->has_volatile = true;
        sqlite3_stmt *q = database_statement(store_database(s), ENTRY_NAMING, false);
        database_bind_guid(q, 1, &op->guid);
        while (r == 0 && database_row(store_database(s), q))
                r = record_moved(s, op, q);
        (void)sqlite3_reset(q);
        if (r == 0)
                r = store_run(s, ENTRY_TO_VOLATILE, &op->guid, true);
        return r < 0 ? r : store_run(s, ENTRY_DELETE_NAMING, &op->guid, false);
}

static int create_key(struct store *s, const struct store_op *op)
{
        struct recorder_row e = { .op = op->code,
                .is_volatile = op->is_volatile,
                .key = &op->guid,
                .name = op->name,
                .target = &op->target,
                .has_type = true,
                .type = op->is_link ? KEY_FLAG_LINK : 0,
                .data = op->data ? op->data : "",
                .size = op->size };
        const struct store_key *found;
        struct folded folded;

        int r = find_key(s, &op->guid, &found);
        if (r != -ENOENT)
                return r < 0 ? r : -EEXIST;
        if (guid_is_zero(&op->guid) || !path_component_is_storable(op->name, strlen(op->name)) ||
                !store_fold(op->name, strlen(op->name), &folded))
                return -EINVAL;
        if (!guid_is_zero(&op->target)) {
                r = find_key(s, &op->target, &found);
                if (r < 0)
                        return r;
                if (found->is_volatile && !op->is_volatile)
                        return -EINVAL;
        }
        if (op->is_volatile) {
                e.folded = folded.text;
                e.folded_len = folded.len;
        }
        r = check_parent(s, &op->guid, &op->target);
        if (r == 0 && op->is_volatile)
                r = make_volatile(s, op);
        if (r == 0)
                r = store_put_key(s, op);
        if (r < 0)
                return r;
        store_know_key(s, &op->guid);
        return store_record(s, op, &e);
}

static int write_key(struct store *s, const struct store_op *op)
{
        const struct store_key *key = store_key(s, &op->guid);
        struct recorder_row e = { .op = op->code, .key = &op->guid, .has_type = true, .type = op->mask };

        if (!key)
                return store_database(s)->error ? store_database(s)->error : -ENOENT;
        if (op->mask & ~(uint32_t)(STORE_MASK_SD | STORE_MASK_TIME))
                return -EINVAL;
        e.is_volatile = key->is_volatile;
        e.was = (struct history_was){
                .is = true, .data = key->sd, .size = key->sd_size, .time = key->last_write
        };
        if (op->mask & STORE_MASK_SD) {
                e.data = op->data ? op->data : "";
                e.size = op->size;
                int r = store_put_sd(s, &op->guid, op->data, op->size, key->is_volatile);
                if (r < 0)
                        return r;
        }
        if (op->mask & STORE_MASK_TIME) {
                int r = store_put_time(s, &op->guid, op->time, key->is_volatile);
                if (r < 0)
                        return r;
        }
        return store_record(s, op, &e);
}

/* The history has a row for each entry that goes with the key. */
static int empty_key(struct store *s, const struct store_op *op, const struct store_key *key)
{
        size_t n;
        int r = 0;

        const struct store_value_entry *const *values = store_values(s, &op->guid, SIZE_MAX, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                for (const struct store_value_entry *e = values[i]; r == 0 && e; e = e->next)
                        r = remove_value(s, op, e, key);
        const struct store_path_entry *const *hidden = store_children(s, &op->guid, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                for (const struct store_path_entry *e = hidden[i]; r == 0 && e; e = e->next)
                        r = remove_entry(s, op, e, key);
        for (const struct store_blanket *b = store_blankets(s, &op->guid); r == 0 && b; b = b->next)
                r = remove_blanket(s, op, b, key);
        return r < 0 ? r : store_database(s)->error;
}

static int drop_key(struct store *s, const struct store_op *op)
{
        const struct store_key *key = store_key(s, &op->guid);
        struct recorder_row e = { .op = op->code, .key = &op->guid };
        struct folded folded;

        if (!key || !store_fold(key->name, strlen(key->name), &folded))
                return key ? -EUCLEAN : store_database(s)->error;
        if (store_any_row(s, ENTRY_CHILD_OF, &op->guid))
                return -ENOTEMPTY;
        if (store_key_is_referenced(s, &op->guid))
                return -EINVAL;
        e.is_volatile = key->is_volatile;
        e.name = key->name;
        e.folded = folded.text;
        e.folded_len = folded.len;
        e.target = &key->parent;
        e.was = (struct history_was){ .is = true,
                .name = key->name,
                .target = key->parent,
                .type = key->is_link ? KEY_FLAG_LINK : 0,
                .data = key->sd,
                .size = key->sd_size,
                .time = key->last_write };
        int r = empty_key(s, op, key);
        if (r == 0)
                r = store_run(s, KEY_DELETE, &op->guid, key->is_volatile);
        return r < 0 ? r : store_record(s, op, &e);
}

/* ---- Layers ---- */

/* Nothing is said of what the layer does not have. */
static int remove_held(struct store *s, const struct store_op *op, const struct store_held *held)
{
        struct store_op one = { .guid = held->guid,
                .name = held->name,
                .layer = op->layer,
                .sequence = op->sequence,
                .is_policy = true };

        switch (held->kind) {
        case STORE_ENTRY:
                return delete_entry(s, &one);
        case STORE_VALUE:
                return delete_value(s, &one);
        case STORE_BLANKET:
                return set_blanket(s, &one);
        }
        return -EINVAL;
}

static int delete_layer(struct store *s, const struct store_op *op)
{
        size_t n;
        int r = fold_same(op->layer, LAYER_BASE) ? -EINVAL : 0;

        const struct store_held *held = store_layer(s, op->layer, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = remove_held(s, op, &held[i]);
        return r < 0 ? r : store_database(s)->error;
}

static int set_file(struct store *s, const struct store_op *op)
{
        char data[STORE_FILE_DATA_MAX];
        struct recorder_row e = { .op = op->code,
                .name = op->name,
                .has_type = true,
                .type = op->precedence,
                .data = data,
                .size = store_format_file(op->set, &op->seal, data) };

        int r = store_take_layer(s, op->layer, &e.layer);
        if (r == 0)
                r = store_was_file(s, e.layer, &e.was);
        if (r == 0)
                r = store_put_file(s, op, e.layer);
        return r < 0 ? r : store_record(s, op, &e);
}

static int forget_file(struct store *s, const struct store_op *op)
{
        struct recorder_row e = { .op = op->code, .layer = store_layer_id(s, op->layer) };

        if (e.layer == 0)
                return store_database(s)->error;
        int r = store_was_file(s, e.layer, &e.was);
        if (r < 0 || !e.was.is)
                return r;
        r = store_delete_file(s, e.layer);
        return r < 0 ? r : store_record(s, op, &e);
}

/* ---- The store itself ---- */

static int note(struct store *s, const struct store_op *op)
{
        const struct recorder_row e = { .op = op->code, .name = op->name };

        return store_record(s, op, &e);
}

/* What the database says explains what was not found. Damage may have been found half way. */
static int finish(struct store *s, int r)
{
        if (r == -EUCLEAN && store_database(s)->error == 0)
                store_database(s)->error = diag_set(&store_database(s)->why, EUCLEAN,
                        "%s: holds an invalid name", store_database(s)->path);
        return store_database(s)->error ? store_database(s)->error : r;
}

int store_apply(struct store *s, const struct store_op *op)
{
        static const struct {
                uint16_t code;
                int (*apply)(struct store *s, const struct store_op *op);
        } ops[] = {
                { STORE_CREATE_ENTRY, create_entry },
                { STORE_HIDE_ENTRY, create_entry },
                { STORE_DELETE_ENTRY, delete_entry },
                { STORE_CREATE_KEY, create_key },
                { STORE_WRITE_KEY, write_key },
                { STORE_DROP_KEY, drop_key },
                { STORE_SET_VALUE, set_value },
                { STORE_DELETE_VALUE, delete_value },
                { STORE_SET_BLANKET, set_blanket },
                { STORE_DELETE_LAYER, delete_layer },
                { STORE_SET_FILE, set_file },
                { STORE_FORGET_FILE, forget_file },
                { STORE_NOTE, note },
        };
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);

        if (store_database(s)->error < 0)
                return store_database(s)->error;
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                if (ops[i].code == op->code)
                        return finish(s, ops[i].apply(s, op));
        return -EINVAL;
}
