/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the schema says of a value, for people. Pure. */

#include "../../schema/schema.h"

/* When a change takes effect: "at once". */
const char *card_when(const struct schema_value *sv);
/* All of it, in lines, with an empty one at the end; `key` is the path of the value's key. */
void card_format(struct buf *out, const char *key, const struct schema_value *sv);
