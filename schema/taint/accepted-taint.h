/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Taints that an operator knows of and accepts: they are told of as all others are, but are no alarm. Each
 * acceptance is a line,
 *
 *     OE module=zfs until=2027-01-31 reason=INC-4711, the vendor will sign it
 *
 * of bits, a module, or both (the bits that this module sets), the end, and the reason, which is the rest of
 * the line. Bits are letters as they stand behind a module's name, symbols, or numbers, with commas between.
 * A day counts until it is over in local time; a time of the day may follow it, and a zone. Pure but for the
 * zone. */

#include <stdbool.h>
#include <stdint.h>

#include "../base/diag.h"

#define ACCEPTED_TAINTS_MAX 256u
#define ACCEPTED_TAINT_BYTES_MAX 512u
#define ACCEPTED_TAINT_MODULE_MAX 64u /* with the NUL */
#define ACCEPTED_TAINT_EXAMPLE "OE module=zfs until=2027-01-31 reason=INC-4711"

struct accepted_taint {
        char *text;                             /* without blanks at its ends; owned */
        uint64_t bits;                          /* 0: any */
        char module[ACCEPTED_TAINT_MODULE_MAX]; /* "": whatever sets them */
        int64_t end;                            /* µs since 1970; INT64_MAX for none */
};

struct accepted_taints {
        struct accepted_taint *list;
        size_t n;
};

/* Adds one, if it is not blank. 0, -EINVAL with what is wrong and what was expected in d, or -ENOMEM. */
_must_check_ int accepted_taints_add(struct accepted_taints *a, const char *s, size_t n, struct diag *d);
/* All of a text, with `|` between two. On an error `ret` is empty. */
_must_check_ int accepted_taints_parse(const char *s, size_t n, struct accepted_taints *ret, struct diag *d);
void accepted_taints_done(struct accepted_taints *a);
#define _cleanup_accepted_taints_ _cleanup_(accepted_taints_done)

bool accepted_taint_ended(const struct accepted_taint *a, int64_t now);
/* The first that covers this bit, set by this module ("" where it is not known, or was none). From 64 on it
 * is a bit that has no name here. NULL: it is not accepted. */
const struct accepted_taint *accepted_taints_find(
        const struct accepted_taints *a, unsigned bit, const char *module, int64_t now);
/* Bits that something may set and be accepted. */
uint64_t accepted_taints_bits(const struct accepted_taints *a, int64_t now);
/* When the next one ends after `now`; INT64_MAX for never. */
int64_t accepted_taints_next_end(const struct accepted_taints *a, int64_t now);
