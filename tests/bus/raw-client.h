/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A client of the bus in a few bytes: what sd-bus does not let its users do is to hand a connection over to
 * another process. */

#include <sys/types.h>

/* A process of this user and name connects to the world's bus, hands the connection to the test, and waits.
 * Returns its pid. */
pid_t raw_client_start(uid_t uid, const char *name, int *ret_fd);

/* Sets a value of the key \Test to `text`. Nothing waits for the answer. */
void raw_client_set(int fd, const char *name, const char *text);
