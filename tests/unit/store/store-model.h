/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the store should do, as arrays and linear scans. */

#include "store-util.h"

#define ROWS 4096u
#define MODEL_VALUE_MAX 6u

enum row_kind {
        NONE,
        KEY,
        PATH,
        VALUE,
        BLANKET,
        FILE_LAYER
};

/* One row for anything: a key, a path entry, a value, a blanket or a layer's file. */
struct row {
        enum row_kind kind;
        unsigned guid, target;
        char name[8], layer[8], data[8];
        unsigned type;
        uint64_t sequence, time;
        bool is_volatile, is_link, hidden;
        struct seal seal; /* of a file */
};

struct model {
        struct row rows[ROWS];
        size_t n;
};

int model_apply(struct model *m, const struct store_op *op);
/* What a restart leaves. */
void model_reopen(struct model *m);
/* Forgets the rows that went. */
void model_pack(struct model *m);
struct dump dump_model(const struct model *m);

/* From random(), with few names, so that operations meet; many of them are refused. Takes a sequence. */
struct store_op model_random_op(struct store *s);
