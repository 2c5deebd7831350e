/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The values that are to be in force when nobody can be asked: what the provider's store says with the
 * drop-in files over it; where the store is not there or cannot be read, the accepted ones. Writes and makes
 * nothing. Needs no bus and no libsystemd. */

#include "../policy/accepted.h"

struct boot_value {
        const struct schema_value *sv;
        char *text; /* canonical; NULL: nothing is to be applied */
        bool held;  /* in force in this boot, whatever is written: what is comes into force with the next */
};

struct boot_values {
        struct boot_value *list; /* one for each entry that is bound to a control */
        size_t n;
        unsigned failures; /* lines that were logged */
};

/* A line is logged for each broken file and each refused value, and for a store that is there and cannot be
 * read. A value that is refused falls back on the accepted one, else on the default. 0, or a negative errno,
 * with d set or not; then the accepted values or defaults are in *ret all the same. */
_must_check_ int boot_values_load(const char *root, const struct schema *schema,
        const struct accepted *accepted, struct boot_values *ret, struct diag *d);
void boot_values_done(struct boot_values *v);
