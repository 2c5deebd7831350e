/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that the command line names. */

#include "session.h"

#define INPUT_STDIN_NAME "<stdin>"

/* How messages call it: `-` is standard input. */
const char *input_name(const char *word);

/* Reads all of it, at most `limit` bytes; the session's diag says what is wrong. A FIFO or device is
 * refused, and may be standard input. */
_must_check_ int input_read(struct session *s, const char *word, size_t limit, struct buf *ret);
