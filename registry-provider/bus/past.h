/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* GetAt, ListAt, InfoAt and ResolveAt: what the registry was at an earlier moment; and Restore, of a copy. A
 * thread opens the file beside the loop, and brings back from the history what the call will look at; the
 * loop answers from that as from the registry itself. So no reader keeps the loop busy, however much has
 * happened since; they wait for each other, a few of each user. And ReadTree: what is to be whole is of one
 * moment, too, that of a second connection to the file, and is put together when nothing else is to be done.
 */

#include "reader.h"

struct past;

/* `file`: the registry's database. The reader is borrowed. */
_must_check_ int past_new(struct reader *reader, const char *file, struct past **ret);
struct past *past_free(struct past *p);

/* Nobody waits for this client's answers any more. */
void past_drop_caller(struct past *p, const char *name);

/* The methods; the userdata is at a pointer to the past. */
int past_call(sd_bus_message *m, void *userdata, sd_bus_error *error);
