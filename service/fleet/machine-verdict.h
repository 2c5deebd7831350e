/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a machine says of itself in etcd, and what that comes to. Whoever may write there can say anything:
 * texts may hold any bytes. */

#include <stdbool.h>
#include <stdint.h>

#include "../../schema/base/buf.h"

/* The worst first. */
enum machine_state {
        MACHINE_SILENT,   /* it reports no more */
        MACHINE_NONSENSE, /* its verdict cannot be read */
        MACHINE_REFUSED,  /* it refuses what is in etcd now */
        MACHINE_BEHIND,   /* another serial is in force */
        MACHINE_BEATEN,   /* a local layer or file stands above */
        MACHINE_DRIFTED,  /* a value is not live, or somebody else changed a control */
        MACHINE_TAINTED,  /* with a taint that is not accepted */
        MACHINE_STAGED,   /* it keeps what it had: others take what is in etcd first */
        MACHINE_IN_FORCE,
        MACHINE_STATES_N,
};
extern const char *const machine_state_words[MACHINE_STATES_N];

/* What is published. */
struct machine_group {
        char *name;
        uint64_t serial; /* 0: not known */
};

struct machine_verdict;

/* 0 or -ENOMEM; what is no JSON is a verdict, too. */
_must_check_ int machine_verdict_read(const char *text, size_t n, struct machine_verdict **ret);
struct machine_verdict *machine_verdict_free(struct machine_verdict *v);
DEFINE_CLEANUP(struct machine_verdict *, machine_verdict_free, machine_verdict_freep);

/* "" where it does not say. */
const char *machine_verdict_text(const struct machine_verdict *v, const char *member);
bool machine_verdict_is_in(const struct machine_verdict *v, const char *group);
/* `ret_why`: a few words about it. Of the published groups those count that the machine is in. */
enum machine_state machine_verdict_judge(const struct machine_verdict *v, bool is_alive,
        const struct machine_group *published, size_t n_published, struct buf *ret_why);
/* As JSON with a line for each member. Borrowed. */
const char *machine_verdict_pretty(const struct machine_verdict *v);
