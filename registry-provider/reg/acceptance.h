/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The data of a `set`, and what the schema says of a value that is about to be written: its reader may
 * refuse it, or nobody may ever look for it there. Such is written with --force only. */

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

struct acceptance {
        struct known known;
        const struct schema_value *sv; /* NULL: the schema does not know the value */
        bool refused;
        struct diag why;     /* what is wrong, and the allowed set */
        struct diag remains; /* what stays in force, as far as that is known */
};

void acceptance_done(struct acceptance *a);
#define _cleanup_acceptance_ _cleanup_(acceptance_done)

/* What the schema says. `ret` is empty, and done() in any case. */
_must_check_ int acceptance_ask(
        struct session *s, const char *key, const char *name, struct acceptance *ret);

/* EXIT_CODE_INVALID, with the allowed set or with what was probably meant, unless there is --force: then it
 * asks, for a value that will be refused, what is in force. Call it after acceptance_ask() and before the
 * write. */
_must_check_ int acceptance_check(
        struct session *s, const char *key, const char *name, const struct data *d, struct acceptance *a);

/* The warning of what was forced, if there is one. */
void acceptance_warn(const struct session *s, const struct acceptance *a, const char *key, const char *name);

/* For a command that makes or follows the key: EXIT_CODE_INVALID where the schema knows a value of that
 * path, and there is no such key. */
_must_check_ int acceptance_check_key(struct session *s, const char *key);

/* Adds to the diag, of a value that is not there, that it is known or which one was probably meant. */
void acceptance_hint(struct session *s, const char *key, const char *name);
