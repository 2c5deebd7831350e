/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The data of a `set`: a word of the command line, or what --from names. */

#include "session.h"

struct data {
        uint32_t type;
        bool inferred;       /* from the text; else it was given */
        struct buf bytes;    /* of the value */
        struct buf read;     /* from --from */
        const char *literal; /* as it was given; "" with --raw */
};

void data_done(struct data *d);
#define _cleanup_data_ _cleanup_(data_done)

/* `word` is NULL with --from. */
_must_check_ int data_get(struct session *s, const char *word, struct data *ret);

struct value data_value(const struct data *d);

/* What nobody may have meant, after it was stored (or, in a dry run, would have been). */
void data_warn(const struct session *s, const struct data *d);
