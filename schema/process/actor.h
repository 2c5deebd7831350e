/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who did something: what audit records say, and who may do what is decided by. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
