/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is wrong in a registry's database: SQLite's own check of the file, and, where that finds nothing, the
 * rules that the store keeps by itself and that SQLite knows nothing of. */

#include "database.h"

/* What its queries, and such of others, use: fold(NAME), is_component(NAME), is_value_name(NAME). 0 or
 * -ENOMEM. */
_must_check_ int inspect_prepare(struct database *db);

/* Looks at all of it, in one read transaction or in the one that is open, and says of each thing that is
 * wrong, in one sentence, where it is and what was expected: for some rules a look-up for each row, so it
 * takes some seconds for a million values. 0, with what was found, and whether SQLite found it, so that
 * nobody can be sure of anything in the file; -ECANCELED (interrupted), or another negative errno with d
 * set: it is not known then. */
_must_check_ int inspect_database(struct database *db, struct diags *ret, bool *ret_is_torn, struct diag *d);
/* The same of a file, whether a provider has it open or not. As of database_open() where it is no store. */
_must_check_ int inspect_file(const char *path, struct diags *ret, struct diag *d);
