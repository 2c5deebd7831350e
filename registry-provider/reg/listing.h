/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is in one key: the names of its subkeys, then the values, which are read once, in order. */

#include "entry.h"
#include "session.h"

struct listing {
        char **subkeys; /* NULL-terminated */
        sd_bus_message *reply;
};

_must_check_ int listing_get(struct session *s, const char *key, struct listing *ret);
void listing_done(struct listing *l);
#define _cleanup_listing_ _cleanup_(listing_done)

/* Writes the values as member "values" of the open object. */
_must_check_ int listing_values_to_json(struct session *s, struct listing *l, struct json *j);
/* Writes one line a value, after `indent` blanks, to the session's output. */
_must_check_ int listing_values_to_text(struct session *s, struct listing *l, size_t indent);
