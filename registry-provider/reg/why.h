/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of `why`: each adds its lines, or its members of the one JSON object, to the session's output.
 */

#include "../../schema/base/table.h"
#include "problems.h"

/* One layer's entry; strings are borrowed from the reply. */
struct contender {
        const char *layer, *file, *state;
        uint32_t precedence;
        uint64_t sequence;
        uint32_t type;
        struct buf bytes;
};

struct value contender_value(const struct contender *c);
bool contender_is_tombstone(const struct contender *c);

struct why {
        struct session *s;
        const char *name;
        const char *path; /* the key's, with its hive; borrowed from the reply */
        int exists;
        size_t n;                /* entries */
        struct contender winner; /* `layer` NULL: nothing wins */
        struct problems problems;
        bool terminal;      /* there are headings */
        struct table table; /* of the entries; text only */
        struct buf notes;   /* of their files */
        struct json j;
        const struct schema_value *sv; /* NULL: the schema does not know the value */
};

/* Reads the rest of Resolve()'s reply, after the path. */
_must_check_ int why_layers(struct why *w, sd_bus_message *reply);

/* What the schema says of the value that wins, and what the policy service does with it. */
_must_check_ int why_reader(struct why *w);
