/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The text of the state file: what was told of in this boot. YAML with a checksum as its last line. Pure. */

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

/* Keeps the text of events that change no more with them. 0 or -ENOMEM (which sticks in `out`). */
_must_check_ int state_format(struct state *s, struct buf *out);
/* Strict: exactly these fields, each once. `name` is only for messages. On an error nothing is written.
 * -ENOMEM, or -EINVAL with d set. */
_must_check_ int state_parse(
        const char *name, const char *text, size_t n, struct state *ret, struct diag *d);
