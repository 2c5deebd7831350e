/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rows of the tables are put, deleted and looked for here: nothing is checked, and the history does not hear
 * of it. */

#include "recorder.h"

struct folded;

/* 0, or the error, as all of these. The layer's number, which it gets now if it has none; -EINVAL: no layer
 * can be called so. */
_must_check_ int rows_take_layer(struct store *s, const char *name, int64_t *ret);

_must_check_ int rows_put_key(struct store *s, const struct store_op *create);
_must_check_ int rows_put_sd(
        struct store *s, const struct guid *key, const void *sd, size_t size, bool is_volatile);
_must_check_ int rows_put_time(struct store *s, const struct guid *key, uint64_t time, bool is_volatile);
/* `op`: CREATE_ENTRY or HIDE_ENTRY. */
_must_check_ int rows_put_entry(struct store *s, const struct store_op *op, int64_t layer, bool is_volatile);
/* `is_only`: no other layer has the value. */
_must_check_ int rows_put_value(
        struct store *s, const struct store_op *op, int64_t layer, bool is_volatile, bool is_only);
_must_check_ int rows_put_blanket(
        struct store *s, const struct store_op *op, int64_t layer, bool is_volatile);
_must_check_ int rows_put_file(struct store *s, const struct store_op *op, int64_t layer);

/* A statement whose one parameter is a key. */
_must_check_ int rows_run(struct store *s, enum statement id, const struct guid *key, bool is_volatile);
/* Of a path entry or a value, or of a blanket, which has no name. */
_must_check_ int rows_delete(struct store *s, enum statement id, const struct guid *key,
        const struct folded *name, int64_t layer, bool is_volatile);
_must_check_ int rows_delete_file(struct store *s, int64_t layer);

/* Whether a value in the key has the number. */
bool rows_have_value_of_sequence(
        struct store *s, const struct guid *key, uint64_t sequence, bool is_volatile);
/* The file behind the layer, as SET_FILE is in the history. */
_must_check_ int rows_was_file(struct store *s, int64_t layer, struct recorder_was *ret);
