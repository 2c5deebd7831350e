/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who a task is, from proc/<pid>, where it can still be had. A pid is given to another task when the first
 * one has ended, so each reader says what it knows of the one that it means, and another one is not read. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"

/* Who did something: what audit records say, and who may do what is decided by. */

#define AUDIT_ID_UNSET UINT32_C(4294967295)

/* Unknown: AUDIT_ID_UNSET and "". Strings are NUL-terminated and hold whatever the kernel or the bus said.
 */
struct actor {
        uint32_t pid, uid, loginuid, session;
        char comm[64];
        char exe[256];
        char context[256];
        bool nobody; /* it was the kernel, the hardware or the boot: there is nobody to be known */
};

#define ACTOR_UNKNOWN                                                                                       \
        ((struct actor){ .pid = AUDIT_ID_UNSET,                                                             \
                .uid = AUDIT_ID_UNSET,                                                                      \
                .loginuid = AUDIT_ID_UNSET,                                                                 \
                .session = AUDIT_ID_UNSET })

#define ACTOR_NOBODY                                                                                        \
        ((struct actor){ AUDIT_ID_UNSET, AUDIT_ID_UNSET, AUDIT_ID_UNSET, AUDIT_ID_UNSET, .nobody = true })

/* `known`: a person or a program; `none`: nobody, by nature; `unknown`: somebody it was, or may have been.
 */
static inline const char *actor_state(const struct actor *a)
{
        if (a && a->nobody)
                return "none";
        return a && (a->pid != AUDIT_ID_UNSET || a->uid != AUDIT_ID_UNSET) ? "known" : "unknown";
}

struct process {
        struct actor
                actor; /* uid is the real one; exe as far as this process has the rights of a debugger */
        bool kernel_thread;
        uint32_t parent;
};

/* `started_before`: CLOCK_BOOTTIME, µs, or earlier. 0; -ESRCH: gone, or another one has the number now; or
 * another negative errno. */
_must_check_ int process_read(const char *root, uint32_t pid, uint64_t started_before, struct process *ret);

/* What is known of the process at the other end of a connection. */
struct process_claim {
        uint32_t pid;
        uint32_t uid;            /* its effective uid */
        uint64_t started_before; /* CLOCK_BOOTTIME, µs: when the connection began, or any later moment */
        int pidfd;               /* the bus's ProcessFD, which stays ours; -1: none. It alone is sure */
};

/* Fills in comm, loginuid, session, and the context where that is unknown; the rest of `actor` is left as it
 * is, and all of it on an error. *ret_dir is proc/<pid>, the task's own: who reads there later reads of it
 * or of nobody. A task that began in the same clock tick (10 ms) as the connection counts as older. 0;
 * -ESRCH: gone, or not the one that was meant; or another negative errno. */
_must_check_ int process_read_caller(
        const char *root, const struct process_claim *claim, struct actor *actor, int *ret_dir);

/* The arguments, a blank between; "" where there are none. At most `limit` bytes are kept. 0 or negative
 * errno. */
_must_check_ int process_command_line(const char *root, uint32_t pid, size_t limit, struct buf *ret);

/* The effective capabilities, a bit each. False where they cannot be read. */
bool process_capabilities(const char *root, uint32_t pid, uint64_t *ret);
