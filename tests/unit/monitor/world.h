/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A machine below a scratch root and a monitor that watches it: the mask is a regular file, the kernel log a
 * FIFO, modules and tasks are files. BPF is a stand-in that the test speaks for. */

#include "../../../service/monitor/monitor.h"
#include "scratch.h"

#define WORLD_BOOT "0f0e0d0c-1111-2222-3333-444455556666"
#define WORLD_TOLD_MAX 64u
#define MS UINT64_C(1000)

struct world {
        struct scratch root;
        sd_event *event;
        struct monitor *monitor;
        int log;
        uint64_t log_seq;
        uint64_t recheck_usec; /* set before world_start(); 0: no timer */
        bool use_bpf;

        uint64_t seqno; /* the last that was given out */
        struct taint_event reported[WORLD_TOLD_MAX];
        size_t n_reported;
        char blind[256];
        unsigned n_blind, n_sighted, n_changed;
        struct sysctl_write written;
};

/* Everything but the monitor. */
void world_new(struct world *w);
void world_done(struct world *w);
/* A monitor begins; the events it tells are gathered. world_stop() ends it as a kill would. */
void world_start(struct world *w);
void world_stop(struct world *w);
void world_forget_reported(struct world *w);

/* The kernel sets the mask: no inotify event. A user writes it: there is one. */
void world_kernel_sets(struct world *w, uint64_t mask);
void world_user_writes(struct world *w, uint64_t mask);
/* As facility 0, with the next number and the time of now. */
void world_log(struct world *w, const char *text);
/* As it is, and a newline. */
void world_log_raw(struct world *w, const char *line);

/* Lets the event loop run for so long; returns how often it woke. */
unsigned world_run(struct world *w, uint64_t usec);
/* Until so many events were reported, 5 s at most. */
void world_run_until_reported(struct world *w, size_t n);

/* The one event of this bit; fails where there is none or are several. */
const struct taint_event *world_reported_of(const struct world *w, unsigned bit);

/* The stand-in for BPF (use_bpf): reports to the monitor. `fake_bpf_absent`: it cannot be had. */
extern bool fake_bpf_absent;
extern struct bpf_source_status fake_bpf_status;
extern uint64_t fake_bpf_set_before;
/* What it reports from within bpf_source_new(), as slots kept over a restart would be. */
extern const struct taint_event *fake_bpf_kept;
void fake_bpf_report(const struct taint_event *e);
void fake_bpf_report_write(const struct sysctl_write *write);
