/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who a task is, from proc/<pid>, where it can still be had: only if it is the task of then, which its start
 * time tells. exe needs the rights of a debugger over tasks with more capabilities. */

#include "taint-event.h"

struct process {
        struct actor actor;
        enum taint_context context; /* CONTEXT_TASK or CONTEXT_KERNEL_THREAD */
        uint32_t parent;
};

/* `started_before`: CLOCK_BOOTTIME, µs, or earlier. 0; -ESRCH: gone, or another one has the number now; or
 * another negative errno. */
_must_check_ int process_read(const char *root, uint32_t pid, uint64_t started_before, struct process *ret);

/* The one that is loading or unloading a module: a privileged task by the name of the usual tools whose
 * command line names the module; else the only one there is that may load what its command line does not
 * say. 0, -ESRCH or -ENOMEM. */
_must_check_ int process_find_loader(
        const char *root, const char *module, uint64_t started_before, struct process *ret);

/* The arguments, a blank between; "" where there are none. At most `limit` bytes are kept. 0 or negative
 * errno. */
struct buf;
_must_check_ int process_command_line(const char *root, uint32_t pid, size_t limit, struct buf *ret);

/* Is `file` (with or without folder, suffixes, with - for _) the file of this module? */
bool module_file_matches(const char *file, const char *module);
