/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../../schema/schema.h"

#define SCHEMA_HEAD "peios-schema: 1\nkeys:\n"

/* A document with a value of each kind in key \T, nine of them. */
extern const char schema_util_types[];

/* A schema of this one document, named "t". */
struct schema *schema_util_load(const char *text);
/* NULL, or a failed test, where there is none. */
const struct schema_value *schema_util_find(const struct schema *s, const char *key, const char *name);
const struct schema_value *schema_util_need(const struct schema *s, const char *key, const char *name);
