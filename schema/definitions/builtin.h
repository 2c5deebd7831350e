/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The definitions of this directory as tables, made by compile.c: parsing YAML at each start of each program
 * would cost more than all else that a boot-time apply does. Sorted as in struct schema. */

#include "../schema.h"

extern const struct schema_value schema_builtins[];
extern const size_t schema_n_builtins;
