/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A layer's entry of a value, of those that compete, as Resolve() delivers them. */

#include "../../schema/names/seal.h"
#include "entry.h"

/* Strings are borrowed from the reply. */
struct contender {
        const char *file, *state;
        uint32_t precedence;
        struct seal seal;
        struct entry entry;
};

/* Reads the next struct of "a(sustuvsts)": 1, 0 at the end, or negative errno. One may be read into again
 * and again; its entry is done() at the end. */
int contender_read_next(sd_bus_message *m, struct contender *ret);
bool contender_wins(const struct contender *c);
bool contender_is_tombstone(const struct contender *c);
/* What it says, and its state where it does not win. */
void contender_format(struct buf *out, const struct contender *c);

/* All of them, the winner first, and the reply that they borrow from. Empty is { 0 }. */
struct contenders {
        struct contender *list;
        size_t n;
        sd_bus_message *reply;
};

void contenders_done(struct contenders *c);
/* Reads "a(sustuvsts)"; `ret` is empty, and done() in any case. 0 or negative errno. */
_must_check_ int contenders_read(sd_bus_message *reply, struct contenders *ret);
