/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The store's own struct, for its parts: turns (store.c), what is read (store-read.c), what is changed
 * (store-apply.c and store-rows.c), and the history. */

#include "../../schema/names/path.h"
#include "arena.h"
#include "cache.h"
#include "database.h"
#include "recorder.h"

#define BASE_LAYER_ID 1
#define KEY_FLAG_LINK 1
/* No store comes near; damage must not make us ask for that much memory. */
#define LAYER_IDS_MAX (INT64_C(1) << 24)

enum turn {
        TURN_NONE,
        TURN_READING, /* a transaction of SQLite's spares each query a lock of its own */
        TURN_WRITING,
};

/* As deep as anybody nests. */
#define MARKS_MAX 8u

struct mark {
        uint64_t sequence;
        int64_t author;
        bool is_nested; /* it has a savepoint */
};

/* Index 1: rows that are policy. */
struct pruning {
        int64_t counted;   /* rows up to this one are in the sums */
        int64_t passed[2]; /* rows up to this one are gone, or of the other kind */
        uint64_t rows[2], bytes[2];
        bool in_turn; /* not committed yet */
};

struct store {
        struct database *db;
        struct arena arena;
        size_t scopes; /* open ones */
        struct cache cache;
        bool is_shared; /* another process may write: what is read is good for one transaction */
        size_t value_max;

        enum turn turn;
        struct mark marks[MARKS_MAX];
        unsigned depth;
        uint64_t sequence, sequence_begun; /* now, and at the begin of the turn */
        bool pending;
        int lost; /* the turn is rolled back whole, for this; those who are in it do not know yet. 0: no */
        struct diag why_lost;
        bool must_heal; /* a commit failed; see heal() */
        unsigned log_pages;
        struct pruning pruning;

        struct recorder recorder;

        char **layers; /* names by number; a number is never given twice while the store is open */
        int64_t n_layers, next_layer;
};

/* A look-up changes nothing that its caller could see. */
struct store *store_writable(const struct store *s);

/* A name as the tables have it. */
struct folded {
        char text[FOLDED_BYTES(NAME_BYTES_MAX)];
        size_t len;
};
/* False: no name can be so long. */
bool store_fold(const char *name, size_t len, struct folded *ret);

/* The number of a layer; 0: it has none, or the error is in db->error. */
int64_t store_layer_id(struct store *s, const char *name);
/* A statement in the turn that is open, or in one for reading. */
sqlite3_stmt *store_query(const struct store *s, enum statement id, bool is_volatile);
const char *store_layer_name(struct store *s, int64_t id);

/* Memory of the scope. NULL: out of memory, which is in db->error. */
void *store_take(const struct store *s, size_t size);
/* With a NUL behind it. */
const void *store_copy(const struct store *s, const void *data, size_t size);
const char *store_column_text(const struct store *s, sqlite3_stmt *statement, int column);
