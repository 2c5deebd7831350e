/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A daemon's place on the system bus. */

#include <systemd/sd-bus.h>

#include "../base/diag.h"
#include "../process/process.h"

/* Attached to the loop, which ends with a failure when the bus goes away. 0, or negative errno with d set.
 */
_must_check_ int daemon_bus_open(sd_event *event, sd_bus **ret, struct diag *d);
/* Last, after the objects: who sees the name can call. 0, or negative errno with d set. */
_must_check_ int daemon_bus_own(sd_bus *bus, const char *name, struct diag *d);

/* What is needed of a call to answer it later: all but its contents, which may be long. Once, for a call
 * that came in. 0 or negative errno. */
_must_check_ int daemon_bus_stub(sd_bus_message *call, sd_bus_message **ret);

/* Appends `{sv}` with a string, whatever bytes it holds (utf8_replace()): a task may have any name, and one
 * that D-Bus does not take must not keep the whole message back. 0 or more, or negative errno. */
_must_check_ int daemon_bus_append_text(sd_bus_message *m, const char *name, const char *text);
/* The same for a plain string. */
_must_check_ int daemon_bus_append_string(sd_bus_message *m, const char *text);
/* Members of an a{sv} that say who: all but the context, which a taint event has under that name too. NULL:
 * that nobody is known. */
_must_check_ int daemon_bus_append_actor(sd_bus_message *m, const struct actor *a);
