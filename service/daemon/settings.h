/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All values of the registry that the service follows, and what they share. */

#include "../../schema/audit/auditlog.h"
#include "../policy/accepted.h"
#include "setting.h"

/* A start waits this long for the registry where nothing was accepted yet. */
#define REGISTRY_WAIT_SECONDS 10u

struct settings {
        const char *root;
        sd_event *event;
        struct auditlog *auditlog;
        /* Who takes values, and who is told of them. Each may be NULL: not there yet, or not any more. */
        struct taints *taints;
        struct metrics *metrics;
        struct policy_bus *bus;

        struct accepted accepted;
        struct accepted refused; /* what was refused last, so that a restart does not tell of it again */
        bool is_stored;          /* as it is here */
        char keep_error[256];    /* why it cannot be kept for the next boot; "" when it can */
        bool ran_before; /* then a value that is not among the accepted ones was not set when it ended */
        bool registry_missed; /* it does not answer, and that was said */
        struct setting **list;
        size_t n;
        struct setting *taint_events, *capture; /* of the list */
        struct setting **ended;                 /* of which a record is still under way */
        size_t n_ended;
};

/* Makes a setting of each entry that is bound to a control or steers the service. 0, -ENOENT where one is
 * missing that the service cannot do without, or another negative errno. */
_must_check_ int settings_load(struct settings *all, const struct schema *schema);
/* The registry has said all there is to know, or was not heard in time: what was accepted at the start is
 * kept. */
void settings_end_start(struct settings *all);
void settings_done(struct settings *all);
/* The schema was read again: entries that came are followed, those that went are not any more. 0; -ENOENT
 * where one is missing that the service cannot do without, and -ENOMEM: then nothing changed. */
_must_check_ int settings_reload(struct settings *all, const struct schema *schema);

/* Keeps what is accepted for the next start and boot; that it cannot is said here and shown. */
void settings_store(struct settings *all);

/* Hands the service's own settings to what takes them, which is there now. */
void settings_take_own(struct settings *all);
/* A value came from the registry; of one that is no setting nothing is taken. 0 or -ENOMEM. */
_must_check_ int settings_input(struct settings *all, const struct link_value *in);
