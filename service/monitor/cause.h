/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of the hints explains a bit best. Pure: it weighs what others have read. */

#include "hints.h"
#include "modules.h"

enum cause_quality {
        CAUSE_NONE,
        CAUSE_WEAK,       /* a better one may come */
        CAUSE_INCOMPLETE, /* good, but more of it is coming */
        CAUSE_GOOD,
};

struct cause_sources {
        const struct hints *hints;
        uint64_t hints_since;                 /* older ones do not count */
        const struct modules *before, *after; /* of the last look at which the bit was clear, and now */
        bool sysctl_written;                  /* somebody wrote to kernel.tainted just then */
        uint64_t now;                         /* on the clock of the hints */
};

struct cause {
        enum cause_quality quality;
        const char *reason; /* "unknown" for CAUSE_NONE */
        char module[LOG_NAME_MAX];
        char module_taints[MODULE_TAINTS_MAX];
        char detail[512];
        enum taint_context context;
        uint32_t pid; /* of the task that was running, or AUDIT_ID_UNSET */
        char comm[LOG_NAME_MAX];
        bool loader;       /* done by whoever loaded or unloaded the module */
        uint64_t usec;     /* when, on the clock of the hints; 0: not known */
        const char *stack; /* borrowed from the hint; NULL for none */
};

void cause_find(unsigned bit, const struct cause_sources *sources, struct cause *ret);
