/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One diagnostic: what went wrong, where, and what was expected, for people. Functions that can fail because
 * of somebody's input take a `struct diag *` (may be NULL) beside their errno return. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "macro.h"

struct diag {
        char text[768]; /* NUL-terminated, cut (at a UTF-8 boundary) if longer; "" when nothing was said */
};

/* Sets the text (d may be NULL) and returns -error, so that `return diag_set(d, EINVAL, "…")` reads well. */
_printf_(3, 4) int diag_set(struct diag *d, int error, const char *format, ...);
_printf_(2, 0) void diag_setv(struct diag *d, const char *format, va_list ap);

/* Puts `prefix: ` in front of the text that is there, to add the place on the way up. */
_printf_(2, 3) void diag_prefix(struct diag *d, const char *format, ...);

/* A list of them, in the order in which they were found. Of many the first DIAGS_MAX are kept. Empty is { 0
 * }. */
#define DIAGS_MAX 1000u
struct diags {
        char **list;
        size_t n;     /* in the list */
        size_t n_all; /* found */
};

/* 0 or -ENOMEM. */
_must_check_ int diags_add(struct diags *l, const struct diag *d);
void diags_done(struct diags *l);

/* What is wrong with a daemon's files, and with values of its own, now: one entry for each. */

struct problem {
        char *file; /* or the path of a value */
        char *text;
};

/* Which has a backslash before it, and a file has none. */
static inline bool problem_is_of_value(const struct problem *p)
{
        return p->file[0] == '\\';
}

/* Empty is { 0 }. */
struct problems {
        struct problem *list;
        size_t n;
};

/* Takes copies. True if the list changed. A failed allocation leaves the entry out. */
bool problems_set(struct problems *p, const char *file, const char *text);
bool problems_clear(struct problems *p, const char *file);
void problems_done(struct problems *p);

/* Of those whose file begins so, the first that is not among the ones that were found anew, nor in a folder
 * that is. NULL: there is none. */
const char *problems_mended(const struct problems *p, const char *beginning, const struct problems *found);
