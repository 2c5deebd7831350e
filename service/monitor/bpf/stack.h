/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a kernel stack, as text, tells of the taint that was set on it: stack-frames.def as a function. Pure.
 * A call that the compiler made a jump leaves no frame, so this is a guess to stand beside the stack. */

#include <stdbool.h>

enum stack_entry {
        STACK_BY_TASK,
        STACK_BY_SOFT_INTERRUPT,
        STACK_BY_INTERRUPT,
};

#define STACK_SYMBOL_MAX 128u /* longer ones are cut */
#define STACK_MODULE_MAX 64u

struct stack_verdict {
        const char *reason;            /* never NULL */
        char caller[STACK_SYMBOL_MAX]; /* the one who set the bit, `symbol+0x5/0x20`; "" for none */
        char module[STACK_MODULE_MAX]; /* whose code that is; "" for the kernel's own */
        enum stack_entry entry;
        bool object; /* the module to name is the one that the task was loading or unloading */
        bool victim; /* the task was only running when it was found out */
};

/* One frame a line, the innermost first: `symbol+0x5/0x20 [module]`. */
void stack_judge(const char *stack, unsigned bit, struct stack_verdict *ret);

/* Is the frame of this line one of those who watch? */
bool stack_is_watcher(const char *line);
