/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel log told of taints lately: its lines, put together to reports where a WARN or an oops
 * prints several. No I/O. A record is one line, whatever is in it, and those of facilities other than the
 * kernel's are not even looked at. */

#include "../../schema/base/buf.h"
#include "../taint/log-lines.h"
#include "kmsg.h"
#include "taint-event.h"

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
        char detail[512];    /* the line */
        struct buf stack;    /* of a report: one frame a line */
        bool open;           /* a report whose end has not come yet */
        bool interrupt_told; /* its context is as exact as it gets */
};

struct hints {
        struct hint *list; /* oldest first */
        size_t n, size;
        bool first_only; /* keep the first hint for each bit, and no more */
};

void hints_done(struct hints *h);

/* Takes in a record. Returns 1 where it tells of a taint, 0 where not, or -ENOMEM: then this hint is lost.
 */
int hints_add(struct hints *h, const struct kmsg_record *r, uint64_t usec);

/* The newest hint for the bit that came at `since` or later, or NULL. It holds until the next hints_add().
 */
const struct hint *hints_newest(const struct hints *h, unsigned bit, uint64_t since);

/* More lines of this report may come. */
bool hint_goes_on(const struct hint *hint, uint64_t now);

/* Drops what came before `usec`. */
void hints_forget(struct hints *h, uint64_t usec);
