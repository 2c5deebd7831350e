/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who calls: the bus's word for pid and uid, /proc's for the rest, taken when the call comes in. */

#include <systemd/sd-bus.h>

#include "../../service/audit/record.h"

struct caller_cache;

_must_check_ int caller_cache_new(struct caller_cache **ret);
struct caller_cache *caller_cache_free(struct caller_cache *c);

/* The sender of `m`. Asked once for each connection in CALLER_TTL_USEC: unique names are never used again,
 * so an entry can only be stale, not wrong about who it is. 0 or negative errno. */
#define CALLER_TTL_USEC UINT64_C(2000000)
_must_check_ int caller_of_message(struct caller_cache *c, sd_bus_message *m, struct actor *ret);
/* The owner of a unique name, for a trusted service that acts for somebody. */
_must_check_ int caller_of_name(
        struct caller_cache *c, sd_bus *bus, const char *unique_name, struct actor *ret);
