/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the schema says of a value that is about to be written: it is stored in any case, but its reader may
 * refuse it. */

#include "session.h"

struct acceptance {
        const struct schema_value *sv; /* NULL: the schema does not know the value */
        bool refused;
        struct diag why;     /* what is wrong, and the allowed set */
        struct diag remains; /* what stays in force, as far as that is known */
};

/* Asks, for a value that will be refused, what is in force: call it before the write. The names must
 * have been checked. */
_must_check_ int acceptance_check(
        struct session *s, const char *key, const char *name, const struct value *v, struct acceptance *ret);

/* The warning, if there is one. `inferred`: the type was not given. */
void acceptance_warn(const struct session *s, const struct acceptance *a, const char *key, const char *name,
        const char *literal, bool inferred);
