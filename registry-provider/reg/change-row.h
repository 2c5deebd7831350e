/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One change of the history, as History() delivers it. */

#include "event.h"

/* The type of what is not there, or not given. */
#define CHANGE_ROW_NOTHING UINT32_MAX

/* Strings are borrowed from the reply. */
struct change_row {
        uint64_t time, sequence;
        struct event event; /* kind, key, name and layer; the entry's value is the new one */
        int effective, dataless;
        struct entry old;
};

void change_row_done(struct change_row *row);
/* Reads "ttssssbbuvuv", the members before the origin. 0 or negative errno. A row may be read into again and
 * again. */
_must_check_ int change_row_read(sd_bus_message *m, struct change_row *row);
/* A line, with the origin (of which `verbose` shows all members), which is read behind it. 0 or negative
 * errno. */
_must_check_ int change_row_format(
        struct buf *out, const struct change_row *row, sd_bus_message *m, bool verbose);
