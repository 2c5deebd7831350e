/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The text of the state file: what was told of in this boot. YAML, which grows: each piece that was written
 * at once ends in a checksum of all before it. Pure. */

#include "../../schema/base/buf.h"
#include "../../schema/base/clock.h"
#include "history.h"

struct state {
        char boot_id[BOOT_ID_MAX]; /* "" where the kernel does not tell it */
        uint64_t told;
        bool blind; /* that the mask cannot be read was told of, and it could not be read since */
        struct history history;
};

void state_done(struct state *s);

/* All of it, without a checksum, as the others. An error sticks in `out`. */
void state_format(const struct state *s, struct buf *out);
/* What follows: the newest event, as it is; and what is told of by now, the newest event among it, with its
 * number. */
void state_format_event(const struct state *s, struct buf *out);
void state_format_told(const struct state *s, struct buf *out);
/* Ends a piece. `sum` is what this gave for the piece before, 0 for the first. */
uint32_t state_add_sum(uint32_t sum, struct buf *piece);

/* Strict: exactly these fields, each once. A last piece that is cut short counts as not written; else what
 * has no sum that fits is refused. `name` is only for messages. On an error nothing is written. -ENOMEM, or
 * -EINVAL with d set. */
_must_check_ int state_parse(
        const char *name, const char *text, size_t n, struct state *ret, struct diag *d);
