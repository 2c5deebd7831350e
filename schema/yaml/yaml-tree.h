/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of schema/yaml: the document's memory and the building of its tree, without libyaml. Nodes and
 * texts live in chunks that are freed together. */

#include "../base/hashmap.h"
#include "yaml.h"

#define YAML_TAGS_KEPT 16u

struct yaml_chunk;

struct yaml_doc {
        char *name;
        const struct yaml_node *root;
        struct yaml_chunk *chunks; /* newest first */
        size_t n_nodes;
        const char *tags[YAML_TAGS_KEPT]; /* documents use few tags, each many times */
        size_t n_tags;
};

/* A map or list that is still open. */
struct yaml_frame {
        struct yaml_node *node;
        struct yaml_node *last;
        struct yaml_node *key; /* waits for its value */
        struct hashmap keys;   /* in use from YAML_KEYS_LINEAR keys on */
};

struct yaml_builder {
        struct yaml_doc *doc;
        struct diag *diag;
        struct yaml_frame stack[YAML_DEPTH_MAX];
        size_t depth;
};

void yaml_builder_done(struct yaml_builder *b);

/* Is the next node the key of a map? */
bool yaml_at_key(const struct yaml_builder *b);
/* Adds a node with its position; kind, tag and text are the caller's to fill in before the next call. */
_must_check_ int yaml_add(struct yaml_builder *b, uint32_t line, uint32_t column, struct yaml_node **ret);
_must_check_ int yaml_set_text(struct yaml_doc *doc, struct yaml_node *node, const char *s, size_t n);
_must_check_ int yaml_set_tag(struct yaml_doc *doc, struct yaml_node *node, const char *tag);
/* Makes the scalar that yaml_add() gave the open map's next key; -EINVAL if the map has it already. */
_must_check_ int yaml_take_key(struct yaml_builder *b, struct yaml_node *key);
_must_check_ int yaml_open(struct yaml_builder *b, struct yaml_node *node);
void yaml_close(struct yaml_builder *b);
