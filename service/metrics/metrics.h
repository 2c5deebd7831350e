/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps the metrics file in step with the service: written when the text changed, what comes together in one
 * go, about once a second at most. Without a path, and while nothing changes, no timer runs. */

#include <stddef.h>
#include <systemd/sd-event.h>

#include "../../schema/audit/sender.h"
#include "../../schema/base/buf.h"
#include "../../schema/base/macro.h"
#include "../../schema/schema.h"
#include "../monitor/monitor.h"

/* What the service knows, in the Prometheus text format. Pure. */

/* A setting that is bound to a control. */
struct metrics_setting {
        const char *path;
        const char *control;
        bool applies; /* something is to be in the control; else it is nobody's, and neither live nor not */
        bool live;
        bool pending; /* something else is accepted, and waits for a restart or a reboot */
        uint64_t changes, no_ops, refusals, drifts;
};

/* What one of the schema's choices is in force of. */
struct metrics_choice {
        const struct schema_value *sv; /* NULL: left out */
        const char *text;              /* NULL: none of them */
};

/* How long at most, and how many of all. */
struct metrics_bucket {
        uint64_t usec, n;
};
#define METRICS_BUCKETS_MAX 16u

/* What the registry provider says of itself. */
struct metrics_registry {
        bool is_up; /* else nothing more is known */
        uint64_t problems, refused, layers, layers_ending, sequence, subscriptions, store_bytes;
        uint64_t backup_time,
                backup_sequence; /* µs since 1970, and the newest change in it; 0: there is none */
        uint64_t commits, commit_usec;
        struct metrics_bucket buckets[METRICS_BUCKETS_MAX]; /* of the commits, the shortest first */
        size_t n_buckets;
};

struct metrics_state {
        const char *version;
        const struct metrics_registry *registry; /* NULL: it has not been asked yet */
        struct monitor_status monitor;
        const struct taint_event *events; /* of this boot, oldest first */
        size_t n_events;
        uint64_t accepted; /* bits that are no alarm */
        struct metrics_choice policy, capture;
        const struct metrics_setting *settings;
        size_t n_settings;
        struct sender_status audit;
};

/* The same state gives the same text. UTF-8, whatever names hold. 0 or -ENOMEM. */
_must_check_ int metrics_text(const struct metrics_state *s, struct buf *out);

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
