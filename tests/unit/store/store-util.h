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

/* Everything that the store tells about itself; asserts on the way that look-ups, chains, counts and
 * enumeration agree with each other. */
struct dump dump_store(const struct store *s);
/* "-line\n" for each line that went and "+line\n" for each that came; to be freed. */
char *dump_diff(const struct dump *before, const struct dump *after);
void dump_assert_equal(const struct dump *a, const struct dump *b, const char *what);

/* Must succeed. */
void apply(struct store *s, struct store_op op);

#define FIXTURE_VALUE_MAX 16u
/* Machine (01): App (02), with values and a blanket; Tmp (03), volatile; Loose (04), which no entry names;
 * Gone, hidden. App2 (05) is there in another layer, beside App. */
struct store *fixture_new(void);

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
#define APPLY(s, ...) apply((s), (struct store_op){ __VA_ARGS__ })
