/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of known layers: name (case-insensitive), precedence, enabled, and the drop-in file behind it if
 * there is one. `base` is always there: precedence 0, enabled. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "../store/store.h"

#define LAYER_BASE STORE_BASE_LAYER
#define LAYERS_MAX 1024u

struct layer {
        char *name;
        uint32_t precedence;
        bool enabled;
        char *file; /* drop-in file of a read-only layer; NULL for one that can be written */
};

struct layers {
        struct layer *list; /* sorted by folded name; moves when a layer is set or removed */
        size_t n;
};

bool layer_name_equal(const char *a, const char *b);

/* A table that holds only `base`. 0 or -ENOMEM. */
_must_check_ int layers_init(struct layers *l);
void layers_done(struct layers *l);

const struct layer *layers_find(const struct layers *l, const char *name);
/* Adds or replaces, spelling included. `file` may be NULL. -EINVAL for a change of `base`, -E2BIG above
 * LAYERS_MAX, -ENOMEM; nothing is changed then. */
_must_check_ int layers_set(
        struct layers *l, const char *name, uint32_t precedence, bool enabled, const char *file);
/* False if there is no such layer, or it is `base`. */
bool layers_remove(struct layers *l, const char *name);
