/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One diagnostic: what went wrong, where, and what was expected, for people. Functions that can fail because
 * of somebody's input take a `struct diag *` (may be NULL) beside their errno return. */

#include "macro.h"

struct diag {
        char text[768]; /* NUL-terminated, cut (at a UTF-8 boundary) if longer; "" when nothing was said */
};

/* Sets the text (d may be NULL) and returns -error, so that `return diag_set(d, EINVAL, "…")` reads well. */
_printf_(3, 4) int diag_set(struct diag *d, int error, const char *format, ...);

/* Puts `prefix: ` in front of the text that is there, to add the place on the way up. */
_printf_(2, 3) void diag_prefix(struct diag *d, const char *format, ...);
