/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of registry-provider/registry share: a registry on a file below a root directory of its
 * own, changes written as text, and its contents as comparable lines. */

#include <check.h>
#include <stdbool.h>

#include "../../../registry-provider/registry/registry.h"
#include "../store/store-util.h"
#include "scratch.h"

struct world {
        struct scratch root;
        bool in_memory; /* from the next opening on: what is there then is gone when it is closed */
        bool forgets;   /* the store keeps next to nothing of look-ups */
        bool foreign;   /* layers have something in keys that they do not name */
        struct schema *schema;
        struct registry *r;
        struct dropins files; /* of the last reload */
        struct diag d;
};

#define WORLD_VALUE_MAX 4096u

/* Folders of drop-in files, for world_write(), and how such a file begins. */
#define ETC "etc/peios/registry.d/"
#define USR "usr/lib/peios/registry.d/"
#define FLEET_DIR "var/lib/peios/registry.d/"
#define HEAD(layer) "peios-registry: 1\nlayer: " layer "\n"

/* A new root, and a registry opened on it. */
void world_init(struct world *w);
void world_done(struct world *w);
int world_open(struct world *w);
void world_close(struct world *w);
/* The database. Good until the fourth next call. */
const char *world_file(const struct world *w);
/* Closed and opened again; and as after a kill -9: opened from a copy taken while it was open. */
void world_restart(struct world *w);
void world_crash(struct world *w);

/* Closed and opened again, and the layer's naming entry of the key has gone meanwhile, and nothing else. */
void world_unname(struct world *w, const char *layer, const char *key);

/* Closed and opened again, with operations of the store's own applied meanwhile. */
void world_apply(struct world *w, const struct store_op *ops, size_t n);

/* Changes, one a line: `set LAYER KEY NAME VALUE`, `del LAYER KEY NAME`, `mk LAYER KEY`, `rm LAYER KEY`,
 * `rmr LAYER KEY` (recursive), `ln LAYER KEY TARGET` (a link; TARGET `-`: none); with a `v` in front the
 * keys that are made are volatile, with an `l` a link in the last place is not followed. LAYER `-` is none,
 * NAME `@` the default value, VALUE a number (REG_DWORD), `!` (a tombstone), `>TARGET` (a REG_LINK) or a
 * string. The first error ends it. */
int world_change(struct world *w, const char *script);
/* One transaction, synced. The events, one a line; or the name of the error, a blank, and the text. */
char *world_run(struct world *w, const char *script);
char *world_preview(struct world *w, const char *script);
/* world_run(), whose result must be `expected`. */
void world_expect(struct world *w, const char *script, const char *expected);
/* Must succeed; the events are of no interest. */
void world_do(struct world *w, const char *script);
const char *error_name(int r);
char *error_text(const struct world *w, int r);
char *take_text(struct buf *text);
void value_text(struct buf *out, uint32_t type, const void *data, size_t size);
char *events_text(const struct registry_events *events);

/* Some line for world_run(), of one of these layers, which may be refused. */
void world_change_somehow(struct world *w, const char *const *layers, size_t n_layers);

/* The effective value as text with its layer (`1@base`), or the name of the error. In a ring of 4. With `>`
 * in front of the name a link in the last place is not followed. */
const char *world_get(struct world *w, const char *key, const char *name);
/* The sequence of what is effective. */
uint64_t world_sequence_of(struct world *w, const char *key, const char *name);

/* Below the root; NULL text: removed. */
void world_write(struct world *w, const char *path, const char *text);
/* Reads the drop-in files and applies them, synced. The events, then a line for each file's error. */
char *world_reload(struct world *w);
/* Must succeed, but for what files say. */
void world_reload_well(struct world *w);
void world_expect_reload(struct world *w, const char *expected);
/* The same in whatever order. */
void world_expect_reload_sorted(struct world *w, const char *expected);
void assert_same_lines(const char *got, const char *expected, const char *what);

size_t world_keys(const struct world *w);
/* All that the registry holds, and with `persistent` only what a restart keeps. Asserts on the way that
 * there is no key that nobody names, and (but in a foreign one) that who has something in a key names it. */
struct dump world_dump(const struct world *w, bool persistent);
/* Asserts that alone. */
void world_check(const struct world *w);
/* `layer precedence enabled`, `layer path` for each key that it names, `layer path name=value`. */
struct dump world_contents(const struct world *w);
/* What can be seen from the hives down: `path`, and `path name=value@layer`. */
struct dump world_effective(const struct world *w);

/* What came behind a row is taken back, in one transaction, synced. 0, or the error with w->d set. */
int world_undo(struct world *w, const struct registry_undo *what, uint32_t *ret_left_out);
/* All of it, which must succeed. */
void world_undo_since(struct world *w, int64_t row);
