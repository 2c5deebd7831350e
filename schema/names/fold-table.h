/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The data behind fold_char(), made by make-fold-table.py: a character's block, the index of its delta in
 * that block, the delta to add. For fold.c and its test. */

#include <stdint.h>

#define FOLD_BLOCK_BITS 6

extern const uint32_t fold_limit;     /* no character from here up folds */
extern const uint8_t fold_block_of[]; /* by c >> FOLD_BLOCK_BITS */
extern const uint8_t fold_delta_of[]; /* by block << FOLD_BLOCK_BITS | the low bits of c */
extern const int32_t fold_deltas[];
