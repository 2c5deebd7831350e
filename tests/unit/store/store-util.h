/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by the tests of the store and the resolver. GUIDs of the tests differ in their first byte only and
 * are written as that byte in hex. */

#include <check.h>

#include "../../../registry-provider/store/store.h"

/* Sorted lines, one a key, path entry, value and blanket. */
struct dump {
        char **lines;
        size_t n, size;
};

struct guid guid_of(unsigned byte);

_printf_(2, 3) void dump_line(struct dump *d, const char *format, ...);
void dump_sort(struct dump *d);
void dump_done(struct dump *d);
#define _cleanup_dump_ _cleanup_(dump_done)

/* Everything that the store has; asserts on the way that look-ups, chains, enumeration, layers and the
 * tables agree with each other. */
struct dump dump_store(const struct store *s);
/* "-line\n" for each line that went and "+line\n" for each that came; to be freed. */
char *dump_diff(const struct dump *before, const struct dump *after);
void dump_assert_equal(const struct dump *a, const struct dump *b, const char *what);

/* In a transaction of its own, which is rolled back if the operation fails. */
int try_apply(struct store *s, const struct store_op *op);
/* Must succeed. */
void apply(struct store *s, struct store_op op);
void begin(struct store *s);
void commit(struct store *s);
void sync_store(struct store *s);
/* NULL: in memory. */
struct store *open_store(const char *file, enum store_mode mode);
/* The rows of a table, volatile ones, too. */
size_t rows_of(const struct store *s, const char *table);
/* The one number that the query finds. */
int64_t sql_number(const struct store *s, const char *sql);

#define FIXTURE_VALUE_MAX 16u
/* Machine (01): App (02), with values and a blanket; Tmp (03), volatile; Loose (04), which no entry names;
 * Gone, hidden. App2 (05) is there in another layer, beside App. */
struct store *fixture_new(void);
void fixture_fill(struct store *s);

/* The fields of an operation; strings are literals. */
#define OP_KEY(g, p, n) .code = STORE_CREATE_KEY, .guid = { { (g) } }, .target = { { (p) } }, .name = (n)
#define OP_ENTRY(p, n, l, g, s)                                                                             \
        .code = STORE_CREATE_ENTRY, .guid = { { (p) } }, .name = (n), .layer = (l), .target = { { (g) } },  \
        .sequence = (s)
#define OP_HIDE(p, n, l, s)                                                                                 \
        .code = STORE_HIDE_ENTRY, .guid = { { (p) } }, .name = (n), .layer = (l), .sequence = (s)
#define OP_VALUE(g, n, l, t, d, s)                                                                          \
        .code = STORE_SET_VALUE, .guid = { { (g) } }, .name = (n), .layer = (l), .type = (t), .data = (d),  \
        .size = sizeof(d) - 1, .sequence = (s)
#define OP_BLANKET(g, l, on, s)                                                                             \
        .code = STORE_SET_BLANKET, .guid = { { (g) } }, .layer = (l), .set = (on), .sequence = (s)
/* DELETE_ENTRY and DELETE_VALUE */
#define OP_DELETE(c, g, n, l) .code = (c), .guid = { { (g) } }, .name = (n), .layer = (l)
#define OP_FILE(l, n, p, on)                                                                                \
        .code = STORE_SET_FILE, .layer = (l), .name = (n), .precedence = (p), .set = (on)
#define APPLY(s, ...) apply((s), (struct store_op){ __VA_ARGS__ })

/* Of the history. */
int64_t last_row(const struct store *s);
