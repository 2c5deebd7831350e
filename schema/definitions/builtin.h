/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The definitions of this directory, compiled in by embed.py. */

#include <stddef.h>

struct schema_builtin {
        const char *name;
        const unsigned char *data;
        size_t size;
};

extern const struct schema_builtin schema_builtins[];
extern const size_t schema_n_builtins;
