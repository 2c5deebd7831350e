/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file that node_exporter's textfile collector reads. Whole or not there: a reader never sees a part. It
 * begins with a comment of our own, and what does not is another collector's: it stays as it is. */

#include <stddef.h>

#include "../../schema/base/macro.h"

#define METRICS_MARK "# Written by peios-audit-policyd, which replaces and removes this file.\n"

/* The path is as the schema of TextFile demands. The mark and the data, readable for everybody, whatever the
 * umask is. 0 or negative errno, -EEXIST where something stands there that is neither ours nor an empty
 * file; then that is untouched. */
_must_check_ int metrics_file_write(const char *path, const void *data, size_t n);
/* Where it is ours. 0, also where there is nothing to remove, or negative errno. */
_must_check_ int metrics_file_remove(const char *path);
/* What either returned, for people. */
const char *metrics_file_explain(int error);
