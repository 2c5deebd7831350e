/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The drop-in files: watched, read again, applied; what changed by them, and what is wrong with them and
 * with the layers' metadata. */

#include <sys/stat.h>

#include "../../schema/events/fswatch.h"
#include "storage.h"

enum reload_state {
        RELOAD_DONE,
        RELOAD_LATER, /* could not be applied: waits for the timer, or for a write */
        RELOAD_SOON,  /* something was written since: once, or each write would have it tried again */
        RELOAD_AGAIN, /* could not be applied then either: waits for the timer alone */
};

/* A file as it was when it was read last. */
struct reload_file {
        char *path; /* as in struct dropin */
        struct stat st;
        struct seal seal; /* of the fleet's, as it was when it was good last */
        bool is_new;      /* or changed */
        bool is_gone;
};

struct reload {
        struct registryd *daemon;
        struct storage *storage;
        struct fswatch *watches[DROPINS_DIRS];
        sd_event_source *timer;
        enum reload_state state;
        struct reload_file *files;
        size_t n_files;
        bool refused;            /* a drop-in file is good by itself, but the registry did not take it */
        uint64_t layers_version; /* of the table that `refused` and the problems are about */
};

/* Begins to watch; all are borrowed, and the reload stays where it is. 0 or negative errno. */
_must_check_ int reload_init(struct reload *r, struct registryd *daemon, struct storage *storage);
void reload_done(struct reload *r);

/* Reads the files and brings the registry to what they say. */
void reload_now(struct reload *r);
/* Something was written: what could not be applied is tried again, a file that was refused may be taken now,
 * and metadata of layers be others. */
void reload_changed(struct reload *r);
