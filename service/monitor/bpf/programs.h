/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The programs in the kernel: loaded, attached, and the memory that they share with us. Every hook is
 * optional but one that watches bits. Everything here but programs_new() needs no capability. */

#include <stdint.h>
#include <linux/types.h>

#include "../../../schema/base/diag.h"
#include "report.h"

struct programs;

/* `set_before`: bits that are not told of. `pin_dir` may be NULL; where nothing can be pinned the slots end
 * with us. 0 or negative errno with the reason in d. */
_must_check_ int programs_new(
        uint64_t set_before, const char *pin_dir, struct programs **ret, struct diag *d);
struct programs *programs_free(struct programs *p);

/* REPORT_BITS of them, written by the kernel at any time. */
struct report_slot *programs_slots(struct programs *p);
int programs_ring_fd(const struct programs *p);

/* A blank between. */
const char *programs_hooks(const struct programs *p);
bool programs_pinned(const struct programs *p);
bool programs_report_writes(const struct programs *p);
uint64_t programs_misses(struct programs *p);
uint64_t programs_drops(const struct programs *p);
uint64_t programs_claimed(const struct programs *p);
/* Bits that were set without a report are not to look new either. Returns those that had none. */
uint64_t programs_claim(struct programs *p, uint64_t bits);
