/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What makes a layer have what a document says. */

#include "subtree.h"
#include "write.h"

/* What makes what the layer has now into what the document says, and no more: what the document has not,
 * goes, and what is the same is not written again. The batch is recursive. */
_must_check_ int apply_differences(
        struct write_batch *b, const struct subtree *now, const struct hive_file *file);

/* Says what became of it; `reply`: NULL where there was nothing to do. The batch names its layer. */
_must_check_ int apply_show_answer(const struct write_batch *b, sd_bus_message *reply, size_t left_out);

/* What readers would refuse is a problem each, `name:line:column: …`, and left out with --keep-going. */
_must_check_ int apply_check_values(
        struct session *s, const char *name, struct hive_file *file, struct diags *ret);
