/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The Prometheus text format, and what of the metrics is the registry provider's. Errors stick in `out`. */

#include "metrics.h"

struct metrics_label {
        const char *name, *value; /* value NULL or "": left out */
};

/* HELP and TYPE ("gauge", "counter" or "histogram") of the samples that follow. */
void metrics_add_family(struct buf *out, const char *name, const char *type, const char *help);
/* The part before the value, with the blank. */
void metrics_add_series(struct buf *out, const char *name, const struct metrics_label *labels, size_t n);
void metrics_add_sample(
        struct buf *out, const char *name, const struct metrics_label *labels, size_t n, uint64_t value);

/* One that is all of its family: without a label. */
void metrics_add_number(
        struct buf *out, const char *name, const char *type, const char *help, uint64_t value);

/* With six digits behind the point. */
void metrics_put_seconds(struct buf *out, uint64_t usec);

void metrics_add_registry(struct buf *out, const struct metrics_registry *r);
