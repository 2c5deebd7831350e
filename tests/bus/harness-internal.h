/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the parts of the harness. */

#include "harness.h"

/* bus-daemon.c */
void bus_daemon_start(void);

/* daemon.c */
const char *program_of(const char *variable);
void daemon_spawn(struct daemon *d, const char *path, char *const *arguments);
