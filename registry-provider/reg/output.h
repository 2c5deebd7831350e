/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the program says: results to standard output from a buffer, everything else to standard error as
 * `peios-reg: …`, with control characters escaped. The only place that writes to either. */

#include <stdbool.h>

#include "../../schema/base/buf.h"

/* Makes sure that descriptors 0, 1 and 2 are not handed to a socket; call it first. */
void output_init(void);

/* Writes what is in the buffer and empties it. 0 or negative errno. */
_must_check_ int output_flush(struct buf *out);

_printf_(1, 2) void complain(const char *format, ...);
_printf_(1, 2) void warn(const char *format, ...);
