/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between reading and counting. */

#include "scan.h"

/* How much text a report may have in front of its line (the list of modules), and behind it (wrapped lines).
 */
#define SCAN_BEFORE ((size_t)16 * 1024)
#define SCAN_AFTER ((size_t)2 * 1024)

/* text[at] is the needle; `base` is where `text` starts in the file. 0 or -ENOMEM. */
_must_check_ int scan_hit(struct scan *s, const char *text, size_t n, size_t at, uint64_t base);

/* Notes that a file, or the rest of it, was not read. 0 or -ENOMEM. */
_must_check_ int scan_skip(struct scan *s, const char *path, const char *reason);
