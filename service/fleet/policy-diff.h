/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `peios-fleet diff`: what a hive file would change in what its group has now. */

#include "../../schema/bus/wire.h"
#include "fleet-options.h"

enum exit_code policy_diff(const struct fleet_options *o, const char *file);
