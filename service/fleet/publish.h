/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `peios-fleet publish` and `withdraw`: a policy gets the next serial, is signed, and goes into etcd unless
 * somebody else was quicker. */

#include "../../schema/bus/wire.h"
#include "fleet-options.h"

/* `file` NULL: withdraws. */
enum exit_code publish_policy(const struct fleet_options *o, const char *file);
