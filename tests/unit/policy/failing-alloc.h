/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lets the n-th allocation of the code under test fail; needs --wrap for malloc, calloc, realloc, strdup and
 * strndup. */

#include <stdbool.h>

/* From now on, 1-based; 0: none. */
void alloc_fail_at(unsigned nth);
/* Whether it came to the n-th; no more fail from here on. */
bool alloc_failed(void);
