/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What SQLite has of memory. A database may be anybody's: where SQLite compares it reads rows whole, however
 * large somebody has made them. */

#include <stdbool.h>

/* Before SQLite is first used; refused, and nothing, where it runs already. */
void memory_limit(void);

/* The calling thread's statement begins. */
void memory_begin(void);
/* Whether that is what SQLite's extended error `code` is about: since then it wanted more at once than any
 * row of the registry's takes, and did not get it. */
bool memory_was_refused(int code);
