/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* The word that all reports have in common, whether they are tainted or not: "Tainted:", "Not tainted". */
#define TAINT_NEEDLE "ainted"
#define TAINT_NEEDLE_LEN (sizeof(TAINT_NEEDLE) - 1)

/* Its first occurrence, or NULL. Close to the speed of memory where the processor has SSE2. */
const char *taint_find(const char *text, size_t n);
