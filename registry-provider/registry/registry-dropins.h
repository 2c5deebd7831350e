/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which drop-in file has which layer: the same for the registry and for its part that the boot reads. */

#include "../hive/dropins.h"
#include "../resolve/layers.h"

/* Whether the good file `in` can have its layer: REGISTRY_EXISTS or REGISTRY_LIMIT, with d set. `all`: the
 * layers before the files; `of_files`: those that files stand behind, with what has been applied so far;
 * `is_taken`: it is no file's, and somebody has written to it. Metadata alone override a file's. */
_must_check_ int registry_dropins_check(const struct dropins *files, const struct dropin *in,
        const struct layers *all, const struct layers *of_files, bool is_taken, struct diag *d);

/* From here on the file is a broken one, whose layer keeps its last good content. What the store or the
 * memory cannot do is not the file's fault, and returned. */
_must_check_ int registry_dropins_refuse(struct dropin *in, int error, const struct diag *why);

/* What stands behind a layer. */
enum registry_backing {
        BACKING_GONE,
        BACKING_BROKEN, /* nobody knows what the file says now */
        BACKING_GOOD,
};
enum registry_backing registry_dropins_backing(const struct dropins *files, const struct layer *layer);
