/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tables, for the store's parts, which know nothing else of it: what they are read with, and rows that
 * are put, deleted and looked for. Here nothing is checked, and the history does not hear of it. */

#include "../../schema/names/path.h"
#include "cache.h"
#include "database.h"
#include "recorder.h"

#define BASE_LAYER_ID 1
#define KEY_FLAG_LINK 1

struct database *store_database(const struct store *s);
/* A look-up changes nothing that its caller could see. */
struct store *store_writable(const struct store *s);
/* The moment that it shows, and owns; NULL: it is as it is now. */
struct moment *store_moment(const struct store *s);
void store_set_moment(struct store *s, struct moment *m);

/* A name as the tables have it. */
struct folded {
        char text[FOLDED_BYTES(NAME_BYTES_MAX)];
        size_t len;
};
/* False: no name can be so long. */
bool store_fold(const char *name, size_t len, struct folded *ret);

/* ---- Reading. What is missing has its error in the database's. ---- */

/* A statement in the turn that is open, or in one for reading. */
sqlite3_stmt *store_query(const struct store *s, enum statement id, bool is_volatile);
/* Whether the statement, whose one parameter is a key, finds anything. */
bool store_any_row(const struct store *s, enum statement id, const struct guid *guid);
/* The number of a layer; 0: it has none, or there is an error. */
int64_t store_layer_id(const struct store *s, const char *name);
const char *store_layer_name(const struct store *s, int64_t id);

/* Memory of the scope. NULL: out of memory. */
void *store_take(const struct store *s, size_t size);
/* With a NUL behind it. */
const void *store_copy(const struct store *s, const void *data, size_t size);
const char *store_column_text(const struct store *s, sqlite3_stmt *statement, int column);
/* What does not fit is cut. */
void store_column_into(sqlite3_stmt *statement, int column, char *ret, size_t size);
/* Of `serial` and `signer`, which stand side by side. */
void store_column_seal(sqlite3_stmt *statement, int column, struct seal *ret);
void store_bind_seal(sqlite3_stmt *statement, int column, const struct seal *seal);

/* ---- Changing. 0, or the error, as all of these. ---- */

/* The rows of the operation at hand are recorded with its number, or with the last one. */
_must_check_ int store_record(struct store *s, const struct store_op *op, const struct recorder_row *e);
size_t store_value_max(const struct store *s);
/* What look-ups have found is not so any more; see store_forget_all(), too. */
void store_forget(struct store *s, enum cache_kind kind, const struct guid *guid, const struct folded *name);
/* Of a key that was not there: nothing is in it, and what is put into it from now on is remembered. */
void store_know_key(struct store *s, const struct guid *key);
/* Whoever has put a value looks at it next: what it changed effectively. No other layer has it. */
void store_remember_value(
        struct store *s, const struct store_op *op, const struct folded *folded, int64_t layer);

/* The layer's number, which it gets now if it has none; -EINVAL: no layer can have that name. */
_must_check_ int store_take_layer(struct store *s, const char *name, int64_t *ret);

_must_check_ int store_put_key(struct store *s, const struct store_op *create);
_must_check_ int store_put_sd(
        struct store *s, const struct guid *key, const void *sd, size_t size, bool is_volatile);
_must_check_ int store_put_time(struct store *s, const struct guid *key, uint64_t time, bool is_volatile);
/* `op`: CREATE_ENTRY or HIDE_ENTRY. */
_must_check_ int store_put_entry(
        struct store *s, const struct store_op *op, int64_t layer, bool is_volatile);
/* `is_only`: no other layer has the value. */
_must_check_ int store_put_value(
        struct store *s, const struct store_op *op, int64_t layer, bool is_volatile, bool is_only);
_must_check_ int store_put_blanket(
        struct store *s, const struct store_op *op, int64_t layer, bool is_volatile);
_must_check_ int store_put_file(struct store *s, const struct store_op *op, int64_t layer);

/* A statement whose one parameter is a key. */
_must_check_ int store_run(struct store *s, enum statement id, const struct guid *key, bool is_volatile);
/* Of a path entry or a value, or of a blanket, which has no name. */
_must_check_ int store_delete(struct store *s, enum statement id, const struct guid *key,
        const struct folded *name, int64_t layer, bool is_volatile);
_must_check_ int store_delete_file(struct store *s, int64_t layer);

/* Whether a value in the key has the number. */
bool store_has_number(struct store *s, const struct guid *key, uint64_t sequence, bool is_volatile);
/* The data of SET_FILE in the history. Returns their size. */
#define STORE_FILE_DATA_MAX 48u
size_t store_format_file(bool enabled, const struct seal *seal, char ret[static STORE_FILE_DATA_MAX]);
void store_parse_file(const void *data, size_t size, bool *ret_enabled, struct seal *ret_seal);
/* The file behind the layer, as SET_FILE is in the history. */
_must_check_ int store_was_file(struct store *s, int64_t layer, struct history_was *ret);
