/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reports every transition of the kernel's taint mask once a boot, with its cause and its actor as far as
 * they can be had. BPF where it loads; else kernel log, module uevents, /sys/module, inotify and a timer,
 * each only a hint to read the mask again. What was reported is kept below run/, keyed by boot_id, so that a
 * restart reports nothing twice. Decides nothing about auditing: it says what happened, in order. */

#include <systemd/sd-event.h>

#include "../../schema/base/diag.h"
#include "../../schema/taint/taint.h"
#include "bpf-source.h"

struct monitor_callbacks {
        /* A transition, one call a bit, oldest first. The callee may set `seqno`. Kept in the history
         * afterwards. Where `seqno` is set, a kill came behind its record and perhaps before its end. */
        void (*transition)(struct taint_event *e, void *userdata);
        /* The same, once and for all: a restart does not repeat it. */
        void (*reported)(const struct taint_event *e, void *userdata);
        /* The mask cannot be read any more (text says why), or can again (NULL). */
        void (*blind)(const char *text, void *userdata);
        /* Counters, hooks or the back end changed. */
        void (*changed)(void *userdata);
        /* The number of the last record that was given out, 0 before the first. With it a restart knows
         * whether the transition at which the service was killed has a record already: see taint-state.h. */
        uint64_t (*last_seqno)(void *userdata);
        /* Somebody wrote a sysctl, as BPF saw it: who may have changed a control. */
        void (*sysctl_written)(const struct sysctl_write *w, void *userdata);
        void *userdata;
};

struct monitor_config {
        const char *root; /* --root, or NULL */
        sd_event *event;
        uint64_t recheck_usec;
        bool use_bpf;
        struct monitor_callbacks callbacks;
};

struct monitor;

/* Bits that are set already and were not reported in this boot are reported from within monitor_start(),
 * with reason present-at-start and the cause reconstructed where something shows it. */
_must_check_ int monitor_new(const struct monitor_config *config, struct monitor **ret, struct diag *d);
_must_check_ int monitor_start(struct monitor *m, struct diag *d);
struct monitor *monitor_free(struct monitor *m);

/* Forensic: stacks, and everything about module and actor that can be had, are captured too. */
void monitor_set_forensic(struct monitor *m, bool forensic);
/* Look now. */
void monitor_check(struct monitor *m);

struct monitor_status {
        bool readable; /* the mask could be read */
        uint64_t tainted;
        char letters[TAINT_LETTERS_MAX]; /* of it, as the kernel has them or as it would */
        const char *backend;             /* "bpf" or "hints" */
        char hooks[256];                 /* what is attached or listened to, a blank between */
        uint64_t misses; /* what BPF missed, and lines of the kernel log that were overwritten */
        uint64_t drops;
        bool writes_reported; /* sysctl_written() is called */
};
struct monitor_status monitor_status(const struct monitor *m);

/* This boot's events, oldest first; borrowed until the next one. */
const struct taint_event *monitor_events(const struct monitor *m, size_t *ret_n);
