/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The registry's values in \System\Fleet that say what is taken from the fleet. */

#include "../../schema/base/diag.h"

#define FLEET_KEY "\\System\\Fleet"

struct fleet_settings {
        char **groups; /* this machine's; ended by NULL */
        bool drops;    /* OnExpiry: what has expired leaves force */
};

/* Asks the provider. A value that is no such thing is logged and counts as not set. 0, or negative errno
 * with d set: nobody knows. */
_must_check_ int fleet_settings_load(struct fleet_settings *ret, struct diag *d);
void fleet_settings_done(struct fleet_settings *s);
#define _cleanup_fleet_settings_ _cleanup_(fleet_settings_done)
