/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a registry says of the schema's values that are bound to a control, for the boot: read from a store,
 * however large that is, with drop-in files laid over it in plain memory. A registry over the whole store
 * that applies the same files says the same (but for a file that is refused because too many layers have
 * some other value of its, or some other key of its is below a link). Nothing is written. */

#include "../../schema/schema.h"
#include "../hive/dropins.h"
#include "../store/store.h"

struct registry_part;

/* A layer's entry: of a path, a value or a blanket. Names and data are the store's and the files'. */
struct registry_part_item {
        struct registry_part_item *next; /* newest first */
        const char *layer;
        uint64_t sequence;
        struct value value; /* of a value; REG_TOMBSTONE: a tombstone */
        struct guid target; /* of a path entry */
        bool is_hidden, is_dangling, is_link;
        bool is_said;            /* the layer's file has it, too */
        unsigned made, replaced; /* by the file of this number; 0: by none */
};

/* `from` (NULL: there is no store) and the schema are borrowed. 0, or what the store says, with d set or
 * not.
 */
_must_check_ int registry_part_new(
        const struct store *from, const struct schema *schema, struct registry_part **ret, struct diag *d);
struct registry_part *registry_part_free(struct registry_part *p);
DEFINE_CLEANUP(struct registry_part *, registry_part_free, registry_part_freep);

/* As registry_apply_dropins(), once. The files must live as long as the part. */
_must_check_ int registry_part_apply(struct registry_part *p, struct dropins *files, struct diag *d);

/* What is effective of one of those values, through links; a schema's default is none. 0,
 * REGISTRY_NOT_FOUND, REGISTRY_LINK_LOOP, REGISTRY_BAD_LINK or REGISTRY_CORRUPT, or -ENOMEM. */
_must_check_ int registry_part_get(const struct registry_part *p, const struct path *path, const char *name,
        const struct registry_part_item **ret);
