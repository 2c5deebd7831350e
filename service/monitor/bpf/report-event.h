/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel programs' reports as the rest of the service knows them. Pure. A pinned slot may have been
 * written by anybody who may write there, so nothing in it is trusted to be terminated or in range. */

#include <stdint.h>
#include <linux/types.h>

#include "../bpf-source.h"
#include "report.h"

/* `offset_usec`: what CLOCK_REALTIME is ahead of CLOCK_BOOTTIME. ret->stack is the caller's to free.
 * 0 or -ENOMEM. */
_must_check_ int report_to_event(
        const struct report_slot *slot, unsigned bit, int64_t offset_usec, struct taint_event *ret);

void report_to_sysctl_write(
        const struct report_sysctl *report, int64_t offset_usec, struct sysctl_write *ret);
