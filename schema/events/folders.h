/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Folders that are watched, each for the names in it that count, or for everything. What happens to other
 * names wakes the loop and is forgotten at once. The list is made anew whenever something has changed: what
 * is watched already and still counts goes on being watched without a gap. */

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "../base/diag.h"

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
