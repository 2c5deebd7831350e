/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A scratch root for one test: files by their path below it, with a slash in front or not. Every failure is
 * a failed assertion. */

#include "../../../schema/base/buf.h"

struct scratch {
        char root[64];
};

void scratch_new(struct scratch *s);
void scratch_done(struct scratch *s);
#define _cleanup_scratch_ _cleanup_(scratch_done)

/* The one that is made and removed around each test, with these for suite_with(). */
extern struct scratch scratch_root;
void scratch_setup(void);
void scratch_teardown(void);

/* Makes the parents where they are missing; an older file is replaced by a new inode. */
void scratch_write(const struct scratch *s, const char *path, const void *data, size_t n);
void scratch_puts(const struct scratch *s, const char *path, const char *text);
void scratch_folder(const struct scratch *s, const char *path);
void scratch_link(const struct scratch *s, const char *path, const char *target);
void scratch_fifo(const struct scratch *s, const char *path);
/* Of n bytes that take no room. */
void scratch_sparse(const struct scratch *s, const char *path, size_t n);
/* False when there is no such file. */
bool scratch_read(const struct scratch *s, const char *path, struct buf *ret);
bool scratch_exists(const struct scratch *s, const char *path);
/* Whatever it is, with all that is in it. */
void scratch_remove(const struct scratch *s, const char *path);
/* All that `from` has, as it is now. */
void scratch_copy(const struct scratch *s, const struct scratch *from);
/* Entries of a directory, without `.` and `..`; 0 when it is missing. */
unsigned scratch_count(const struct scratch *s, const char *path);
/* In a static ring of 4. */
const char *scratch_path(const struct scratch *s, const char *path);
