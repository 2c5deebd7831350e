/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is wrong with a daemon's files, and with values of its own, now: one entry for each. */

#include <stdbool.h>
#include <stddef.h>

struct problem {
        char *file; /* or the path of a value */
        char *text;
};

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
