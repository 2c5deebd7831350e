/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
               strcmp(a->reason, rec->last_reason) == 0 &&
               memcmp(&a->actor, &rec->last_actor, sizeof(a->actor)) == 0;
}

static void bind_id(sqlite3_stmt *statement, int column, uint32_t id)
{
        if (id != AUDIT_ID_UNSET)
                bind_u64(statement, column, id);
        else
                (void)sqlite3_bind_null(statement, column);
}

static void bind_known(sqlite3_stmt *statement, int column, const char *text)
{
        if (text && text[0])
                bind_text(statement, column, text, strlen(text));
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
        bind_text(row, 1, rec->boot, strlen(rec->boot));
        bind_text(row, 2, a->reason, strlen(a->reason));
        bind_known(row, 3, a->file);
        bind_id(row, 4, a->actor.pid);
        bind_id(row, 5, a->actor.uid);
        bind_id(row, 6, a->actor.loginuid);
        bind_id(row, 7, a->actor.session);
        bind_known(row, 8, a->actor.comm);
        bind_known(row, 9, a->actor.exe);
        bind_known(row, 10, a->actor.context);
        int r = database_run(db, row);
        if (r == 0) {
                rec->author = sqlite3_last_insert_rowid(db->sqlite);
                rec->last_actor = a->actor;
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
        const struct recorder_was *was = &e->was;

        if (was->name)
                bind_text(row, 13, was->name, strlen(was->name));
        bind_u64(row, 14, was->sequence);
        bind_guid(row, 15, &was->target);
        bind_u64(row, 16, was->type);
        bind_data(row, 17, was->data, was->size);
}

static unsigned flags_of(const struct recorder_row *e)
{
        const bool is_policy =
                e->is_policy || e->op == STORE_SET_FILE || e->op == STORE_FORGET_FILE || e->op == STORE_NOTE;

        return (e->is_volatile ? HISTORY_VOLATILE : 0u) | (is_policy ? HISTORY_POLICY : 0u);
}

int recorder_add(struct recorder *rec, struct database *db, uint64_t sequence, const struct recorder_row *e)
{
        int r = know_author(rec, db);
        sqlite3_stmt *row = r == 0 ? database_statement(db, HISTORY_ADD, false) : NULL;

        if (!row)
                return db->error;
        (void)sqlite3_clear_bindings(row);
        bind_u64(row, 1, sequence);
        bind_u64(row, 2, rec->time);
        (void)sqlite3_bind_int64(row, 3, rec->author);
        bind_u64(row, 4, e->op);
        bind_u64(row, 5, flags_of(e));
        bind_guid(row, 6, e->key ? e->key : &(struct guid){ 0 });
        if (e->layer)
                (void)sqlite3_bind_int64(row, 7, e->layer);
        if (e->name)
                bind_text(row, 8, e->name, strlen(e->name));
        if (e->folded)
                bind_text(row, 9, e->folded, e->folded_len);
        if (e->target)
                bind_guid(row, 10, e->target);
        if (e->is_volatile)
                return database_run(db, row);
        if (e->has_type)
                bind_u64(row, 11, e->type);
        if (e->has_type && e->data)
                bind_data(row, 12, e->data, e->size);
        if (e->was.is)
                bind_was(row, e);
        if (e->was.time != 0)
                bind_u64(row, 18, e->was.time);
        return database_run(db, row);
}

void recorder_was_value(const struct store_value_entry *e, uint64_t time, struct recorder_was *ret)
{
        *ret = (struct recorder_was){ .time = time };
        if (e)
                *ret = (struct recorder_was){ .is = true,
                        .name = e->name,
                        .sequence = e->sequence,
                        .type = e->type,
                        .data = e->data,
                        .size = e->size,
                        .time = time };
}

void recorder_was_entry(const struct store_path_entry *e, struct recorder_was *ret)
{
        *ret = (struct recorder_was){
                .is = true, .name = e->name, .sequence = e->sequence, .target = e->target
        };
}
