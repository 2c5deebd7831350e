/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The values in force, and those that are accepted but wait for a restart or a reboot, kept on the root file
 * system (LAYOUT_ACCEPTED_DIR): so that a restarted service knows what changed meanwhile and whether there
 * was a boot, a refused value falls back on the last good one even at boot, and boot needs no /var. Strict
 * YAML with a checksum line at its end, mode 0600; a file that does not parse is set aside as
 * `.bad` (`.bad.1`, …: an earlier one stays) and reported, never trusted.
 *
 *     peios-accepted: 1
 *     values:
 *       "\\Machine\\System\\Audit\\Modules":
 *         "TaintEvents": "disabled"
 *     pending:
 *       "\\Machine\\System\\Process":
 *         "PidMax": "65536"
 *     boot: "7f3c…"
 *     # crc32c: 89abcdef
 *
 * `{}` in place of a pending text: nothing will be in force. `pending` and `boot` are left out where there
 * is none.
 */

#include "../../schema/base/clock.h"
#include "../../schema/schema.h"

struct accepted_value {
        char *key; /* canonical path */
        char *name;
        char *text;      /* in force, canonical; NULL: nothing is */
        bool is_pending; /* then `next` comes into force later */
        char *next;      /* the same; NULL: nothing will be */
};

/* Empty is { 0 }. */
struct accepted {
        struct accepted_value *list; /* sorted by key, then name, folded */
        size_t n;
        char boot[BOOT_ID_MAX]; /* the boot in which they are in force; "": not known */
};

/* `name` is LAYOUT_ACCEPTED_NAME, or LAYOUT_REFUSED_NAME for the values that were refused last, so that a
 * restart does not record them again. 0 (a missing file is an empty list), -ENOMEM, or negative errno with
 * d set. */
_must_check_ int accepted_load(const char *root, const char *name, struct accepted *ret, struct diag *d);
/* Atomic and durable. */
_must_check_ int accepted_store(
        const char *root, const char *name, const struct accepted *a, struct diag *d);
void accepted_done(struct accepted *a);
#define _cleanup_accepted_ _cleanup_(accepted_done)
/* What is in force; NULL: nothing. */
const char *accepted_get(const struct accepted *a, const struct schema_value *sv);
/* Is something else accepted? Then *ret is it, NULL for nothing. */
bool accepted_pending(const struct accepted *a, const struct schema_value *sv, const char **ret);
/* text NULL: nothing is in force. 0 or -ENOMEM. */
_must_check_ int accepted_set(struct accepted *a, const struct schema_value *sv, const char *text);
_must_check_ int accepted_set_pending(
        struct accepted *a, const struct schema_value *sv, bool pending, const char *next);
