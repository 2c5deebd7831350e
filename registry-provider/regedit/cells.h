/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text in the cells of a terminal: wide characters take two, combining ones none. What must not reach a
 * terminal (control characters, bytes that are not UTF-8, what turns the direction of writing) is escaped,
 * and what the locale cannot show is `?`. */

#include "../../schema/base/buf.h"

/* Appends the text, cut to `width` cells (a cut shows), and returns how many it takes. */
size_t cells_put(struct buf *out, const char *text, size_t n, size_t width);
/* The same, filled up with blanks to `width`. */
void cells_fill(struct buf *out, const char *text, size_t n, size_t width);
/* How many the whole of it takes. */
size_t cells_count(const char *text, size_t n);
/* How many bytes of it fit into `width` cells: one character at least. */
size_t cells_fit(const char *text, size_t n, size_t width);
