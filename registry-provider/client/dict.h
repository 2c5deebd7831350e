/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dictionaries on D-Bus, read by a table. */

#include <stddef.h>
#include <systemd/sd-bus.h>

#include "../../schema/base/macro.h"

struct dict_member {
        const char *name, *type;
        void *at; /* as sd_bus_message_read() wants it: strings are borrowed from the message, a `b` is an
                     int */
};

/* Reads an a{sv}. What has no entry in the dictionary keeps its value, and what is not in the table is
 * passed over. 0; -ENXIO where a member is of another type, or another negative errno: then some may have
 * been set. */
_must_check_ int dict_read(sd_bus_message *m, const struct dict_member *members, size_t n);
