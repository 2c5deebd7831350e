/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The result of a scan in the three forms. Each returns 0 or -ENOMEM; the text is appended. */

#include "../../schema/base/buf.h"
#include "../taint/scan.h"

/* The letters with which the module, or the release, was seen, as its own kernel prints them. */
static inline const char *taint_scan_letters(const struct scan_name *name, char s[static TAINT_LETTERS_MAX])
{
        return taint_letters(name->mask, name->kernel.distro, name->kernel.version, s);
}

int taint_scan_text(const struct scan *s, struct buf *out);
int taint_scan_json(const struct scan *s, struct buf *out);
/* One table (RFC 4180): kind, name, bit, letters, reports, first, last. */
int taint_scan_csv(const struct scan *s, struct buf *out);
