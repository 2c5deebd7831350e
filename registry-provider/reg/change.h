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

/* What became of it. */
struct outcome {
        uint64_t sequence;
        int changed;       /* something effective */
        const char *layer; /* whose entry of the value counts now: "" nobody's; NULL for a key */
        sd_bus_message *reply;
};

void outcome_done(struct outcome *o);
#define _cleanup_outcome_ _cleanup_(outcome_done)

_must_check_ int change_send(struct session *s, const struct change *c, struct outcome *ret);

/* Puts what would change into the session's output, and what the policy service would do then. */
_must_check_ int change_preview(struct session *s, const struct change *c);
