/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between reading and counting. */

#include "scan.h"

/* How much text a report may have in front of its line (the list of modules), and behind it (wrapped lines).
 * Up to SCAN_LIST_MAX of a list below the line is looked at, which starts within SCAN_BELOW; it must all be
 * in what is kept of the last block. */
#define SCAN_BEFORE ((size_t)16 * 1024)
#define SCAN_AFTER ((size_t)2 * 1024)
#define SCAN_BELOW ((uint64_t)32 * 1024)
#define SCAN_LIST_MAX ((size_t)12 * 1024)

/* Counts the report whose lines have come: another one begins, or the file ends. 0 or -ENOMEM. */
_must_check_ int scan_flush(struct scan *s);

/* Looks for the list of the report that is open, in what has been read of the file up to text[n]; `ends`:
 * that is all there is. */
_must_check_ int scan_modules_below(struct scan *s, const char *text, size_t n, uint64_t base, bool ends);

/* text[at] is the needle; `base` is where `text` starts in the file. 0 or -ENOMEM. */
_must_check_ int scan_hit(struct scan *s, const char *text, size_t n, size_t at, uint64_t base);

/* Notes that a file, or the rest of it, was not read. 0 or -ENOMEM. */
_must_check_ int scan_skip(struct scan *s, const char *path, const char *reason);
