/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What SQLite's files call in programs that are linked with this: fdatasync(2), pwrite(2). */

#include <stdbool.h>

extern unsigned disk_failing_syncs; /* as many of the next ones fail with EIO */
extern bool disk_is_full;           /* no file is written to, ENOSPC */
extern unsigned disk_syncs;         /* how often it was called */
