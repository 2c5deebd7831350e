/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How this machine stands, as both other daemons say it, and what it took and refused of the fleet. Asked
 * for when they signal something, not by the clock. */

#include <systemd/sd-bus.h>

#include "../fleet/standing.h"

/* `changed` when standing_text() is otherwise than it was. 0 or negative errno. */
_must_check_ int standing_new(sd_bus *bus, const char *root, void (*changed)(void *userdata), void *userdata,
        struct standing **ret);
struct standing *standing_free(struct standing *s);
