/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is wrong with the registry's files, as the provider knows it. A broken file is no layer that is
 * missing: what it said last stays in force, and nothing else would show that. */

#include "session.h"

struct problems {
        sd_bus_message *reply;
};

void problems_done(struct problems *p);
#define _cleanup_problems_ _cleanup_(problems_done)

_must_check_ int problems_get(struct session *s, struct problems *ret);
/* The text of what is wrong with the file, borrowed; NULL: nothing. */
const char *problems_find(const struct problems *p, const char *file);

/* Asks, and warns of each on standard error; nothing with --quiet. */
_must_check_ int problems_tell(struct session *s);
