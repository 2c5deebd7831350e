/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps the metrics file in step with the service: written when the text changed, what comes together in one
 * go, about once a second at most. Without a path, and while nothing changes, no timer runs. */

#include <stddef.h>
#include <systemd/sd-event.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/macro.h"

struct metrics;

struct metrics_config {
        const char *root; /* --root, or NULL */
        sd_event *event;
        int (*collect)(struct buf *out, void *userdata); /* 0 or -ENOMEM */
        void (*written)(void *userdata);                 /* metrics_error() may say something else now */
        void *userdata;
};

_must_check_ int metrics_new(const struct metrics_config *config, struct metrics **ret);
/* What has not been written yet is written; the file stays. */
struct metrics *metrics_free(struct metrics *m);

/* An absolute path; NULL or "": no file. The old one is removed, one that an earlier run wrote as well. */
void metrics_set_path(struct metrics *m, const char *path);
/* Why the file is not there as it should be; NULL: nothing is wrong. */
const char *metrics_error(const struct metrics *m);
/* Whether there is to be a file. */
bool metrics_wanted(const struct metrics *m);
/* Something may have changed. m may be NULL. */
void metrics_changed(struct metrics *m);
/* From a timer that runs anyway: tries again what failed, and brings back a file that somebody removed. */
void metrics_recheck(struct metrics *m);

/* The file that node_exporter's textfile collector reads. Whole or not there: a reader never sees a part. It
 * begins with a comment of our own, and what does not is another collector's: it stays as it is. */

#define METRICS_MARK "# Written by peios-audit-policyd, which replaces and removes this file.\n"

/* The path is as the schema of TextFile demands. The mark and the data, readable for everybody, whatever the
 * umask is. 0 or negative errno, -EEXIST where something stands there that is neither ours nor an empty
 * file; then that is untouched. */
_must_check_ int metrics_file_write(const char *path, const void *data, size_t n);
/* Where it is ours. 0, also where there is nothing to remove, or negative errno. */
_must_check_ int metrics_file_remove(const char *path);
/* What either returned, for people. */
const char *metrics_file_explain(int error);
