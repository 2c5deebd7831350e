/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What set a bit, and who. */

#include "../../schema/process/process.h"
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

/* Which of the hints explains a bit best. Pure: it weighs what others have read. */
void cause_find(unsigned bit, const struct cause_sources *sources, struct cause *ret);

/* Fills in what follows from the cause: reason, module, detail, context, attribution, actor. The rest of *e
 * is left as it is. Reads proc. `started_before`: CLOCK_BOOTTIME, µs; an actor must have started by then. */
void cause_attribute(
        const char *root, const struct cause *cause, uint64_t started_before, struct taint_event *e);

/* The same for a bit that was set before anybody looked: the reason is present-at-start, what is known of
 * the cause is in the detail. `log_complete`: the kernel log goes back to the beginning of the boot. */
void cause_attribute_baseline(const char *root, const struct cause *cause, uint64_t started_before,
        bool log_complete, struct taint_event *e);

/* The one that is loading or unloading a module: a privileged task by the name of the usual tools whose
 * command line names the module; else the only one there is that may load what its command line does not
 * say. `started_before` as in process.h. 0, -ESRCH or -ENOMEM. */
_must_check_ int cause_find_loader(
        const char *root, const char *module, uint64_t started_before, struct process *ret);
