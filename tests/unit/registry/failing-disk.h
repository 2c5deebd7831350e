/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* fdatasync(2) in the programs that wrap it. */

#include <stdbool.h>

extern bool disk_fails;
extern unsigned disk_syncs; /* how often it was called */
