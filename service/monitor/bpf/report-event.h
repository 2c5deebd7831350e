/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel programs' reports as the rest of the service knows them. Pure. A pinned slot may have been
 * written by anybody who may write there, so nothing in it is trusted to be terminated or in range. */

#include <stdbool.h>
#include <stdint.h>
#include <linux/types.h>

#include "../bpf-source.h"
#include "report.h"

/* What a kernel stack, as text, says of the taint that was set on it: stack-frames.def as a function. A
 * call that the compiler made a jump leaves no frame, so this is a guess to stand beside the stack. */
enum report_entry {
        REPORT_BY_TASK,
        REPORT_BY_SOFT_INTERRUPT,
        REPORT_BY_INTERRUPT,
};

#define REPORT_SYMBOL_MAX 128u /* longer ones are cut */
#define REPORT_MODULE_NAME_MAX 64u

struct report_verdict {
        const char *reason;                  /* never NULL */
        char caller[REPORT_SYMBOL_MAX];      /* the one who set the bit, `symbol+0x5/0x20`; "" for none */
        char module[REPORT_MODULE_NAME_MAX]; /* whose code that is; "" for the kernel's own */
        enum report_entry entry;
        bool object; /* the module to name is the one that the task was loading or unloading */
        bool victim; /* the task was only running when it was found out */
};

/* One frame a line, the innermost first: `symbol+0x5/0x20 [module]`. REPORT_FRAMES of them are looked at. */
void report_judge_stack(const char *stack, unsigned bit, struct report_verdict *ret);

/* Is the frame of this line one of those who watch? */
bool report_is_watcher(const char *line);

/* `offset_usec`: what CLOCK_REALTIME is ahead of CLOCK_BOOTTIME. ret->stack is the caller's to free.
 * 0 or -ENOMEM. */
_must_check_ int report_to_event(
        const struct report_slot *slot, unsigned bit, int64_t offset_usec, struct taint_event *ret);

void report_to_sysctl_write(
        const struct report_sysctl *report, int64_t offset_usec, struct sysctl_write *ret);
