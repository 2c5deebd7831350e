/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When connections of the bus began: the process that made one is older than that. Each new connection wakes
 * the daemon once; its first call may come much later, when its pid is somebody else's already. */

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "../base/macro.h"

/* So many of the newest are kept. All others began before the oldest of them. */
#define BEGINNINGS_MAX 1024u

struct beginnings;

/* Asks the bus for its signals and does not wait for its answer. 0 or negative errno. */
_must_check_ int beginnings_new(sd_bus *bus, struct beginnings **ret);
struct beginnings *beginnings_free(struct beginnings *b);

/* The connection with this unique name began then or earlier. CLOCK_BOOTTIME, µs. */
uint64_t beginnings_find(const struct beginnings *b, const char *name);

/* One has begun. */
void beginnings_add(struct beginnings *b, const char *name, uint64_t usec);
