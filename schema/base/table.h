/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Columns for a terminal, as wide as their widest cell takes screen cells: wide characters count two,
 * combining ones none. (libsmartcols does more, and would make every start of the tools 8 % longer.) */

#include "buf.h"

struct table_column {
        const char *heading;
        bool right; /* numbers */
};

struct table {
        const struct table_column *columns;
        size_t n_columns;
        struct buf text; /* the cells, a NUL behind each but the last */
        size_t n;
};

#define TABLE(its_columns) ((struct table){ .columns = its_columns, .n_columns = ARRAY_SIZE(its_columns) })

void table_done(struct table *t);
#define _cleanup_table_ _cleanup_(table_done)

/* Begins the next cell, row by row, and returns where its text goes. That must be fit for a terminal: see
 * utf8_put_safe(). */
struct buf *table_cell(struct table *t);

/* Appends a line a row, two blanks between columns, none at the end. What failed before is out's error. */
void table_format(const struct table *t, bool with_heading, struct buf *out);
