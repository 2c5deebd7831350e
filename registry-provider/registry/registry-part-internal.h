/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two halves of the part share: what is read and laid over it (registry-part.c), and where links in
 * it lead (registry-part-links.c). */

#include "../../schema/base/hashmap.h"
#include "../resolve/resolve.h"
#include "registry.h"
#include "registry-part.h"

enum slot_kind {
        SLOT_ROOT, /* of a hive; its one entry names the key */
        SLOT_CHILD,
        SLOT_VALUE,
        SLOT_BLANKET, /* the name is "" */
};

/* All entries for one name in one key. */
struct slot {
        struct registry_part_item *items;
        struct guid key;
        enum slot_kind kind;
        size_t len;
        char name[];
};

/* A value that is looked for. */
struct part_need {
        struct path key;
        const char *name; /* the schema's */
};

struct registry_part {
        const struct store *from;
        struct store_scope scope;
        const struct schema *schema;
        struct hashmap slots;
        struct part_need *needs; /* the schema's values, then, behind links, what these may be */
        size_t n_of_schema, n_needs;
        const struct dropins *files; /* that are laid over it; NULL: none yet */
        struct layers layers;
        uint64_t sequence;
        unsigned turn; /* number of the file that is applied */
};

struct probe {
        enum slot_kind kind;
        const struct guid *key;
        const char *name;
        size_t len;
};

struct slot *registry_part_find_slot(const struct registry_part *p, const struct probe *probe);
/* 0 or -ENOMEM. */
_must_check_ int registry_part_need(struct registry_part *p, const struct path *key, const char *name);
/* What the schema's values are, where links lead to others: as far as that can be said yet. */
_must_check_ int registry_part_need_targets(struct registry_part *p);
void registry_part_needs_done(struct registry_part *p);
