/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The data of a `set`, and what the provider says of them: the value's reader may refuse it, or nobody may
 * ever look for it there. Such is written with --force only. */

#include "known.h"

/* A word of the command line, or what --from names. */
struct data {
        uint32_t type;
        bool inferred;       /* from the text; else it was given */
        struct buf bytes;    /* of the value */
        struct buf read;     /* from --from */
        const char *literal; /* as it was given; "" with --raw */
};

void acceptance_done_data(struct data *d);
#define _cleanup_data_ _cleanup_(acceptance_done_data)

/* `word` is NULL with --from. */
_must_check_ int acceptance_get_data(struct session *s, const char *word, struct data *ret);

/* What nobody may have meant, after it was stored (or, in a dry run, would have been). */
void acceptance_warn_of_data(const struct session *s, const struct data *d);

/* What the provider says of a value that is written; strings are borrowed from its answer. */
struct acceptance {
        int accepted; /* neither this nor `why`: the schema does not know the value */
        const char *why, *last_good;
};

/* Reads the a{sv}. `ret` is empty. 0 or negative errno. */
_must_check_ int acceptance_read(sd_bus_message *m, struct acceptance *ret);

/* The provider refused it: adds to the diag how it can be written all the same. `d`: what the value was to
 * be; NULL: it is of a key. EXIT_CODE_INVALID. */
int acceptance_refused(struct session *s, const char *key, const char *name, const struct data *d);

/* The warning of what was forced, if there is one, with what stays in force. */
void acceptance_warn(struct session *s, const struct acceptance *a, const char *key, const char *name,
        const struct data *d);

/* Adds to the diag, of a value that is not there, that it is known or which one was probably meant. */
void acceptance_hint(struct session *s, const char *key, const char *name);
