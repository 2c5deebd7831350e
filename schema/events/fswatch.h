/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only user of inotify (through sd-event): tells that something at a path may have changed. A hint,
 * never a fact: the caller reads again and compares. Bursts are gathered, so that a file that is made and
 * then filled is read once. */

#include <systemd/sd-event.h>

#include "../base/macro.h"

enum fswatch_kind {
        FSWATCH_DIRECTORY, /* what is in it, and behind the links in it and on the way to it; it
                              need not exist */
        FSWATCH_CONTROL,   /* a file below /proc/sys that must exist: told at once, of writes alone */
};

struct fswatch;

typedef void (*fswatch_fn)(void *userdata);

/* A change is told FSWATCH_QUIET_USEC after the last event, but FSWATCH_LONGEST_USEC after the first at the
 * latest. */
#define FSWATCH_QUIET_USEC UINT64_C(50000)
#define FSWATCH_LONGEST_USEC UINT64_C(1000000)

/* 0; -ENOENT for a control that is not there; or another negative errno. An overflow of the kernel's queue
 * counts as a change. */
_must_check_ int fswatch_new(sd_event *event, enum fswatch_kind kind, const char *path, fswatch_fn fn,
        void *userdata, struct fswatch **ret);
struct fswatch *fswatch_free(struct fswatch *w);
/* What of a directory and the way to it cannot be watched, and why, as of the last look; "" for nothing. */
const char *fswatch_problem(const struct fswatch *w);
