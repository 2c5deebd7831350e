/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a cause to what the record says: who, in what context, how sure. Reads proc. */

#include "cause.h"

/* Adds to the detail; cut where it does not fit. */
_printf_(2, 3) void detail_append(struct taint_event *e, const char *format, ...);

/* Fills in what follows from the cause: reason, module, detail, context, attribution, actor. The rest of *e
 * is left as it is. `started_before`: CLOCK_BOOTTIME, µs; an actor must have started by then. */
void attribute(const char *root, const struct cause *cause, uint64_t started_before, struct taint_event *e);

/* The same for a bit that was set before anybody looked: the reason is present-at-start, what is known of
 * the cause is in the detail. `log_complete`: the kernel log goes back to the beginning of the boot. */
void attribute_baseline(const char *root, const struct cause *cause, uint64_t started_before,
        bool log_complete, struct taint_event *e);
