/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the running kernel says of itself, and what the service knows of that. */

#include "event-list.h"

/* Calls `fn` for each loaded module that carries letters. False where they cannot be looked at, which is
 * said. */
bool running_modules(
        const char *root, void (*fn)(const char *name, const char *letters, void *userdata), void *userdata);

/* The newest event that set the bit; NULL where none is known. */
const struct shown_event *running_event(const struct events *events, unsigned bit);

/* What a service that sees nothing tells of causes is old: says so. */
void running_warn_blind(sd_bus *bus);
