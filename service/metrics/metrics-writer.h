/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines of the Prometheus text format. */

#include "../../schema/base/buf.h"

struct metrics_label {
        const char *name, *value; /* value NULL or "": left out */
};

/* HELP and TYPE ("gauge" or "counter") of the samples that follow. */
void metrics_family(struct buf *out, const char *name, const char *type, const char *help);
/* Any bytes as the text between the quotes: escaped, and what is no UTF-8 or a control character replaced.
 */
void metrics_escape(struct buf *out, const char *text);
void metrics_sample(
        struct buf *out, const char *name, const struct metrics_label *labels, size_t n, uint64_t value);
/* The part before the value, with the blank. */
void metrics_series(struct buf *out, const char *name, const struct metrics_label *labels, size_t n);
