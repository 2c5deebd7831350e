/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of layers, as a store says: see registry-layers.c. */

#include "../resolve/layers.h"

/* Base and the layers that files stand behind, as the files say. 0, -E2BIG, -ENOMEM, or what the store says,
 * as all of these. */
_must_check_ int registry_layers_of_files(const struct store *s, struct layers *ret);
/* Metadata add layers, and override a file's. Of what is refused, what was in force `before` stays (NULL:
 * that is not known). */
_must_check_ int registry_layers_add_metadata(
        const struct store *s, const struct layers *before, struct layers *l);
/* Both. */
_must_check_ int registry_layers_load(
        const struct store *s, const struct layers *before, struct layers *ret);
