/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The scratch folder as the working directory, and scans of files in it. */

#include "../../../service/taint/scan.h"

extern const struct taint_kernel scan_anything;

/* Removed by scratch_teardown(). */
void scan_folder_make(void);

void put(const char *name, const void *data, size_t n);
void put_text(const char *name, const char *text);

/* The caller frees it with scan_done(). */
void scan_of(struct scan *s, const char *path);

/* In a list that ends with NULL; NULL where it is not there. */
const struct scan_name *scan_find(const struct scan_name **list, const char *name);
