/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of the monitor: its sources (monitor-sources.c) say that something may have happened; it then reads
 * the mask, decides what is new and reports that (monitor.c). */

#include <systemd/sd-device.h>

#include "../../schema/events/fswatch.h"
#include "cause.h"
#include "kmsg.h"
#include "mask.h"
#include "monitor.h"
#include "taint-state.h"

/* A bit without a good cause waits: for BPF's report, for a line that comes behind the bit, for the end of a
 * report. A weak cause waits less long for a better one. */
#define GRACE_USEC UINT64_C(300000)
#define GRACE_WEAK_USEC UINT64_C(50000)
/* What BPF has seen waits longer: its report may stand behind many others, each of which takes its time to
 * be reported. Owed for this long, it does not come. */
#define GRACE_REPORT_USEC UINT64_C(5000000)
/* A line that came this long before the mask was last seen without the bit cannot be its cause. */
#define LINE_BEFORE_USEC HINT_REPORT_USEC
/* A read that fails once may have met a change. */
#define BLIND_USEC UINT64_C(10000)
#define SERIES_STEPS 3u

struct monitor {
        struct monitor_config config;
        char *root; /* that of `config`, owned */
        bool forensic;

        struct mask *mask;
        struct fswatch *watch;
        struct kmsg *kmsg;
        sd_device_monitor *uevents;
        struct bpf_source *bpf;
        sd_event_source *soon, *recheck;

        struct taint_state state; /* its `reported` follows the tracker's */
        struct taint_state_file file;
        struct mask_tracker tracker;
        struct hints hints;
        struct modules modules; /* when nothing was waiting last */
        bool modules_stale;     /* modules came or went since */

        bool based;         /* the first look that could read the mask is done */
        bool looking;       /* a callee that asks for a look gets none within one */
        bool state_damaged; /* what was reported in this boot is not known */
        bool store_failed;
        uint64_t reported;        /* bits of which BPF's report came */
        uint64_t baseline;        /* waiting bits that were set before the first look */
        uint64_t recovered_seqno; /* the last number that was given out before this start */

        bool readable;
        uint64_t unreadable_since; /* 0: it is not */
        uint64_t tainted;

        uint64_t clear_usec;  /* the last look at which nothing was new */
        uint64_t sysctl_usec; /* somebody wrote to kernel.tainted */
        uint64_t sysctl_bits; /* waiting ones that may come from that */
        bool sysctl_looking;  /* it is what this look is for */
        struct actor sysctl_actor;
        unsigned step; /* of the series of looks behind a line, SERIES_STEPS: none is due */
        uint64_t series_usec;
        struct monitor_status status; /* as last reported */
};

/* monitor-sources.c */
void monitor_open_log(struct monitor *m);
/* Takes in what the kernel has logged by now. */
void monitor_drain_log(struct monitor *m);
_must_check_ int monitor_start_sources(struct monitor *m, struct diag *d);
void monitor_watch_mask(struct monitor *m);
void monitor_arm(struct monitor *m, uint64_t now);
void monitor_stop_sources(struct monitor *m);

/* monitor.c: what BPF saw. */
void monitor_take_exact(struct monitor *m, const struct taint_event *e);
