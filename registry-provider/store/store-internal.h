/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The store's own struct: turns (store.c), and what is read (store-read.c). */

#include "store-tables.h"

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

struct store {
        struct database *db;
        struct arena arena;
        size_t scopes; /* open ones */
        struct cache cache;
        struct moment *moment; /* NULL: now */
        bool is_shared;        /* another process may write: what is read is good for one transaction */
        size_t value_max;

        enum turn turn;
        struct mark marks[MARKS_MAX];
        unsigned depth;
        uint64_t sequence, sequence_begun; /* now, and at the begin of the turn */
        bool is_preview;                   /* the turn is, which needs no history */
        unsigned turn_rows;                /* of the history, that the turn has added */
        bool is_large;                     /* the turn is, and has larger caches */
        bool pending;
        int lost; /* the turn is rolled back whole, for this; those who are in it do not know yet. 0: no */
        struct diag why_lost;
        bool must_heal; /* a commit failed; see heal() */
        unsigned log_pages, log_begun;
        struct store_syncs syncs;

        struct recorder recorder;

        char **layers; /* names by number; a number is never given twice while the store is open */
        int64_t n_layers, next_layer;
};
