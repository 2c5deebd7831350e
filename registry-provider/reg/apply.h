/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What makes a layer have what a document says. */

#include "subtree.h"
#include "write.h"

/* All that the document says. */
_must_check_ int apply_add_keys(struct write_batch *b, const struct hive_file *file);
/* What the layer has now, and the document has not, goes; before what the document says. The batch is
 * recursive. */
_must_check_ int apply_prune(struct write_batch *b, const struct subtree *now, const struct hive_file *file);

/* What readers would refuse is a problem each, `name:line:column: …`, and left out with --keep-going. */
_must_check_ int apply_check_values(
        struct session *s, const char *name, struct hive_file *file, struct diags *ret);
