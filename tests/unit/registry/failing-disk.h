/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What SQLite calls in programs that are linked with this: fdatasync(2), pwrite(2), pread(2). */

#include <stdbool.h>

extern unsigned disk_failing_syncs; /* as many of the next ones fail with EIO */
extern bool disk_is_full;           /* no file is written to, ENOSPC */
extern unsigned disk_failing_read;  /* the n-th from now fails with ENODEV; then, and before, 0 */
