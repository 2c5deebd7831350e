/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How this machine stands, as both other daemons say it, and what it took and refused of the fleet. Asked
 * for when they signal something, not by the clock. */

#include <systemd/sd-bus.h>

#include "../../schema/base/buf.h"
#include "../fleet/agent.h"

/* `changed` when standing_text() is otherwise than it was. 0 or negative errno. */
_must_check_ int standing_new(sd_bus *bus, const char *root, void (*changed)(void *userdata), void *userdata,
        struct standing **ret);
struct standing *standing_free(struct standing *s);

/* ---- Its parts, as members of one JSON object ---- */

/* Members that a machine may have many of are cut to these. */
#define STANDING_PROBLEMS_MAX 8u
#define STANDING_VALUES_MAX 64u
#define STANDING_TEXT_MAX 200u

/* All append, and return 0 or negative errno. */

/* Name, kernel and boot of the machine. */
_must_check_ int standing_text_machine(const char *root, struct buf *out);
/* Of the policy service's properties. */
_must_check_ int standing_text_policy(sd_bus_message *m, struct buf *out);
/* Of its ListSettings(). */
_must_check_ int standing_text_values(sd_bus_message *m, struct buf *out);
/* Of the registry's properties: the layers of the fleet, and what stands above them. */
_must_check_ int standing_text_registry(sd_bus_message *m, struct buf *out);
/* Of the policies of the fleet that were accepted, and refused. */
_must_check_ int standing_text_groups(const char *root, struct buf *out);
