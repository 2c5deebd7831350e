/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Allocations that fail on demand, in a program that is linked with alloc_args. */

#include <stdbool.h>

/* The n-th from now (1 is the next; 0: none) fails, once. */
void alloc_fail_at(unsigned n);
/* Ends that and says whether it did fail. */
bool alloc_failed(void);
/* The same in a loop over n from 1 on: where it did fail, `r` is -ENOMEM; else it is 0, and more than
 * `least` have failed before. */
bool alloc_fails(int r, unsigned n, unsigned least);
/* For libraries that allocate in a way of their own: whether this one is to fail. */
bool alloc_fails_now(void);
