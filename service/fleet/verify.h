/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `peios-fleet verify`: policies are judged, brought into force, refused. */

#include "../../schema/bus/wire.h"
#include "fleet-options.h"

/* With the option `incoming`, the files of the incoming folder. */
enum exit_code verify_files(const struct fleet_options *o, char *const *files, size_t n);
