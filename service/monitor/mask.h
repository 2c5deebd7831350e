/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the taint mask, proc/sys/kernel/tainted. A descriptor stays open: an inotify watch dies silently
 * with the inode, and what is mounted over the file later cannot hide the truth. */

#include <stdint.h>

#include "../../schema/base/diag.h"

struct mask;

/* The file need not be there. 0 or -ENOMEM. */
_must_check_ int mask_new(const char *root, struct mask **ret);
struct mask *mask_free(struct mask *m);

const char *mask_path(const struct mask *m);

/* 0; 1 where another file of the same kind stands at the path since the last call (a second procfs): it was
 * opened, watch it anew. Negative errno where the mask cannot be read, with the reason in d. On success d
 * tells where something else covers the file; the mask is that of the held one. */
_must_check_ int mask_read(struct mask *m, uint64_t *ret, struct diag *d);
