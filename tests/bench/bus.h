/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "bench.h"

struct bus_server {
        /* The call that sets a value of the store to what nobody set before. */
        int (*new_set)(sd_bus *bus, unsigned n_values, unsigned round, sd_bus_message **ret);
        /* Makes signals of changes come to this connection. */
        int (*watch)(sd_bus *bus);
        const char *interface, *signal;
};

/* Exits when there is no connection. */
sd_bus *bus_open(const char *address);
/* Adds the rule at the bus, without a callback here. */
int bus_add_match(sd_bus *bus, const char *rule);
/* Reads until the reply; -EIO when it is an error. */
int bus_wait_reply(sd_bus *bus, uint64_t cookie);
