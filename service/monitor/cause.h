/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What set a bit, and who. */

#include "../../schema/base/buf.h"
#include "../../schema/process/process.h"
#include "../taint/log-lines.h"
#include "kmsg.h"
#include "modules.h"
#include "taint-event.h"

/* What the kernel log said of taints lately: its lines, put together to reports where a WARN or an oops
 * prints several. No I/O. A record is one line, whatever is in it, and those of facilities other than the
 * kernel's are not even looked at. */

#define HINTS_MAX 64u
#define HINT_STACK_MAX 4096u
/* A report that has not come to its end by then has none. */
#define HINT_REPORT_USEC UINT64_C(2000000)

struct hint {
        unsigned bit;
        uint64_t usec; /* when it came, on the caller's clock */
        const char *reason;
        char module[LOG_NAME_MAX];
        char comm[LOG_NAME_MAX]; /* the task that was running, or acting */
        uint32_t pid;            /* AUDIT_ID_UNSET where it is not known */
        bool acting;
        enum taint_context context;
        char detail[512];     /* the line */
        struct buf stack;     /* of a report: one frame a line */
        bool open;            /* a report whose end has not come yet */
        bool interrupt_known; /* its context is as exact as it gets */
};

struct hints {
        struct hint *list; /* oldest first */
        size_t n;
        bool first_only; /* keep the first hint for each bit, and no more */
};

void hints_done(struct hints *h);

/* Takes in a record. Returns 1 where it is about a taint, 0 where not, or -ENOMEM: then this hint is lost.
 */
int hints_add(struct hints *h, const struct kmsg_record *r, uint64_t usec);

/* The newest hint for the bit that came at `since` or later, or NULL. It holds until the next hints_add().
 */
const struct hint *hints_newest(const struct hints *h, unsigned bit, uint64_t since);

/* More lines of this report may come. */
bool hint_goes_on(const struct hint *hint, uint64_t now);

/* Drops what came before `usec`. */
void hints_forget(struct hints *h, uint64_t usec);

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
