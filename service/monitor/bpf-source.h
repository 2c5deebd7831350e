/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only user of BPF: reports each transition at the instant, first setter only. One header and two
 * sources, chosen by Meson (bpf-source.c with libbpf, bpf-source-none.c). Loading taints nothing. Needs
 * CAP_BPF, CAP_PERFMON and CAP_SYSLOG while it is made, none afterwards. */

#include <systemd/sd-event.h>

#include "../../schema/base/diag.h"
#include "taint-event.h"

/* A write through proc_sys_call_handler to a control or to `tainted`: who wrote which sysctl, and what came
 * of it. */
struct sysctl_write {
        char name[64]; /* "kernel.audit_taint_events" */
        struct actor actor;
        int result; /* the handler's: 0 or more, or negative errno */
        uint64_t time_usec;
};

struct bpf_source_callbacks {
        /* The winner's report; ownership of what it points to stays with the caller. */
        void (*transition)(const struct taint_event *e, void *userdata);
        void (*sysctl_written)(const struct sysctl_write *w, void *userdata);
        void *userdata;
};

struct bpf_source;

/* `set_before`: the bits that are set already and must never look new. `pin_dir` (below the bpf file system,
 * NULL for none) keeps slots over a restart of the service: what a killed one left is reported soon after,
 * whether or not it is in `set_before`. 0; -EOPNOTSUPP (built without, or this kernel cannot) or another
 * negative errno with the reason in d: the caller falls back. */
_must_check_ int bpf_source_new(sd_event *event, uint64_t set_before, const char *pin_dir,
        const struct bpf_source_callbacks *callbacks, struct bpf_source **ret, struct diag *d);
struct bpf_source *bpf_source_free(struct bpf_source *s);

struct bpf_source_status {
        char hooks[256];     /* attached ones, a blank between: "fentry/add_taint kprobe/add_taint …" */
        uint64_t misses;     /* recursion and other misses that the kernel counted */
        uint64_t drops;      /* reports that found the ring full (their slots are read all the same) */
        uint64_t claimed;    /* bits that the programs have seen set, reported or about to be */
        bool pinned;         /* the slots outlive us */
        bool reports_writes; /* sysctl_written() is called */
};
/* Reads the counters; a difference between the kernel's mask and `claimed` + what was set before is the
 * caller's to report. */
struct bpf_source_status bpf_source_status(struct bpf_source *s);
