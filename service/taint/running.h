/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the running kernel says of itself below proc/sys/kernel. `root` may be NULL. */

#include <stdbool.h>

#include "../../schema/base/diag.h"
#include "../../schema/taint/taint.h"

/* The taint mask. 0, or negative errno with d set. */
_must_check_ int running_mask(const char *root, uint64_t *ret, struct diag *d);

/* The letters of the mask: as the kernel itself has them, in `tainted_chars`, which not all kernels have;
 * else as taint_columns() makes them. *ret_differs: the kernel's are there, and tell of another mask.
 * Returns `s`. */
const char *running_letters(
        const char *root, uint64_t mask, bool *ret_differs, char s[static TAINT_LETTERS_MAX]);
