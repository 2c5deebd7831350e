/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Backup, Check, Repair and PreviewRepair: root's calls that wait for upkeep's thread. And Health: how the
 * provider is, in numbers, for whoever watches over machines. */

#include "registry1.h"
#include "writer.h"

/* Of each kind, that wait. */
#define UPKEEP_CALLS_MAX 8u

struct waiting {
        sd_bus_message *list[UPKEEP_CALLS_MAX];
        size_t n;
};

struct upkeep_calls {
        struct writer *writer; /* borrowed, with what it has */
        struct waiting copies, checks, repairs;
};

/* The methods; the userdata is the calls. */
int upkeep_calls_backup(sd_bus_message *m, void *userdata, sd_bus_error *error);
int upkeep_calls_check(sd_bus_message *m, void *userdata, sd_bus_error *error);
int upkeep_calls_repair(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* See registry1_copied() and registry1_inspected(). */
void upkeep_calls_copied(struct upkeep_calls *u, int error, const char *text, int fd);
void upkeep_calls_inspected(struct upkeep_calls *u, int error, const char *text, struct diags *found);
/* Nobody is to wait any longer. */
void upkeep_calls_end(struct upkeep_calls *u);

/* Answers Health(). 0 or negative. */
_must_check_ int upkeep_calls_health(
        const struct registry1_config *config, size_t n_subscriptions, sd_bus_message *m);
