/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rows of the history are written here, and who did it: one author's row serves all that he does one after
 * the other. */

#include "../../schema/base/clock.h"
#include "database.h"
#include "history.h"

/* Flags of a row. */
#define HISTORY_VOLATILE 1 /* it has no data */
#define HISTORY_SHADOWED 2 /* nothing effective changed */
#define HISTORY_POLICY 4   /* pruned later */
#define HISTORY_RUN 8      /* it begins a run: those without it are of the key of the row before them */

/* A row is at most so far from the begin of its run. Creating and dropping a key always begin one. */
#define HISTORY_RUN_MAX 16u

/* Index 1: rows that are policy. */
struct pruning {
        int64_t counted;   /* rows up to this one are in the sums */
        int64_t passed[2]; /* rows up to this one are gone, or of the other kind */
        uint64_t rows[2], bytes[2];
        bool in_turn; /* not committed yet */
};

struct recorder {
        const struct store_author *begun_by;  /* the open transaction */
        const struct store_author *meanwhile; /* NULL: the same */
        int64_t author;          /* the row of the last one who changed something; 0: none yet */
        struct actor last_actor; /* who that was */
        char last_reason[32], *last_file;
        struct seal last_seal;
        uint64_t time; /* of the open transaction, µs since the epoch */
        char boot[BOOT_ID_MAX];
        struct guid run_of; /* the key of the newest row */
        unsigned run;       /* rows in the newest run; 0: it is not known */
        struct pruning pruning;
};

/* A row, as the operation has it: what is there now. */
struct recorder_row {
        uint16_t op;
        bool is_policy;
        bool is_volatile; /* it was, at least: its data stay in memory */
        const struct guid *key;
        int64_t layer; /* 0: none */
        const char *name;
        const char *folded; /* of a key that may be gone; it is found by that */
        size_t folded_len;
        const struct guid *target; /* NULL: none */
        bool has_type;
        uint32_t type;
        const void *data;
        size_t size;
        struct history_was was; /* what was there before */
};

/* The registry itself, which has nobody behind it. */
extern const struct store_author recorder_registry;

void recorder_done(struct recorder *rec);
/* What follows happens now, by the author; NULL: the registry itself. */
void recorder_begin(struct recorder *rec, const struct store_author *author);
/* 0, or what the database says. */
_must_check_ int recorder_add(
        struct recorder *rec, struct database *db, uint64_t sequence, const struct recorder_row *row);

/* What an entry says; a value's may be NULL: there is none. */
void recorder_was_value(const struct store_value_entry *e, uint64_t time, struct history_was *ret);
void recorder_was_entry(const struct store_path_entry *e, struct history_was *ret);
/* See store_prune(). */
_must_check_ int recorder_prune(
        struct recorder *rec, struct store *s, const struct store_prune_limits *limits, bool *ret_more);
