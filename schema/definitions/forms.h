/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Entries in other forms, made while the project is built. What cannot be written shows in the file's error
 * state. */

#include <stdio.h>

#include "../schema.h"

/* Peios's regman records: `--- key value` folded, fields, a blank line, prose. */
void forms_put_regman(FILE *f, const struct schema *s);
/* JSON Schema (2020-12) of drop-in hive files, for editors. Tags are not seen by it; `peios-reg lint` sees
 * all. */
void forms_put_json_schema(FILE *f, const struct schema *s);
