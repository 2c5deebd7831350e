/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages that are read back as if they had come, of a connection that leads nowhere. Every failure is a
 * failed assertion. */

#include <systemd/sd-bus.h>

/* The connection, with these for suite_with(). */
void message_setup(void);
void message_teardown(void);

/* A call of `member` that is to be filled, and sealed; owned by the caller. */
sd_bus_message *message_new(const char *member);
void message_seal(sd_bus_message *m);
