/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What this machine has of the fleet: keys, serials, and the policies that are in force, as files in
 * LAYOUT_DROPINS_FLEET. A policy is judged, and then installed or refused. */

#include <systemd/sd-id128.h>

#include "fleet-state.h"

/* Its id in etcd, of /etc/machine-id below `root` (NULL: /), as sd_id128_get_machine_app_specific() has it,
 * which knows no root: etcd's readers do not learn the id itself. 0, or negative errno with d set. */
_must_check_ int fleet_machine_id(const char *root, sd_id128_t *ret, struct diag *d);
/* Where it stands among all, 0 to 99, always the same: in a policy for N percent are those below N. */
unsigned fleet_machine_place(sd_id128_t id);

struct fleet_machine {
        const char *root;
        struct fleet_keys keys;
        struct fleet_state state;
        int lock_fd;     /* LAYOUT_FLEET_LOCK, held by who installs; -1 for who only looks */
        int policy_fd;   /* LAYOUT_DROPINS_FLEET; -1 where it is missing */
        int64_t now;     /* µs since 1970 */
        bool is_changed; /* the state is to be stored */
};

/* `installs`: folders are made, and nobody else installs meanwhile. A damaged state is set aside and logged;
 * policies that are installed say the rest. `root` is borrowed. 0, or negative errno with d set. */
_must_check_ int fleet_machine_open(
        const char *root, bool installs, struct fleet_machine *ret, struct diag *d);
void fleet_machine_close(struct fleet_machine *m);
#define _cleanup_fleet_machine_ _cleanup_(fleet_machine_close)

/* As fleet_policy_read(), and whether it is older than what was accepted, or for others first. */
_must_check_ int fleet_machine_judge(struct fleet_machine *m, const char *name, const struct buf *text,
        const char *group, struct fleet_policy *ret, enum fleet_verdict *ret_verdict, struct diag *d);
/* What was judged to be good comes into force: durable, atomic, and nothing is written where it is there
 * already. *ret_new: it was not. 0 or negative errno with d set. */
_must_check_ int fleet_machine_install(struct fleet_machine *m, const struct fleet_policy *p,
        const struct buf *text, bool *ret_new, struct diag *d);
/* 1: it is to be recorded; 0: it was before; or -ENOMEM. */
_must_check_ int fleet_machine_refuse(struct fleet_machine *m, const char *group, enum fleet_verdict why,
        uint64_t serial, const struct buf *text);
/* Takes out of force what has expired, and what no key that is there signed. 0 or negative errno with d set.
 */
_must_check_ int fleet_machine_drop(struct fleet_machine *m, struct diag *d);
/* Where something changed. 0 or negative errno with d set. */
_must_check_ int fleet_machine_store(struct fleet_machine *m, struct diag *d);
