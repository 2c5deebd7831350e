/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything about event, module and actor that can still be had, as `NAME=value` lines for the journal:
 * taken only where forensic capture asks for it, as it reads whole module files. Control characters in
 * values become `?`, so that no value can pretend to be a line of its own. */

#include "../../schema/base/buf.h"
#include "taint-event.h"

/* *ret is malloc()ed, or NULL where there is nothing to say. `started_before` as in process.h. 0 or -ENOMEM.
 */
_must_check_ int capture_properties(
        const char *root, const struct taint_event *e, uint64_t started_before, char **ret);

/* The part of the module: appends its lines. `command_line` is that of the actor, `pid`, or "". */
void capture_module(
        const char *root, const char *module, uint32_t pid, const char *command_line, struct buf *out);
