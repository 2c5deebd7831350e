/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One change that a command asks for: sent to the provider, or only tried out (--dry-run). */

#include "session.h"

enum change_kind {
        CHANGE_SET,
        CHANGE_DELETE,
        CHANGE_CREATE_KEY,
        CHANGE_DELETE_KEY,
};

struct change {
        enum change_kind kind;
        const char *key;
        const char *name;          /* of a value; NULL for a key */
        const struct value *value; /* CHANGE_SET */
};

/* The layer that the options name, for people. */
const char *change_layer(const struct session *s);

/* The options of the call, as the command line gives them. 0 or negative errno. */
_must_check_ int change_append_options(const struct session *s, sd_bus_message *m);

_must_check_ int change_send(struct session *s, const struct change *c, uint64_t *ret_sequence);

/* Puts what would change into the session's output, and what the policy service would do then. */
_must_check_ int change_preview(struct session *s, const struct change *c);
