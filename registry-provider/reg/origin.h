/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who made a change: the a{sv} of Changed signals and of Resolve(). */

#include <systemd/sd-bus.h>

#include "../../schema/base/json.h"

/* Reads it, and appends "uid 1000, pid 321, comm peios-reg" (`verbose`: all members; nothing for an empty
 * one) to `out`, or writes an object with all members where `j` is not NULL. 0 or negative errno. */
_must_check_ int origin_read(sd_bus_message *m, bool verbose, struct buf *out, struct json *j);
