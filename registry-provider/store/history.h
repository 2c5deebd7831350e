/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The history of the store: one row for each entry that an operation changed, with what was there before, in
 * the order in which that happened. So every kept moment can be had again: today's contents with the rows
 * undone, newest first. It knows paths, since a key's name and parent never change; it judges no layers. */

#include "../../schema/names/path.h"
#include "store.h"

/* What the layer had there before. */
struct history_was {
        bool is;
        const char *name;
        uint64_t sequence;
        struct guid target;
        uint32_t type;
        const void *data;
        size_t size;
        uint64_t time; /* the key's last write, also where `is` is false */
};

/* `op` says what the fields mean, as in struct store_op. Of SET_FILE `type` is the precedence, and the first
 * byte of data whether it is enabled; of a policy of the fleet serial and signer follow as text. Of
 * SET_BLANKET `type` is 1, and nothing where it was taken away. */
struct history_row {
        int64_t id;
        uint64_t sequence;     /* the counter then: of what was put, its own */
        uint64_t time;         /* µs since the epoch */
        enum store_op_code op; /* of DELETE_LAYER and the like each entry has its row */
        bool is_volatile;      /* without data, and nothing to be undone */
        bool is_shadowed;      /* nothing effective changed; see history_shadowed() */
        struct guid key;       /* zero: none */
        struct guid target;    /* of a path entry: what it names; of a key: its parent */
        const char *path;      /* of the key, as it was called; NULL: none, or not known any more */
        const char *layer;     /* NULL: none */
        const char *name;      /* NULL: none */
        bool has_type;
        uint32_t type;
        const void *data;
        size_t size;
        struct history_was was;
        const struct store_author *author;
        const char *boot; /* "": not known */
};

/* All look-ups are in a scope of the store's, fail as store_error() says, and give its memory. */

/* The row that gave an entry this sequence. NULL: it is not kept. Without its path. */
const struct history_row *history_writer(const struct store *s, uint64_t sequence);
/* The next row with a smaller number than `id`, for history_undo(). NULL: there is none. Numbers follow each
 * other; where one is missing, its row was removed, and what was before cannot be had again exactly. */
const struct history_row *history_before(const struct store *s, int64_t id);

struct history_query {
        const struct path *path;
        bool subtree;
        const char *name;      /* rows of values of that name alone; NULL: all */
        uint64_t since, until; /* µs since the epoch, both included; until = 0: no end */
        bool backwards;        /* the newest first */
        int64_t cursor;        /* where the page before ended; 0: the first page */
        size_t limit;          /* rows */
        size_t bytes;          /* about so many are in a page, or one row */
        uint64_t look;         /* µs; 0: HISTORY_LOOK_USEC */
};

struct history_page {
        const struct history_row *const *rows;
        size_t n;
        int64_t cursor; /* for the next page; 0: this is the last one */
};

/* So long it looks for rows; what is not found by then is for the next page, and this one may be empty.
 * To write the reply takes about as long again. */
#define HISTORY_LOOK_USEC 5000u

/* Rows of all keys that were at the path or below, also of those that are gone. The subtree of a hive also
 * has what is about no key. 0, or the error. */
_must_check_ int history_page(
        const struct store *s, const struct history_query *q, struct history_page *ret);

/* ---- Earlier moments ---- */

enum history_scale {
        HISTORY_BY_SEQUENCE,
        HISTORY_BY_TIME, /* µs since the epoch. Where the clock was set back it may find either moment */
};
enum history_miss {
        HISTORY_NOT_KEPT = 1, /* rows since then were removed */
        HISTORY_TO_COME,
};

/* The newest row that is not above the number; 0: none. */
int64_t history_until(const struct store *s, enum history_scale scale, uint64_t number);
/* The row of a moment, for store_show(): right after the transaction that the number is of, or at the time.
 * Of a transaction so many rows are looked at each way, and the rest taken for another's: INT64_MAX where
 * all count. 0; an enum history_miss with d set; or the error. */
_must_check_ int history_find(const struct store *s, enum history_scale scale, uint64_t number, int64_t max,
        int64_t *ret, struct diag *d);
/* The transaction that the sequence is of, whole: its rows are those behind *ret_after, up to *ret_until. As
 * history_find(); HISTORY_NOT_KEPT also where no row has the sequence. */
_must_check_ int history_find_change(const struct store *s, uint64_t sequence, int64_t max,
        int64_t *ret_after, int64_t *ret_until, struct diag *d);
/* From now on look-ups find what was there right after the row, all of one state of the file: the scope that
 * is open, which history_find() was asked in, ends with the store. Of one that was opened STORE_READ_ONLY,
 * once; nothing else is done with it. What was volatile is not known. -EFBIG of a look-up (store_error()):
 * too much of one key has changed since. */
_must_check_ int store_show(struct store *s, int64_t row);
/* The same of now: a store that was opened to read the file of `of` has what that one has, volatile keys
 * too, until it is closed. Nothing of `of` is open or waits to be made durable. */
_must_check_ int store_freeze(struct store *s, const struct store *of);

/* Undoes the row in the tables of `s`, whose contents must be those right after it, and leaves none itself.
 * In an open transaction: a preview, or of a store that was made for it. */
_must_check_ int history_undo(struct store *s, const struct history_row *row);

/* Whether a change was effective is known when its transaction ends, to whoever resolves layers. The number
 * of the newest row; 0: there is none. */
int64_t history_last(const struct store *s);
/* The next row with a larger number: its id, op, key and name alone. */
const struct history_row *history_after(const struct store *s, int64_t id);
_must_check_ int history_shadowed(struct store *s, int64_t id);
