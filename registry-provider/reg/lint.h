/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can be said of a document without a provider: the schema is read from its files. */

#include "../../schema/schema.h"
#include "../hive/hive.h"
#include "session.h"

/* Below --root. *ret is to be freed with schema_free(). */
_must_check_ int lint_read_schema(struct session *s, struct schema **ret);

/* Adds what readers will refuse, and names that nobody may have meant, as `name:line:column: …`. 0 or
 * -ENOMEM. */
_must_check_ int lint_warn(
        const struct schema *schema, const char *name, const struct hive_file *file, struct diags *ret);
