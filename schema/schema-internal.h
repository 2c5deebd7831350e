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

/* Inside of the schema: one value's entry. */

/* The value's `control`, from its map. */
_must_check_ int schema_parse_control(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *ret, struct diag *d);
/* What can only be judged when the whole entry is there. */
_must_check_ int schema_check_control(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v, struct diag *d);

/* A member that is one line of at most `max` bytes, copied. */
_must_check_ int schema_copy_text(
        const struct yaml_doc *doc, const struct yaml_node *node, size_t max, char **ret, struct diag *d);
/* Which of the words it is. */
_must_check_ int schema_pick(const struct yaml_doc *doc, const struct yaml_node *node,
        const char *const *words, size_t n, size_t *ret, struct diag *d);
/* Puts the place in front of what a function said that does not know it. Returns -ENOMEM or -EINVAL. */
_must_check_ int schema_place(
        const struct yaml_doc *doc, const struct yaml_node *at, int error, struct diag *d);
int schema_unknown(
        const struct yaml_doc *doc, const struct yaml_node *node, const char *known, struct diag *d);
