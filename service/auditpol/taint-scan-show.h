/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the result is arranged by. */
enum scan_by {
        SCAN_BY_ALL, /* bit, module and kernel */
        SCAN_BY_BIT,
        SCAN_BY_MODULE,
        SCAN_BY_KERNEL,
        SCAN_BY_WEEK,
};

static inline bool taint_scan_shows(enum scan_by by, enum scan_by what)
{
        return by == SCAN_BY_ALL || by == what;
}

/* The result of a scan in the three forms. Each returns 0 or -ENOMEM; the text is appended. */

#include "../../schema/base/buf.h"
#include "../taint/scan.h"

/* The letters with which the module, or the release, was seen, as its own kernel prints them. */
static inline const char *taint_scan_letters(const struct scan_name *name, char s[static TAINT_LETTERS_MAX])
{
        return taint_letters(name->mask, name->kernel.distro, name->kernel.version, s);
}

int taint_scan_text(const struct scan *s, enum scan_by by, struct buf *out);
int taint_scan_json(const struct scan *s, enum scan_by by, struct buf *out);
/* One table (RFC 4180): kind, name, bit, letters, reports, first, last, first_time, last_time. */
int taint_scan_csv(const struct scan *s, enum scan_by by, struct buf *out);
