/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of the schema: what its parts share. */

#include "schema.h"
#include "yaml/yaml.h"

struct schema_entry {
        struct schema_value value;
        const struct yaml_node *node;
};

struct schema_entries {
        struct schema_entry *list; /* sorted, each value once */
        size_t n;
};

/* The document's entries. 0, -ENOMEM, or -EINVAL / -EFBIG with d set. */
_must_check_ int schema_parse(const struct yaml_doc *doc, struct schema_entries *ret, struct diag *d);
void schema_entries_done(struct schema_entries *e);

void schema_value_done(struct schema_value *v);
/* By key, then name, folded. */
int schema_compare(const struct path *key, const char *name, const struct schema_value *v);
