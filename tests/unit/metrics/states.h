/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* States of the service that the tests of the metrics make text of. */

#include "../../../service/metrics/metrics-text.h"

/* A setting of the built-in schema. */
const struct schema_value *state_entry(const char *key, const char *name);

struct state_case {
        const char *name;
        void (*make)(struct metrics_state *s);
};
extern const struct state_case state_cases[];
extern const size_t n_state_cases;

/* A provider that is well. */
void state_registry(struct metrics_registry *ret);
/* Every member is filled; cases change it. */
void state_begin(struct metrics_state *s);
/* The text of a case; aborts without memory. */
void state_text(const struct state_case *c, struct buf *out);
