/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text files that end in a checksum line, `# crc32c: 01234567`, of all that stands before it. What is
 * appended later ends in one as well. */

#include "buf.h"
#include "diag.h"

/* CRC-32C (Castagnoli, as in RFC 3720 B.4). Start with crc 0; chain by passing the previous result. */
uint32_t checked_file_sum(uint32_t crc, const void *data, size_t n);

/* Ends the piece with its line; `sum` is of what the file holds before it (0: nothing). Returns the sum of
 * both. */
uint32_t checked_file_end(uint32_t sum, struct buf *piece);

/* *ret: how many bytes have their sum. Behind those may stand what a kill cut short of a piece that was
 * appended, whose lines but the last are indented. 0; -EINVAL with d set: damaged, or no sum is there. */
_must_check_ int checked_file_check(
        const char *path, const char *text, size_t n, size_t *ret, struct diag *d);

/* Renames a file that cannot be understood, never over an earlier one: it may be the only trace of what went
 * wrong. d says so in front of what it says already. */
void checked_file_set_aside(const char *path, struct diag *d);
