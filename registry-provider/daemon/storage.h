/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The store's folder: taken for this process, opened or recovered, and kept up in quiet moments, as values
 * of the registry's own say. */

#include <systemd/sd-event.h>

#include "../bus/registry1.h"
#include "../store/upkeep.h"
#include "registryd.h"

struct storage {
        struct registryd *daemon;
        sd_event *event;
        const char *root;
        size_t value_max;
        int lock_fd;
        char *file;                  /* the database */
        struct store *store;         /* the registry's */
        struct registry *registry;   /* set by whoever opens it */
        struct registry1 *registry1; /* the same */
        struct upkeep *upkeep;
        sd_event_source *upkeep_source;
        sd_event_source *quiet_timer;
        struct store_prune_limits history;
        struct upkeep_config settings;
};

/* All are borrowed; the storage stays where it is. 0 or negative errno. */
_must_check_ int storage_init(
        struct storage *s, struct registryd *daemon, sd_event *event, const char *root, size_t value_max);
void storage_done(struct storage *s);

/* Takes the folder, opens or recovers the store, and begins its upkeep. */
_must_check_ int storage_open(struct storage *s, struct diag *d);
/* Damage was found: the next storage_open() recovers what is not whole. 0 or negative errno. */
_must_check_ int storage_mark(const struct storage *s, const char *why);
/* Ends the upkeep. */
void storage_close(struct storage *s);

/* Something was written. */
void storage_changed(struct storage *s);
/* Something was tried that took memory, but nothing was written. */
void storage_tried(struct storage *s);
/* Somebody wants a copy: registry1_copied(). */
void storage_copy(struct storage *s);
/* Somebody wants it looked at: registry1_inspected(). */
void storage_inspect(struct storage *s);
/* The store failed, as `text` says; -EUCLEAN: it is damaged. */
void storage_failed(struct storage *s, int error, const char *text);
/* The settings as they are now. One that is refused leaves what was in force. */
void storage_load_settings(struct storage *s);
