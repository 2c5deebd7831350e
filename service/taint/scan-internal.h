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

struct scan_hit scan_hit_of(const struct taint_line *line, uint64_t mask, uint64_t offset);
/* Whether `hit` is one more line of the report that has `last`; p is the text between the two. */
bool scan_is_same_report(
        const struct scan_hit *last, const struct scan_hit *hit, const char *p, const char *end);
/* Counts the report whose lines have come: another one begins, or the file ends. 0 or -ENOMEM. */
_must_check_ int scan_flush(struct scan *s);

void scan_count_at(struct scan_count *c, const struct scan_place *place);

/* The entry of a name, made if need be; NULL without an error where there are too many already. 0 or
 * -ENOMEM. */
_must_check_ int scan_name_of(struct scan_names *names, const char *text, size_t n, struct scan_name **ret);

/* Counts the modules of the report whose line is at text[at]; nothing before text[from] belongs to it. Where
 * no list stands above, the report is left open for one that comes. 0 or -ENOMEM. */
_must_check_ int scan_modules(struct scan *s, const char *text, size_t from, size_t at, uint64_t base,
        const struct taint_kernel *context, const struct scan_place *place);
/* Looks for the list of the report that is open, in what has been read of the file up to text[n]; `ends`:
 * that is all there is. */
_must_check_ int scan_modules_below(struct scan *s, const char *text, size_t n, uint64_t base, bool ends);

/* text[at] is the needle; `base` is where `text` starts in the file. 0 or -ENOMEM. */
_must_check_ int scan_hit(struct scan *s, const char *text, size_t n, size_t at, uint64_t base);

/* Notes that a file, or the rest of it, was not read. 0 or -ENOMEM. */
_must_check_ int scan_skip(struct scan *s, const char *path, const char *reason);
