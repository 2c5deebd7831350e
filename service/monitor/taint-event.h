/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One transition of one bit of the kernel's taint mask, as far as it is known what set it and who. */

#include "../../schema/audit/record.h"

/* How sure the cause and the actor are. */
enum attribution {
        ATTRIBUTION_UNKNOWN, /* the bit is set, nothing shows by what */
        ATTRIBUTION_LIKELY,  /* put together from hints that came close by: kernel log, uevents, /proc */
        ATTRIBUTION_EXACT,   /* seen at the instant, in the kernel */
};

/* In what the kernel was when the bit was set. Outside a task the running one was interrupted: it is no
 * actor. */
enum taint_context {
        CONTEXT_UNKNOWN,
        CONTEXT_TASK,
        CONTEXT_KERNEL_THREAD,
        CONTEXT_SOFT_INTERRUPT,
        CONTEXT_INTERRUPT,
        CONTEXT_BOOT, /* before anybody could look, or at build time */
};

struct taint_event {
        unsigned bit; /* 0…63 */
        bool cleared; /* set -> clear within one boot: an alarm */
        bool tie;     /* others set it at the same instant: the actor is one of several */
        uint64_t old_mask, new_mask;
        uint64_t time_usec; /* CLOCK_REALTIME, µs; 0 = not known (set before the service began) */
        uint64_t seqno;     /* of the record; 0 where none was made */
        char reason[32];    /* module-load, module-unload-forced, sysctl-write, warning, oops, bad-page, …
                               [a-z-] */
        char module[64];    /* "" for none */
        char module_taints[24]; /* its letters, "OE"; "" for none */
        enum attribution attribution;
        enum taint_context context;
        struct actor actor;
        char detail[512]; /* the kernel's line, or a sentence; for people */
        char *stack;      /* one frame a line, innermost first; NULL; owned */
        char *properties; /* `NAME=value` lines for the journal (module's version, sha256, actor's unit …);
                             NULL; owned */
};

const char *taint_attribution_name(enum attribution a); /* "exact" … */
const char *taint_context_name(
        enum taint_context c); /* "task" "kernel-thread" "soft-interrupt" "interrupt" "boot" "unknown" */

/* By name; false, and nothing written, where there is none. */
bool taint_attribution_parse(const char *name, enum attribution *ret);
bool taint_context_parse(const char *name, enum taint_context *ret);

/* Deep copies; -ENOMEM. */
_must_check_ int taint_event_copy(const struct taint_event *from, struct taint_event *ret);
void taint_event_done(struct taint_event *e);
/* Adds to the detail; cut where it does not fit. */
_printf_(2, 3) void taint_event_add_detail(struct taint_event *e, const char *format, ...);
