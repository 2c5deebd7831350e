/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `peios-fleet status`, `show` and `forget`: the machines, as they say themselves. */

#include "../../schema/bus/wire.h"
#include "fleet-options.h"

enum exit_code machines_status(const struct fleet_options *o);
enum exit_code machines_show(const struct fleet_options *o, const char *machine);
enum exit_code machines_forget(const struct fleet_options *o, const char *machine);
