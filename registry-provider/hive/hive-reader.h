/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of hive: what the parts of the reader share. */

#include "../../schema/base/hashmap.h"
#include "../../schema/yaml/yaml.h"
#include "hive.h"

struct hive_arena {
        struct buf bytes; /* name, NUL, data of each value, in their order */
        struct hive_value *values;
        size_t n;
};

struct hive_reader {
        const struct yaml_doc *doc;
        struct diag *diag;
        size_t value_max;
        const struct yaml_node *hives;
        struct hive_file *file;
        struct hashmap keys;
        bool hides;            /* one of the keys is !hidden */
        struct hashmap values; /* of the key that is read */
};

/* Puts the place, and what stands there, in front of what a function said that does not know it. Returns
 * -ENOMEM or -EINVAL. */
_must_check_ int hive_place(
        const struct hive_reader *r, const struct yaml_node *at, const char *what, int error);

/* All members of the file; *ret_keys is set when `keys` is among them. */
_must_check_ int hive_read_members(
        struct hive_reader *r, const struct yaml_node *root, const struct yaml_node **ret_keys);

/* The name that a map's key stands for, as people write it. */
const char *hive_value_name(const struct yaml_node *value, size_t *ret_len);

/* Remembers a value of a key, or a key of a file. Names that differ only in case (or, for keys, in the kind
 * of separator) are one: -EINVAL with both lines named if it is there already. */
_must_check_ int hive_take_value(
        struct hashmap *seen, const struct yaml_doc *doc, const struct yaml_node *value, struct diag *d);
_must_check_ int hive_take_key(struct hashmap *seen, const struct yaml_doc *doc,
        const struct yaml_node *node, struct hive_key *key, struct diag *d);
/* What is in a key that the same file hides cannot be: -EINVAL. `seen` has all keys of the file. */
_must_check_ int hive_check_hidden(const struct hashmap *seen, const struct yaml_doc *doc,
        const struct yaml_node *node, const struct hive_key *key, struct diag *d);
