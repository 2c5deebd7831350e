/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What sd-bus hands out, put back at the end of a scope. */

#include <systemd/sd-bus.h>

#include "../base/macro.h"

#define _cleanup_message_ _cleanup_(sd_bus_message_unrefp)
#define _cleanup_bus_error_ _cleanup_(sd_bus_error_free)
