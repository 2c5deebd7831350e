/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A root directory of a test's own, made and removed around it. */

#include <stddef.h>

/* For suite_with(). */
void tree_make(void);
void tree_remove(void);

const char *tree_root(void);
/* Below the root; directories on the way are made. `text` NULL makes a directory. */
void tree_put(const char *path, const char *text);
void tree_put_bytes(const char *path, const void *data, size_t n);
/* A sparse file. */
void tree_put_size(const char *path, size_t n);
void tree_link(const char *path, const char *target);
void tree_fifo(const char *path);
void tree_unlink(const char *path);
