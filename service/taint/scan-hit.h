/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What makes one report one. A report tells of taints in several lines: a head (lockdep, slub), the line of
 * the task, the registers of some processors, the names of 6.11, and once more in the panic that ends it. No
 * I/O, no allocation. */

#include "line.h"

enum scan_role {
        SCAN_ROLE_OTHER,
        SCAN_ROLE_HEAD,      /* of lockdep, slub */
        SCAN_ROLE_TASK,      /* CPU: 0 PID: 1 Comm: init Tainted: … */
        SCAN_ROLE_REGISTERS, /* REGS: … Tainted: …, and other processors' like */
        SCAN_ROLE_BARE,      /* nothing but the taints: MIPS below `epc` */
        SCAN_ROLE_NAMES,     /* Tainted: [W]=WARN */
};

struct scan_time {
        enum {
                SCAN_TIME_NONE,
                SCAN_TIME_KERNEL, /* since the boot */
                SCAN_TIME_CLOCK   /* of the day */
        } kind;
        int64_t usec;
};

/* What is remembered of a line that told of taints. */
struct scan_hit {
        bool any;
        enum scan_role role;
        uint64_t offset, mask;
        uint64_t line_hash, text_hash, task_hash; /* of all; without the time; in front of the taints */
        struct scan_time time;
        bool is_hung; /* the watchdog of hung tasks speaks */
};

struct scan_hit scan_hit_of(const struct taint_line *line, uint64_t mask, uint64_t offset);
/* Whether `hit` is one more line of the report that has `last`; p is the text between the two. */
bool scan_hit_continues(
        const struct scan_hit *last, const struct scan_hit *hit, const char *p, const char *end);
