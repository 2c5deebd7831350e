/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of the snapshot reader: one document's nodes into store operations. */

#include "../../schema/yaml/yaml.h"
#include "snapshot.h"

struct snapshot_reader {
        const struct yaml_doc *doc;
        struct store *store;
        struct buf bytes; /* of one value or security descriptor, kept for the next */
        size_t left_out;  /* values that no store holds (store_value_is_refused()) */
        struct diag *d;
};

/* A map's entries by name: table[i] says where in `ret` (a struct of node pointers) the entry goes. -EINVAL
 * for a name that is not in the table. */
struct snapshot_field {
        const char *name;
        size_t offset;
        enum yaml_kind kind;
};
_must_check_ int snapshot_fields(const struct snapshot_reader *r, const struct yaml_node *map,
        const struct snapshot_field *table, size_t n, void *ret);

/* -EINVAL with a message for a node that is NULL or something else; `at` is where a missing one belongs. */
_must_check_ int snapshot_number(const struct snapshot_reader *r, const struct yaml_node *at,
        const struct yaml_node *node, uint64_t max, uint64_t *ret);
_must_check_ int snapshot_guid(const struct snapshot_reader *r, const struct yaml_node *at,
        const struct yaml_node *node, struct guid *ret);
/* A missing one is false. */
_must_check_ int snapshot_bool(const struct snapshot_reader *r, const struct yaml_node *node, bool *ret);

/* A key, the rest of a large key's values, or a path entry. */
_must_check_ int snapshot_item(struct snapshot_reader *r, const struct yaml_node *item);
