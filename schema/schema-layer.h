/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a layer's own values mean, Machine\System\Registry\Layers\NAME\{Enabled,Ends,Precedence}. Layers have
 * names of their own, so no schema file can list these: they are entries without a key. Only what `base` has
 * of them counts. */

#include "schema.h"

#define SCHEMA_LAYER_N 3u
/* NULL: the path is no layer's, or that of one which cannot have any. */
const struct schema_value *schema_layer_values(const struct path *key);
/* The one of that name, or NULL. */
const struct schema_value *schema_layer_find(const struct path *key, const char *name);

/* Layers that no such values make, raise, lower or switch off: the registry's own, and the fleet's, which
 * say it themselves and are signed. */
bool schema_layer_is_fixed(const char *name, size_t len);
