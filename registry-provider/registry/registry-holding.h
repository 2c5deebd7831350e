/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "registry-internal.h"

/* What one layer holds in the store now, each entry marked once the file confirms it. */
enum held_kind {
        HELD_VALUE,
        HELD_ENTRY,
        HELD_BLANKET,
};

struct held {
        enum held_kind kind;
        struct guid key; /* of the value or blanket; the parent of a path entry */
        char *name;
        bool kept;
};

struct holding {
        struct held *list;
        size_t n;
        struct hashmap index;
};

void holding_done(struct holding *h);
_must_check_ int holding_load(struct registry *r, const char *layer, struct holding *h);
/* True if the layer had it, which is now confirmed. */
bool holding_keep(struct holding *h, enum held_kind kind, const struct guid *key, const char *name);
bool layer_name_equal(const char *a, const char *b);
