/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/base/problems.h"
#include "../../schema/events/fswatch.h"
#include "../../schema/audit/auditlog.h"
#include "edits.h"
#include "manager.h"
#include "storage-settings.h"
#include "../bus/registry-bus.h"

enum reload_state {
        RELOAD_DONE,
        RELOAD_LATER, /* could not be applied: waits for the timer, or for a write */
        RELOAD_SOON,  /* something was written since: once, or each write would have it tried again */
        RELOAD_AGAIN, /* could not be applied then either: waits for the timer alone */
};

struct manager {
        sd_event *event;
        struct exe_reader *exe_reader;
        sd_bus *bus;
        struct schema *schema;
        struct schema_files schema_files;
        struct registry *registry;
        struct registry_bus *registry_bus;
        struct auditlog *auditlog;
        struct fswatch *vendor, *admin;
        struct store *store; /* the registry's */
        struct upkeep *upkeep;
        sd_event_source *upkeep_source;
        sd_event_source *quiet_timer;
        struct storage_settings settings;
        sd_event_source *reload_timer;
        enum reload_state reload;
        struct problems problems;
        struct edits edits;
        bool refused;            /* a drop-in file is good by itself, but the registry did not take it */
        uint64_t layers_version; /* of the table that `refused` and the problems are about */
        char *root;
        int run_dir_fd, lock_fd; /* locked */
        size_t value_max;
};

/* report.c */
/* A problem with a file, or with a value of the registry's own, told of once: log, record (NULL: none),
 * property. */
void report_problem(struct manager *m, const char *file, const char *text, const struct record *record);
/* False if there was none. */
bool clear_problem(struct manager *m, const char *file);

/* reload.c */
/* Reads the drop-in files and brings the registry to what they say. */
void load_dropins(struct manager *m);
_must_check_ int reload_start(struct manager *m);
/* Something was written: what could not be applied is tried again. */
void reload_changed(struct manager *m);

/* layers.c */
/* Tells of layers' metadata that are refused, and of those that are no more. */
void check_metadata(struct manager *m);
/* After a write: the same if the layers changed, and a file that was refused may be taken now. */
void follow_layers(struct manager *m);

/* storage.c */
/* Takes the folder of the store for this process, opens or recovers the store, and begins its upkeep. */
_must_check_ int storage_open(struct manager *m, struct diag *d);
/* Damage was found: the next storage_open() recovers what is not whole. 0 or negative errno. */
_must_check_ int storage_mark(struct manager *m, const char *why);
/* Ends the upkeep. */
void storage_close(struct manager *m);
_must_check_ int storage_start(struct manager *m);
/* Something was written. */
void storage_changed(struct manager *m);
/* Something was tried that took memory, but nothing was written. */
void storage_tried(struct manager *m);
/* The store failed, as `text` says; -EUCLEAN: it is damaged. The manager is the userdata. */
void storage_failed(int error, const char *text, void *userdata);

/* storage-settings.c: the settings as they are now. */
void storage_settings_load(struct manager *m);
