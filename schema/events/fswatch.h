/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only user of inotify (through sd-event): reports that something at a path may have changed. A hint,
 * never a fact: the caller reads again and compares. Bursts are gathered, so that a file that is made and
 * then filled is read once. */

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "../base/diag.h"
#include "../base/macro.h"

enum fswatch_kind {
        FSWATCH_DIRECTORY, /* what is in it, and behind the links in it and on the way to it; it
                              need not exist */
        FSWATCH_CONTROL,   /* a file below /proc/sys that must exist: reported at once, of writes alone */
};

struct fswatch;

typedef void (*fswatch_fn)(void *userdata);

/* A change is reported FSWATCH_QUIET_USEC after the last event, but FSWATCH_LONGEST_USEC after the first at
 * the latest. */
#define FSWATCH_QUIET_USEC UINT64_C(50000)
#define FSWATCH_LONGEST_USEC UINT64_C(1000000)

/* 0; -ENOENT for a control that is not there; or another negative errno. An overflow of the kernel's queue
 * counts as a change. */
_must_check_ int fswatch_new(sd_event *event, enum fswatch_kind kind, const char *path, fswatch_fn fn,
        void *userdata, struct fswatch **ret);
struct fswatch *fswatch_free(struct fswatch *w);
/* What of a directory and the way to it cannot be watched, and why, as of the last look; "" for nothing. */
const char *fswatch_problem(const struct fswatch *w);

/* Folders that are watched, each for the names in it that count, or for everything. What happens to other
 * names wakes the loop and is forgotten at once. The list is made anew whenever something has changed: what
 * is watched already and still counts goes on being watched without a gap. */

/* Of one list. */
#define FOLDERS_MAX 256u
#define FOLDERS_NAMES_MAX 4096u

struct folder;

struct folders {
        sd_event *event;
        void (*changed)(void *userdata); /* something that counts */
        void *userdata;
        struct folder **list;
        size_t n;
        size_t n_wanted, n_names; /* since folders_begin() */
        struct diag problem; /* what is not watched, and why: the first such thing since folders_begin() */
};

/* In between, every folder that is to be watched is added. */
void folders_begin(struct folders *f);
void folders_end(struct folders *f);

enum folder_interest {
        FOLDER_ENTRY,    /* whether the name is there, and what it is */
        FOLDER_CONTENTS, /* what is in the file of that name as well */
};

/* `fd` is the folder's (O_PATH does); `name` NULL for everything in it. What cannot be watched becomes the
 * problem. 0 or -ENOMEM. */
_must_check_ int folders_add(struct folders *f, int fd, const char *name, enum folder_interest interest);

void folders_done(struct folders *f);
