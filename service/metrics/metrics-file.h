/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file that node_exporter's textfile collector reads. Whole or not there: a reader never sees a part. */

#include "../../schema/base/diag.h"

#define METRICS_SUFFIX ".prom"

/* "" is allowed and means none. 0, or -EINVAL with d set. */
_must_check_ int metrics_file_check(const char *path, struct diag *d);
/* Readable for everybody, whatever the umask is. 0 or negative errno; then the old file is untouched. */
_must_check_ int metrics_file_write(const char *path, const void *data, size_t n);
